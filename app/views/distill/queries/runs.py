"""Distillations at work: starting them, which live and wait where, and stopping them again."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import state
from app.kit import memory
from app.kit.by_hash import by_hash
from app.services import access
from app.services.access import refuse_public
from app.services.answers import sources
from app.services.draft import teachers
from app.services.live.run import find
from app.services.runs.listing import entries
from kdcore.config import DistillConfig, to_dict
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.experiments.estimate.data_stats import stats_of, world_sizes
from kdcore.experiments.estimate.throughput import ensure_measured
from kdcore.experiments.launch import launch
from kdcore.experiments.sweep import Sweep, launch_sweep
from kdcore.runs.listing import rows
from kdcore.runs.purpose import Purpose
from kdcore.runs.queue import assignment, cluster, control, queue
from kdcore.runs.queue.queue import DeviceState
from kdcore.runs.resolve import resolved
from kdcore.runs.store import Run, RunStore, Status
from kdcore.workspace import Workspace

DEMO_RUN = "twinbert_cos-kd"  # watched and judged before a visitor has trained anything
LIVE = ("queued", "running")
MOST_PREPARED = 20_000  # pairs that a teacher is asked of in advance
MOST_WAITING = 40  # a crowd of visitors cannot fill the disk with runs
_DISCARDED: dict[str, float] = memory.table("when runs that are still there were told to go")
_PATIENCE = 10.0  # seconds until one that has not gone is said to stay
_LIKELY: dict[Path, dict[str, Any]] = memory.table("configs that processes were told to expect")
_STARTING = threading.Lock()  # held from the count of those that wait to their start


@dataclass(frozen=True)
class Line:
    """A queued or running run.

    activity: what it does beside the steps of its training, in words. place: in the queue, 0 at
    work. request: what a visitor asked of it: "", "pause", "keep", "discard", or "stays" when a
    discarded run is still there; _REQUESTS in queue.py has the words of each. too_early: why there
    is nothing to save of it yet.
    """

    run: Run
    title: str
    role: str
    device: str
    step: int
    total: int
    activity: str
    place: int
    request: str
    too_early: str


@dataclass(frozen=True)
class DeviceQueue:
    """The devices that runs are given and every run that lives on them, those at work first.

    titles: of every run that holds a device, scorings as well. problem: why the cluster that has
    the devices gives none, in a sentence.
    """

    devices: tuple[DeviceState, ...]
    lines: tuple[Line, ...]
    titles: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The live runs; they change only when one begins or has ended."""
        return tuple(sorted(line.run.id for line in self.lines))


@by_hash(most=1, seconds=1)
def device_queue() -> DeviceQueue:
    """How devices and queue stand now; read once a second for all visitors together."""
    home = access.home()
    devices = tuple(queue.devices(home))
    entries = queue.waiting(home)
    at_work: dict[str, list[str]] = {}
    for device in devices:
        for run_id in device.running:
            at_work.setdefault(run_id, []).append(device.name)
    places = [(run_id, ", ".join(names), 0) for run_id, names in at_work.items()]
    places += [
        (e.run_id, e.device, assignment.position(e.run_id, entries, devices) or 0) for e in entries
    ]
    lines = [line for each in places if (line := _line(*each))]
    titles = tuple((run_id, _title(run_id)) for run_id in at_work)
    address = cluster.address()
    problem = cluster.problem(home, address) if address else ""
    return DeviceQueue(devices, tuple(lines), titles, problem)


def _title(run_id: str) -> str:
    with suppress(LabError):
        return RunStore(access.home().runs).get(run_id).shown_title
    return run_id


def _line(run_id: str, device: str, place: int) -> Line | None:
    try:
        run = RunStore(access.home().runs).get(run_id)
        status = run.status()
    except LabError:
        return None
    if status.state not in LIVE:
        _DISCARDED.pop(run_id, None)
        return None
    return Line(
        run=run,
        title=name_of(run),
        role=run.purpose.role,
        device=device,
        step=status.step,
        total=status.total_steps,
        activity=activity(status),
        place=place,
        request=_request(run),
        too_early="" if place else control.too_early(run),
    )


def activity(status: Status) -> str:
    """What a run does beside the steps of its training; an empty text while it trains."""
    if status.trial:
        return f"the memory was full, so it tries batch size {status.trial}"
    stages = {
        "teacher": "the teacher scores its pairs",
        "generation": "an earlier generation is training",
        "evaluate": "it is being scored",
    }
    return stages.get(status.stage, "")


def _request(run: Run) -> str:
    """What a visitor asked of a run; "stays" where it should have gone and did not."""
    since = _DISCARDED.get(run.id)
    if since is None:
        return run.stop_kind
    return "discard" if time.monotonic() - since < _PATIENCE else "stays"


@contextmanager
def room() -> Iterator[Workspace]:
    """The workspace, to put runs in its queue; RunError when they may not or too many wait."""
    refuse_public()
    home = access.home()
    with _STARTING:
        if len(queue.waiting(home)) >= MOST_WAITING:
            raise RunError(
                f"{MOST_WAITING} runs are queued already; wait for one to start, or cancel one"
            )
        yield home
    device_queue.clear()


def start(config: DistillConfig, preset: str, twin: bool) -> Run:
    """Put a distillation, and its twin, in the queue; returns the student's run."""
    with room() as home:
        return launch(config, home, twin=twin, purpose=Purpose(preset=preset)).student


def sweep_size(config: DistillConfig, grid: Mapping[str, Sequence[str]]) -> int:
    """How many students a grid around a config has; ConfigError when it is no good or too large."""
    cells = len(Sweep(config, grid).cells())
    if cells > MOST_WAITING:
        raise ConfigError(
            "This sweep is too large:", [f"{cells} cells; at most {MOST_WAITING} may be queued."]
        )
    return cells


def start_sweep(
    config: DistillConfig, preset: str, grid: Mapping[str, Sequence[str]], twin: bool
) -> str:
    """Put every cell of a grid in the queue; returns the group that they are."""
    with room() as home:
        sweep_size(config, grid)
        sweep = Sweep(config, grid)
        launched = launch_sweep(sweep, home, twin=twin, purpose=Purpose(preset=preset))
        return launched[0].student.purpose.group


def warm(config: DistillConfig | None) -> None:
    """Let a process wait, imports done, for a visitor who is about to start just this.

    It asks the teacher meanwhile, so that the first point of a curve comes soon after the start.
    """
    if access.public():
        return
    home = access.home()
    with suppress(LabError):
        queue.ensure_dispatcher(home)
        ensure_measured(home)
        if config is not None and _is_small(config, home):
            likely = to_dict(resolved(config, home))
            if _LIKELY.get(home.root) != likely:
                _LIKELY[home.root] = likely
                queue.prepare(likely, home)


def _is_small(config: DistillConfig, home: Workspace) -> bool:
    """Whether a teacher may be asked of a draft's pairs before Start is pressed."""
    if sum(world_sizes(config.data).values()) > 2 * MOST_PREPARED:
        return False  # a world that a link names is not made on the mere sight of it
    return stats_of(config, home).transfer <= MOST_PREPARED


def act(action: str, run_id: str) -> str:
    """Pause, keep, discard or resume a run, without waiting for its process to end.

    Returns what else came of it, in a sentence, or nothing.
    """
    refuse_public()
    home, note = access.home(), ""
    run = RunStore(home.runs).get(run_id)
    if action == "keep":
        control.finish_early(run)
    elif action == "discard":
        note = control.discard(run, home)
        _DISCARDED[run_id] = time.monotonic()
    elif action == "resume":
        with room():
            control.resume(run, home)
    else:
        control.pause(run, home)
    device_queue.clear()
    return note


def name_of(run: Run) -> str:
    """What lists call a run: by what differs among all runs here."""
    return next((e.title for e in entries() if e.row.run.folder == run.folder), run.shown_title)


def watched() -> Run | None:
    """The run that the page shows: the link's, else the newest live or own one, else the demo's.

    A run that is not here gives way, and the banner names it.
    """
    requested = state.now().distill.run
    if requested:
        if (run := find(requested)) is not None:
            return run
        state.ignore(f"run: no run here is called {requested[:60]!r}; the bundled one is shown")
        state.correct(distill={"run": ""})
        return find(DEMO_RUN)
    lines = (x for x in device_queue().lines if x.role != "twin" and x.request != "discard")
    live = (x.run for x in lines if x.run.gives_grades)  # a pretraining is watched under Runs
    newest = max(live, key=lambda run: (run.created, run.id), default=None)
    if newest is None and not access.public():  # distillations of the visitor, newest first
        own = (row.run for row in rows(access.home().runs) if row.run.stage == "distill")
        newest = next(own, None)
    if newest is None:
        return find(DEMO_RUN)
    state.correct(distill={"run": newest.id})  # when it has ended the page still shows it
    return newest


def refresh_offers() -> None:
    """Look anew for what the pages offer, because a run has begun or ended."""
    for cached in (sources, teachers, device_queue):
        cached.clear()


def is_own(run: Run) -> bool:
    """Whether a run lies in the visitor's workspace, and not in the read-only demo."""
    return run.folder.resolve().parent == access.home().runs.resolve()
