"""Train the runs of the demo, several at once, each from where a stopped build left it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from kdcore import lab
from kdcore.config import to_dict, without_newer
from kdcore.demo.plan import Stage
from kdcore.errors import RunError
from kdcore.runs.queue import launch
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

Tell = Callable[[str, Run | None], None]
_LOOK_EVERY = 0.25  # seconds


def train(
    stages: Sequence[Stage],
    work: Workspace,
    jobs: int,
    tell: Tell,
    ended: Callable[[Run], None],
    workspace: Workspace | None = None,
) -> dict[str, Run]:
    """Train every stage in the workspace `work`, under its own id, and return the finished runs.

    A run that was stopped, or failed, raises RunError; a second call continues from there.

    jobs: trainings at once; 1 trains in this process. ended: called with each run when it ends,
    before
    any run that waits for it begins. workspace: where the bundled world is cached.
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
        _Crew(stages, runs, jobs, tell, ended).work()
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


class _Crew:
    """Trains runs in several processes at once; a free process takes the next possible run."""

    def __init__(
        self,
        stages: Sequence[Stage],
        runs: dict[str, Run],
        jobs: int,
        tell: Tell,
        ended: Callable[[Run], None],
    ) -> None:
        self.waiting, self.runs, self.jobs = list(stages), runs, jobs
        self.tell, self.ended = tell, ended
        self.active: dict[str, Stage] = {}
        self.done: set[str] = set()

    def work(self) -> None:
        """Train until every run has ended; on an error all processes are stopped."""
        try:
            self._pass_over_finished()
            while self.waiting or self.active:
                self._start_what_can()
                time.sleep(_LOOK_EVERY)
                self._look()
        finally:
            for stage_id in self.active:
                launch.stop(self.runs[stage_id])

    def _pass_over_finished(self) -> None:
        for stage in list(self.waiting):
            if self.runs[stage.id].status().state == "finished":
                self._end(stage)
                self.waiting.remove(stage)

    def _start_what_can(self) -> None:
        for stage in list(self.waiting):
            if len(self.active) >= self.jobs:
                return
            if not stage.after or stage.after in self.done:
                self.waiting.remove(stage)
                self.active[stage.id] = stage
                launch.start(self.runs[stage.id])
                self.tell(stage.title, self.runs[stage.id])

    def _look(self) -> None:
        for stage in list(self.active.values()):
            status = self.runs[stage.id].status()
            if status.state in ("queued", "running"):
                continue
            del self.active[stage.id]
            if status.state != "finished":
                raise RunError(
                    f"{stage.title} is {status.state}: {status.message}; the same command goes "
                    "on from its last checkpoint"
                )
            self._end(stage)

    def _end(self, stage: Stage) -> None:
        self.ended(self.runs[stage.id])
        self.done.add(stage.id)
        for left in self.active.values():  # the bar follows what still runs
            self.tell(left.title, self.runs[left.id])


def _same_settings(trained: dict[str, Any], planned: dict[str, Any]) -> bool:
    """Return whether a run was trained with these settings, perhaps before some knobs existed."""
    return "training" in trained and without_newer(trained) == without_newer(planned)
