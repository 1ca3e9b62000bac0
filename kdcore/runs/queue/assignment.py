"""Who may compute where: the rule by which waiting runs are given devices. No file, no process."""

from collections import Counter
from collections.abc import Iterable, Sequence

from kdcore.runs.machine import DeviceState
from kdcore.runs.queue.entries import Ticket

ALL_GPUS = "cuda:all"


def suitable(wanted: str, devices: Sequence[DeviceState]) -> tuple[str, ...]:
    """The devices of which a run takes one, or all when it asks for cuda:all.

    A device that is not here becomes the CPU: the run begins there, and says in its own words
    that the device is missing, instead of waiting for it for ever.
    """
    names = [device.name for device in devices]
    gpus = tuple(name for name in names if name.startswith("cuda:"))
    if wanted in ("auto", "cuda", ALL_GPUS) and gpus:
        return gpus
    if wanted == "auto" and "mps" in names:
        return ("mps",)
    return (wanted,) if wanted in names else ("cpu",)


def held(wanted: str, devices: Sequence[DeviceState]) -> tuple[str, ...]:
    """What a run has taken that nobody gave a device: as torch counts, the first of any."""
    names = suitable(wanted, devices)
    return names if wanted == ALL_GPUS else names[:1]


def give(
    waiting: Iterable[Ticket], devices: Sequence[DeviceState], running: Iterable[Ticket]
) -> list[tuple[Ticket, tuple[str, ...]]]:
    """Which runs can start now, and where; of those that want the same the first came first."""
    held = Counter(name for ticket in running for name in ticket.given)
    left = {device.name: device.slots - held[device.name] for device in devices}
    memory = {device.name: device.memory_free_mb for device in devices}
    given: list[tuple[Ticket, tuple[str, ...]]] = []
    for ticket in waiting:
        names = suitable(ticket.device, devices)
        free = [name for name in names if left[name] > 0]
        if ticket.device == ALL_GPUS:
            taken = names if len(free) == len(names) else ()
        else:
            taken = (max(free, key=lambda name: memory[name]),) if free else ()
        if taken:
            given.append((ticket, taken))
        for name in taken or names:  # what a run waits for, nobody behind it may take
            left[name] = left[name] - 1 if taken else 0
    return given


def position(run_id: str, waiting: Sequence[Ticket], devices: Sequence[DeviceState]) -> int | None:
    """1 for the next run on a device that this one could take; None when it does not wait."""
    mine = next((ticket for ticket in waiting if ticket.run_id == run_id), None)
    if mine is None:
        return None
    wanted = set(suitable(mine.device, devices))
    before = waiting[: waiting.index(mine)]
    return 1 + sum(not wanted.isdisjoint(suitable(t.device, devices)) for t in before)
