from kdcore.runs.machine import DeviceState
from kdcore.runs.queue.assignment import give, suitable, usual_devices
from kdcore.runs.queue.entries import QueueEntry

CPU = DeviceState("cpu", "CPU", 2)
GPUS = [
    DeviceState("cuda:0", "A", 1, memory_free_mb=10_000),
    DeviceState("cuda:1", "B", 1, memory_free_mb=30_000),
]
MACHINE = [CPU, *GPUS]


def line(*wanted: str) -> list[QueueEntry]:
    return [QueueEntry(run_id=f"r{i}", device=d, at=0, number=i) for i, d in enumerate(wanted)]


def at_work(*given: str) -> list[QueueEntry]:
    return [QueueEntry(run_id="w", device="auto", at=0, number=99, given=given)] if given else []


def given(wanted: list[str], *held: str, machine: list[DeviceState] = MACHINE) -> dict[str, str]:
    found = give(line(*wanted), machine, at_work(*held))
    return {entry.run_id: "+".join(names) for entry, names in found}


def test_auto_takes_the_gpu_with_the_most_free_memory_then_the_other_then_waits() -> None:
    assert given(["auto", "auto", "auto"]) == {"r0": "cuda:1", "r1": "cuda:0"}


def test_without_a_gpu_auto_takes_the_cpu_as_often_as_it_has_slots() -> None:
    assert given(["auto", "auto", "auto"], machine=[CPU]) == {"r0": "cpu", "r1": "cpu"}


def test_a_named_gpu_is_waited_for_while_others_go_by_on_other_devices() -> None:
    assert given(["cuda:1", "cuda:0", "cpu"], "cuda:1") == {"r1": "cuda:0", "r2": "cpu"}


def test_who_wants_any_gpu_does_not_overtake_who_waits_for_the_same_one() -> None:
    assert given(["cuda:1", "cuda:1", "auto"]) == {"r0": "cuda:1", "r2": "cuda:0"}
    assert given(["auto", "cuda:0"], "cuda:0", "cuda:1") == {}


def test_all_gpus_are_waited_for_together_and_nobody_slips_in_between() -> None:
    assert given(["cuda:all", "auto", "cpu"], "cuda:0") == {"r2": "cpu"}
    assert given(["cuda:all", "auto"]) == {"r0": "cuda:0+cuda:1"}


def test_a_device_that_is_not_here_is_not_waited_for() -> None:
    """The run says itself that it is missing; else it would wait for ever, and others behind it."""
    assert suitable("cuda:7", MACHINE) == ("cpu",)
    assert suitable("cuda:all", [CPU]) == ("cpu",)


def test_a_run_that_nobody_gave_a_device_has_taken_what_torch_takes() -> None:
    assert usual_devices("auto", MACHINE) == ("cuda:0",)
    assert usual_devices("cuda:1", MACHINE) == ("cuda:1",)
    assert usual_devices("cuda:all", MACHINE) == ("cuda:0", "cuda:1")
    assert usual_devices("cpu:2", MACHINE) == usual_devices("auto", [CPU]) == ("cpu",)
