"""The rule by which waiting runs are given devices: no file, no process."""

from collections import Counter
from collections.abc import Iterable, Sequence

from kdcore.runs.machine import DeviceState
from kdcore.runs.queue.entries import QueueEntry

ALL_GPUS = "cuda:all"


def suitable(requested: str, devices: Sequence[DeviceState], place: str = "") -> tuple[str, ...]:
    """The devices of which a run takes one, or all when it asks for cuda:all.

    place: of the devices, see QueueEntry. A missing device becomes the CPU: the run begins there
    and reports that the device is missing, instead of waiting for ever.
    """
    names = [device.name for device in devices if device.place == place]
    gpus = tuple(name for name in names if name.startswith("cuda:"))
    if requested in ("auto", "cuda", ALL_GPUS) and gpus:
        return gpus
    if requested == "auto" and "mps" in names:
        return ("mps",)
    if requested in names:
        return (requested,)
    return tuple(name for name in names if name.startswith("cpu@")) if place else ("cpu",)


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
        names = suitable(entry.device, devices, entry.place)
        free = [name for name in names if left.get(name, 0) > 0]
        if entry.device == ALL_GPUS:
            taken = names if len(free) == len(names) else ()
        else:
            best = max(free, key=lambda name: (memory[name], left[name]), default="")
            taken = (best,) if best else ()
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
    suiting = set(suitable(own.device, devices, own.place))
    before = waiting[: waiting.index(own)]
    rivals = (suitable(t.device, devices, t.place) for t in before if t.place == own.place)
    # nobody knows yet which devices a cluster has that does not answer
    return 1 + sum(not suiting or not suiting.isdisjoint(names) for names in rivals)
