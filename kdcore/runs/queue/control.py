"""What a visitor can do with a run while it waits or works: pause, resume, keep, discard.

A pause or a discard takes effect within two seconds, on a cluster within ten; the caller need not
wait for it.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from kdcore.errors import LabError, RunError
from kdcore.runs.queue import processes, queue
from kdcore.runs.record import Record
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import launched_twin
from kdcore.workspace import Workspace

GRACE = 1.8  # seconds that a process has to save and stop by itself; SIGTERM comes after half
GRACE_ELSEWHERE = 8.0  # on a cluster, where the shared folder shows the stop file later
_LIVE = ("queued", "running")

_logger = logging.getLogger("kdcore")


def pause(run: Run, workspace: Workspace, *, wait: bool = False) -> None:
    """Let a run save a checkpoint and stop; `resume` goes on from it.

    A run that waits leaves the queue at once. A process that does not react in time is killed, and
    repeats what it did since its last checkpoint.
    """
    _end(run, workspace, lambda: None, wait)


def resume(run: Run, workspace: Workspace) -> None:
    """Let a stopped, failed or lost run wait for its device again; it goes on where it was."""
    queue.enqueue([run], workspace)


def too_early(run: Run) -> str:
    """Why a run has nothing to save yet; "" once it has taken a step."""
    if run.is_scoring or run.stage == "teach":
        return "it trains nothing, so there is no student to save"
    status = run.status()
    if status.stage == "teacher":
        return "the teacher is still scoring its pairs, so there is no student to save yet"
    if status.stage == "generation":
        return "an earlier generation is still training, so there is no student to save yet"
    if not status.step or _awaits_start(run):
        return "it has not taken its first step, so there is no student to save yet"
    return ""


def finish_early(run: Run) -> None:
    """Let a run end its training now: the best model so far is kept and scored.

    RunError when it has not begun or has ended; while it saves and scores it stays running.
    """
    status = run.status()
    if status.state != "running":
        raise RunError(f"{run.id} is {status.state}; only a running one can be stopped and kept")
    if why := too_early(run):
        raise RunError(f"{run.id} cannot stop and keep: {why}; pause or discard it instead")
    if run.stop_kind != "pause":  # a stop for good is not taken back
        run.request_stop("keep")


def discard(run: Run, workspace: Workspace, *, wait: bool = False) -> str:
    """Stop a run and put it into the trash, from which RunStore.restore takes it back.

    The twin that was made for it alone, and still waits, leaves the queue as well; then
    a sentence says so, else "".
    """
    twin = _waiting_twin(run)
    _end(run, workspace, lambda: RunStore(run.folder.parent).trash(run.id), wait)
    if twin is None:
        return ""
    pause(twin, workspace, wait=wait)
    return "Its twin, which was made for it alone, has left the queue as well."


def _waiting_twin(run: Run) -> Run | None:
    group, runs = run.purpose.group, RunStore(run.folder.parent)
    with suppress(LabError, OSError):
        twin = launched_twin(run)
        if twin is None or twin.purpose.role != "twin" or twin.purpose.group != group:
            return None
        others = (other for other in runs.list() if other.id != run.id)
        if Record.read(twin.folder).is_waiting:
            return None if any(other.purpose.twin == twin.id for other in others) else twin
    return None


def _end(run: Run, workspace: Workspace, then: Callable[[], None], wait: bool) -> None:
    """Stop a run and then do something; only a run at work needs a thread for it."""
    if _works(run):
        grace = GRACE_ELSEWHERE if queue.place_of(run, workspace) else GRACE
        run.request_stop()
        if wait:
            _stop_and(run, then, grace)
        else:
            threading.Thread(target=_quietly, args=(run, then, grace), daemon=True).start()
        return
    _stop_and(run, then, GRACE)
    with suppress(LabError):  # its entry no longer counts; the dispatcher would remove it too
        queue.leave(run, workspace)


def _works(run: Run) -> bool:
    if run.status().state not in _LIVE:
        return False
    with suppress(RunError):
        return not Record.read(run.folder).is_waiting
    return False


def _awaits_start(run: Run) -> bool:
    """Whether a process was started for it that has not opened its record yet."""
    with suppress(RunError):
        return Record.read(run.folder).state == "queued"
    return False


def _stop_and(run: Run, then: Callable[[], None], grace: float) -> None:
    if run.status().state in _LIVE:
        processes.stop(run, grace=grace)
    then()


def _quietly(run: Run, then: Callable[[], None], grace: float) -> None:
    try:
        _stop_and(run, then, grace)
    except (LabError, OSError) as problem:
        _logger.warning("%s could not be stopped: %s", run.id, problem)
