"""state(): how a pipeline stands, derived from the folders of its runs at each call."""

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from kdcore import lab
from kdcore.errors import LabError
from kdcore.experiments.pipeline.folder import Driver, Pipeline
from kdcore.experiments.pipeline.stages import Stage
from kdcore.runs.store import Run

PipelineStanding = Literal["new", "running", "paused", "finished", "failed", "lost"]


@dataclass(frozen=True, kw_only=True)
class StageState:
    """How a stage stands; nan and "" where nothing is known.

    state: waiting, queued, running, finished, stopped, failed or lost. taken: its run was created
    earlier, for another purpose. doing: what the run does now, as its status says. value, low,
    high: ROC-AUC of its model on test with its 95 % interval on n pairs, once it is measured.
    """

    name: str
    state: str = "waiting"
    run: str = ""
    taken: bool = False
    step: int = 0
    total_steps: int = 0
    doing: str = ""
    message: str = ""
    seconds: float | None = None
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class PipelineState:
    """How a pipeline stands, and each of its stages in the plan's order.

    "lost": the process that drove it was killed; starting it again goes on.
    """

    state: PipelineStanding
    message: str
    stages: tuple[StageState, ...]

    @property
    def done(self) -> int:
        """How many stages are finished."""
        return sum(stage.state == "finished" for stage in self.stages)

    @property
    def total(self) -> int:
        """How many stages there are."""
        return len(self.stages)


def state(pipeline: Pipeline) -> PipelineState:
    """Look at the driver and at the run of every stage."""
    driver, runs = pipeline.driver(), pipeline.runs()
    stages = tuple(_stage_state(s, runs.get(s.name), pipeline.id) for s in pipeline.plan.stages)
    standing = _standing(driver, stages)
    return PipelineState(state=standing, message=_message(standing, driver, stages), stages=stages)


def _stage_state(stage: Stage, run: Run | None, pipeline: str) -> StageState:
    if run is None:
        return StageState(name=stage.name)
    status = run.status()
    value, low, high, n = math.nan, math.nan, math.nan, 0
    if status.state == "finished" and stage.role:
        with suppress(LabError, OSError, KeyError):
            evaluation = lab.stored_evaluation(run)
            if evaluation is not None:
                measured = evaluation.metrics["roc_auc"]
                value, low, high, n = measured.value, measured.low, measured.high, measured.n
    return StageState(
        name=stage.name,
        state="failed" if status.state == "broken" else status.state,
        run=run.id,
        taken=run.purpose.recipe != pipeline,
        step=status.step,
        total_steps=status.total_steps,
        doing=status.stage if status.state == "running" else "",
        message=status.message,
        seconds=run.seconds,
        value=value,
        low=low,
        high=high,
        n=n,
    )


def _standing(driver: Driver, stages: tuple[StageState, ...]) -> PipelineStanding:
    states = {stage.state for stage in stages}
    if states == {"finished"}:
        return "finished"
    if driver.is_alive:
        return "running"
    if not driver.order:
        return "new"
    if driver.order == "pause":
        return "paused"
    if "stopped" in states and "failed" not in states:
        return "paused"
    return "failed" if driver.problem or "failed" in states else "lost"


def _message(standing: str, driver: Driver, stages: tuple[StageState, ...]) -> str:
    if standing == "failed":
        failed = (f"{s.name}: {s.message}" for s in stages if s.state == "failed")
        return driver.problem or next(failed, "")
    if standing == "paused":
        stopped = (f"{s.name} was stopped" for s in stages if s.state == "stopped")
        return next(stopped, "")
    if standing == "lost":
        return "the process that carried it out has ended; resume it to go on"
    return ""
