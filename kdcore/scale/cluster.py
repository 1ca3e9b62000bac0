"""Do tasks with Ray, on this machine or on a cluster that runs elsewhere.

Whoever reaches the ports of a Ray cluster runs code on it, so it is started with an authentication
token and without a dashboard. Only plain values travel, between processes of the same user.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kdcore.config.executor import Place
from kdcore.errors import ConfigError, RunError
from kdcore.runs.queue.cluster import Machine
from kdcore.scale.local import AHEAD, Outcome, Task
from kdcore.scale.tasks import LOOK, attempt, is_done
from kdcore.stops import heed
from kdcore.workspace import write_text_atomic

RETRIES = 3  # of a task whose process or machine died; an error of its own is not retried
PATIENCE = 30.0  # seconds for a cluster to answer
_PROBED = 60.0  # seconds for a machine to read the probe; Ray sees sooner that one has died
_LOOK_EVERY = 0.5
SILENT = 30.0  # seconds that Ray has to report an end which a task's files show
_OLD = 3600.0  # seconds after which nobody reads a probe


def on_ray(
    tasks: Sequence[Task],
    place: Place,
    *,
    shared: Path,
    device: str = "auto",
    do: Callable[[Task], str] = attempt,
    is_over: Callable[[Task], bool] = is_done,
) -> Generator[Outcome, None, None]:
    """Give the tasks to a Ray cluster and yield each when it has ended.

    place: the workers of a cluster that is started here, one per core by default, or the address
    of a running one. shared: a folder that every machine must see. device: a task takes a GPU of
    its own for cuda, and for auto where the cluster has any. do: does a task in a worker, and says
    why it failed. is_over: whether the files of a task say that it has ended; they count where
    Ray's message of it does not come. At most three tasks per worker are submitted ahead; closing
    the generator ends the workers. ConfigError when the cluster has no GPU, or no CPU, for a task.
    """
    with joined(place) as ray:
        unit = _unit(ray, device)
        slots = int(ray.cluster_resources()[unit])
        _probe(ray, shared)
        # max_calls=0: a function on a GPU would else end its process, and its model, at each call
        options = {"num_gpus": 1, "max_calls": 0} if unit == "GPU" else {"num_cpus": 1}
        remote = ray.remote(max_retries=RETRIES, scheduling_strategy="SPREAD", **options)(do)
        waiting, running = list(enumerate(tasks))[::-1], dict[Any, int]()
        overdue = _Overdue(is_over)
        while waiting or running:
            while waiting and len(running) < AHEAD * slots:
                number, task = waiting.pop()
                running[remote.remote(task)] = number
            heed()
            for ref in ray.wait(list(running), num_returns=1, timeout=_LOOK_EVERY)[0]:
                yield Outcome(running.pop(ref), _answer(ray, ref))
            for ref in [ref for ref, number in running.items() if overdue(tasks[number])]:
                yield Outcome(running.pop(ref))


class _Overdue:
    """Tell which tasks have ended by their files although Ray has not said so for a while.

    When machines are overloaded, or one of them dies, Ray's last message of a task may be lost; it
    would then be waited for without end.
    """

    def __init__(self, is_over: Callable[[Task], bool]) -> None:
        self._is_over, self._since = is_over, dict[int, float]()

    def __call__(self, task: Task) -> bool:
        if not self._is_over(task):
            self._since.pop(id(task), None)
            return False
        return time.monotonic() - self._since.setdefault(id(task), time.monotonic()) >= SILENT


def _answer(ray: Any, ref: Any) -> str:
    """Why a task failed, or "" when it did not; RunError when Ray has ended on this machine."""
    try:
        error: str = ray.get(ref)
    except ray.exceptions.LocalRayletDiedError as cause:  # every task of this process fails of it
        raise RunError("Ray's process on this machine ended; start again to go on") from cause
    except ray.exceptions.RayError as cause:  # its process or machine died again and again
        return f"its worker died {RETRIES + 1} times: {_line(cause)}"
    return error


def _import_ray() -> Any:
    """The module ray, with what has to be set before it is imported; see runs.machine."""
    # at Ray's default niceness of 15 a worker gets almost no time beside another busy process
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    return ray


def machines_of(ray: Any, shared: Path) -> list[Machine]:
    """The machines of a cluster that has been joined; RunError unless each sees the folder."""
    _probe(ray, shared)
    machines = []
    for name, node in _living(ray).items():
        has = node["Resources"]
        kind = next((key.partition(":")[2] for key in has if key.startswith("accelerator_")), "")
        counts = int(has.get("CPU", 0)), int(has.get("GPU", 0))
        machines.append(Machine(name, node["NodeManagerHostname"], *counts, kind))
    return machines


def on_machine(
    ray: Any,
    task: Task,
    machine: Machine,
    *,
    gpu: bool,
    do: Callable[[Task], str],
    watch: Callable[[], None],
    is_over: Callable[[Task], bool],
) -> str:
    """Do a task on a machine of a cluster that has been joined; why it failed, or "".

    It takes the cores of a run, or a GPU, and is given to another machine when this one is gone. A
    worker that dies is replaced. watch: called every half second until the end. is_over: as in
    `on_ray`.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    takes = {"num_cpus": 0, "num_gpus": 1} if gpu else {"num_cpus": machine.threads}
    where = NodeAffinitySchedulingStrategy(machine.id, True)
    remote = ray.remote(max_retries=RETRIES, scheduling_strategy=where, **takes)(do)
    ref, overdue = remote.remote(task), _Overdue(is_over)
    while not ray.wait([ref], timeout=_LOOK_EVERY)[0]:
        watch()
        if overdue(task):
            return ""
    return _answer(ray, ref)


@contextmanager
def joined(place: Place) -> Iterator[Any]:
    """Join the cluster at an address, or start one here that ends with the block."""
    ray = _import_ray()
    # always with an address: without one Ray joins a cluster that an old file names
    address, start = place.address or "local", {}
    if place.address:
        refuse_silent(place.address)
    if not place.address:
        start = {"num_cpus": place.workers or os.cpu_count() or 1, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **start)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as cause:
        raise RunError(f"no Ray cluster answers at {address}: {_line(cause)}") from cause
    try:
        yield ray
    finally:
        ray.shutdown()


def refuse_silent(address: str) -> None:
    """RunError when nothing listens at an address: Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as cause:
        raise RunError(f"no Ray cluster answers at {address}: {cause}") from cause


def _unit(ray: Any, device: str) -> str:
    """What a task takes one of, CPU or GPU; ConfigError when the cluster has none."""
    has = ray.cluster_resources()
    unit = "GPU" if device.startswith("cuda") or (device == "auto" and has.get("GPU")) else "CPU"
    if has.get(unit, 0) < 1:
        problem = f"device: the cluster has no {unit} for a task; choose another device"
        raise ConfigError("This executor cannot be used:", [problem])
    return unit


def _probe(ray: Any, shared: Path) -> None:
    """RunError unless every machine reads a file that was written here: a path may differ there."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    shared.mkdir(parents=True, exist_ok=True)
    for old in shared.glob(".probe-*"):  # of a process that was killed
        if time.time() - old.stat().st_mtime > _OLD:
            old.unlink(missing_ok=True)
    content, path = secrets.token_hex(16), shared / f".probe-{secrets.token_hex(6)}"
    write_text_atomic(path, content)
    task = {"do": LOOK, "path": str(path), "content": content}
    try:
        nodes = _living(ray)
        answers = {
            ray.remote(attempt)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(name, False))
            .remote(task): name
            for name in nodes
        }
        until = time.monotonic() + _PROBED
        for ref, name in answers.items():
            host = nodes[name]["NodeManagerHostname"]
            try:
                error = ray.get(ref, timeout=max(until - time.monotonic(), 1))
            except ray.exceptions.RayError as cause:
                error = _line(cause) if name in _living(ray) else ""  # it may have died meanwhile
            if error:
                raise RunError(
                    f"the machine {host} cannot do this work: {error}; let KDLAB_HOME be a folder "
                    "that all machines share under one path, and install the lab on each"
                )
    finally:
        path.unlink(missing_ok=True)


def _living(ray: Any) -> dict[str, Any]:
    """The machines of the cluster that have not died, as far as Ray knows, by their ids."""
    return {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}


def _line(error: BaseException) -> str:
    """The last line of an error that has text, which says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
