"""The rule by which waiting runs are given devices: no file, no process."""

from collections import Counter
from collections.abc import Iterable, Sequence

from kdcore.runs.machine import DeviceState
from kdcore.runs.queue.entries import QueueEntry

ALL_GPUS = "cuda:all"


def suitable(requested: str, devices: Sequence[DeviceState]) -> tuple[str, ...]:
    """The devices of which a run takes one, or all when it asks for cuda:all.

    A missing device becomes the CPU: the run begins there and reports that the device is missing,
    instead of waiting for ever.
    """
    names = [device.name for device in devices]
    gpus = tuple(name for name in names if name.startswith("cuda:"))
    if requested in ("auto", "cuda", ALL_GPUS) and gpus:
        return gpus
    if requested == "auto" and "mps" in names:
        return ("mps",)
    return (requested,) if requested in names else ("cpu",)


def usual_devices(requested: str, devices: Sequence[DeviceState]) -> tuple[str, ...]:
    """The devices of a run that was given none: the first suitable one, as torch counts them."""
    names = suitable(requested, devices)
    return names if requested == ALL_GPUS else names[:1]


def give(
    waiting: Iterable[QueueEntry], devices: Sequence[DeviceState], running: Iterable[QueueEntry]
) -> list[tuple[QueueEntry, tuple[str, ...]]]:
    """Which runs can start now, and where, in the order in which they came."""
    taken_slots = Counter(name for entry in running for name in entry.given)
    left = {device.name: device.slots - taken_slots[device.name] for device in devices}
    memory = {device.name: device.memory_free_mb for device in devices}
    given: list[tuple[QueueEntry, tuple[str, ...]]] = []
    for entry in waiting:
        names = suitable(entry.device, devices)
        free = [name for name in names if left[name] > 0]
        if entry.device == ALL_GPUS:
            taken = names if len(free) == len(names) else ()
        else:
            taken = (max(free, key=lambda name: memory[name]),) if free else ()
        if taken:
            given.append((entry, taken))
        for name in taken or names:  # no later run may take what this one waits for
            left[name] = left[name] - 1 if taken else 0
    return given


def position(
    run_id: str, waiting: Sequence[QueueEntry], devices: Sequence[DeviceState]
) -> int | None:
    """1 for the next run on a device that this one could take; None when it does not wait."""
    own = next((entry for entry in waiting if entry.run_id == run_id), None)
    if own is None:
        return None
    suiting = set(suitable(own.device, devices))
    before = waiting[: waiting.index(own)]
    return 1 + sum(not suiting.isdisjoint(suitable(t.device, devices)) for t in before)
