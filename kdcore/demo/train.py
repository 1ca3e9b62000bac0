"""Train the runs of the demo, several at once, each from where a stopped build left it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from kdcore import lab
from kdcore.config import to_dict, without_newer
from kdcore.demo.plan import Stage
from kdcore.errors import RunError
from kdcore.runs.queue import processes
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

Report = Callable[[str, Run | None], None]
_LOOK_EVERY = 0.25  # seconds


def train(
    stages: Sequence[Stage],
    work: Workspace,
    jobs: int,
    tell: Report,
    ended: Callable[[Run], None],
    workspace: Workspace | None = None,
) -> dict[str, Run]:
    """Train every stage in the workspace `work`, under its own id, and return the finished runs.

    A run that was stopped, or failed, raises RunError; a second call continues from there.

    jobs: trainings at once; 1 trains in this process. tell: called with each training that begins.
    ended: called with each run when it ends, before any run that waits for it begins. workspace:
    where the bundled world is cached.
    """
    runs = {stage.id: _queued(stage, work) for stage in stages}
    if jobs == 1:
        for stage in stages:
            run = runs[stage.id]
            if run.status().state != "finished":
                tell(stage.title, run)
                lab.execute(run, workspace)
            ended(run)
    else:
        _train_together(stages, runs, jobs, tell, ended)
    return runs


def _queued(stage: Stage, work: Workspace) -> Run:
    """Load the run of a stage that an earlier build left, else create one under the stage's id."""
    folder = work.run_folder(stage.id)
    if folder.is_dir():
        run = Run.load(folder)
        if not run.problem and _same_settings(dict(run.settings), to_dict(stage.config)):
            return run
        lab.store(work).delete(stage.id)
    lab.create(stage.config, work, title=stage.title).folder.rename(folder)
    return Run.load(folder)


def _train_together(
    stages: Sequence[Stage],
    runs: dict[str, Run],
    jobs: int,
    tell: Report,
    ended: Callable[[Run], None],
) -> None:
    """Train in several processes at once; a free one takes the next run that can begin.

    On an error all processes are stopped.
    """
    waiting = [stage for stage in stages if runs[stage.id].status().state != "finished"]
    done = [stage.id for stage in stages if stage not in waiting]
    active: dict[str, Stage] = {}
    for stage_id in done:
        ended(runs[stage_id])
    try:
        while waiting or active:
            ready = [stage for stage in waiting if set(stage.after) <= set(done)]
            for stage in ready[: jobs - len(active)]:
                waiting.remove(stage)
                active[stage.id] = stage
                processes.start(runs[stage.id])
                tell(stage.title, runs[stage.id])
            time.sleep(_LOOK_EVERY)
            for stage in list(active.values()):
                status = runs[stage.id].status()
                if status.state in ("queued", "running"):
                    continue
                del active[stage.id]
                if status.state != "finished":
                    raise RunError(
                        f"{stage.title} is {status.state}: {status.message}; the same command "
                        "goes on from its last checkpoint"
                    )
                ended(runs[stage.id])
                done.append(stage.id)
                for left in active.values():  # the bar follows what still runs
                    tell(left.title, runs[left.id])
    finally:
        for stage_id in active:
            processes.stop(runs[stage_id])


def _same_settings(trained: dict[str, Any], planned: dict[str, Any]) -> bool:
    """Return whether a run was trained with these settings, perhaps before some knobs existed."""
    return without_newer(trained) == without_newer(planned)
