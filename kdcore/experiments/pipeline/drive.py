"""Drive a pipeline: create the run of each stage once its inputs are finished, and see it end.

A stage takes an earlier run that has its result; one that stopped, failed or was lost goes on
from its checkpoint. The driver keeps nothing in memory that it could not find again, so it can be
killed at any moment.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from filelock import FileLock

from kdcore import lab
from kdcore.config import from_dict
from kdcore.data.pairs import PairTable
from kdcore.errors import LabError, RunError
from kdcore.experiments.launch import enqueue
from kdcore.experiments.pipeline.folder import Pipeline
from kdcore.experiments.pipeline.keys import key_of, run_of_key
from kdcore.experiments.pipeline.stages import Stage
from kdcore.runs.purpose import Purpose
from kdcore.runs.queue import control, queue
from kdcore.runs.store import Run, RunStore

_TRIES_OF_LOST = 3  # starts of a stage whose process is killed again and again
LOOK_EVERY = 0.25  # seconds between two looks at runs that other processes carry out
Report = Callable[[str, Run], None]


def drive(pipeline: Pipeline, *, here: bool = False, tell: Report = lambda *_: None) -> None:
    """Carry a pipeline out until all is finished, paused, or nothing more can be done.

    here: runs are carried out in this process, one after the other; else by the workspace's queue.
    tell: called with the title and run of each stage as it begins. RunError names the
    stages that did not finish.
    """
    with pipeline.driving():
        _Drive(pipeline, here, tell).drive()


class _Drive:
    """Drives a pipeline once: counts what was tried, and knows the runs that are finished."""

    def __init__(self, pipeline: Pipeline, here: bool, tell: Report) -> None:
        self.pipeline, self.here, self.tell = pipeline, here, tell
        self.workspace = pipeline.workspace
        self.store = RunStore(self.workspace.runs)
        self.chosen: dict[str, Run] = {}  # the run of each stage, once its inputs were finished
        self.finished: dict[str, Run] = {}
        self.tries: Counter[str] = Counter()
        self.pairs: dict[tuple[str, int], PairTable] = {}

    def drive(self) -> None:
        while self._look():
            if self.pipeline.driver().order == "pause":
                self._pause()
                return
            time.sleep(0 if self.here else LOOK_EVERY)
        stages = [stage.name for stage in self.pipeline.plan.stages]
        if open_stages := [name for name in stages if name not in self.finished]:
            reasons = [self._reason(name) for name in open_stages if name in self.chosen]
            raise RunError(
                f"{len(open_stages)} of {len(stages)} stages did not finish: "
                f"{'; '.join(reasons)}; `kdlab recipe resume {self.pipeline.id}` goes on"
            )

    def _look(self) -> bool:
        """Begin every stage that can begin; returns whether there is anything left to wait for."""
        live = False
        for stage in self.pipeline.plan.stages:
            if stage.name in self.finished or not set(stage.needs) <= set(self.finished):
                continue
            run = self._run_of(stage)
            state = run.status().state
            if state not in ("finished", "running") and not self._waits(run):
                most = _TRIES_OF_LOST if state == "lost" else 1
                if self.tries[stage.name] >= most:
                    continue
                self.tries[stage.name] += 1
                self._begin(stage, run)
                if self.here:
                    return True  # look again: a pause may be requested
                state = "queued"
            if state == "finished":
                self.finished[stage.name] = run
            live = True
        return live and len(self.finished) < len(self.pipeline.plan.stages)

    def _waits(self, run: Run) -> bool:
        """Whether another process carries a run out, or will do so."""
        status = run.status()
        if status.state != "queued":
            return status.state == "running"
        return status.pid is not None or queue.holds(run, self.workspace)

    def _run_of(self, stage: Stage) -> Run:
        """The run of a stage whose inputs are finished: the one that has its result, or a new one.

        No two pipelines of a workspace create a run for the same result.
        """
        if stage.name in self.chosen:
            return self.chosen[stage.name]
        key = key_of(stage, self.finished, self.workspace)
        with FileLock(self.workspace.recipes / ".lock"):
            own = self.pipeline.runs().get(stage.name)
            run = own if own is not None and own.purpose.key == key else None
            run = run or run_of_key(key, self.workspace) or self._created(stage, key)
            self.pipeline.set_runs(self.pipeline.run_ids() | {stage.name: run.id})
        self.chosen[stage.name] = run
        return run

    def _created(self, stage: Stage, key: str) -> Run:
        references = {name: run.id for name, run in self.finished.items()}
        twin = self.pipeline.run_ids().get(f"{stage.student}_labels", "")
        purpose = Purpose(
            group=self.pipeline.id,
            role=stage.role,
            twin=twin if stage.role == "student" else "",
            recipe=self.pipeline.id,
            key=key,
        )
        plan = self.pipeline.plan
        changed = {  # the model has a column of its own in every list
            path.rpartition(".")[2]: value
            for path, value in plan.changed(stage.name).items()
            if path.partition(".")[0] not in ("model", "student")
        }
        changes = [f"{name} {value}" for name, value in changed.items()]
        title = ", ".join([stage.title, *changes[:3], f"seed {plan.seed}"])
        return lab.create(from_dict(stage.filled(references)), self.workspace, title, purpose)

    def _begin(self, stage: Stage, run: Run) -> None:
        self.tell(stage.title, run)
        if not self.here:
            enqueue([run], self.workspace)
            return
        try:
            lab.execute(run, self.workspace, self._pairs_of(run))
        except LabError:  # the run's folder says why; other stages can still be carried out
            if run.status().state == "stopped" and self.pipeline.driver().order != "pause":
                raise  # this process was asked to end

    def _pairs_of(self, run: Run) -> PairTable:
        """The pairs of a run, loaded once for all stages."""
        place = (run.data, run.limit)
        if place not in self.pairs:
            self.pairs[place] = lab.pairs_of(run.config, self.workspace)
        return self.pairs[place]

    def _pause(self) -> None:
        for run in self.chosen.values():
            if run.status().state in ("queued", "running"):
                with suppress(LabError):
                    control.pause(run, self.workspace, wait=True)

    def _reason(self, name: str) -> str:
        status = self.chosen[name].status()
        return f"{name} is {status.state}: {status.message or 'its run gives no reason'}"
