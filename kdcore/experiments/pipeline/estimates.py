"""estimates(): time and memory of each stage of a plan on this machine, before it runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kdcore.config import DistillConfig, FinetuneConfig, InferConfig, TrainedConfig
from kdcore.experiments.estimate.data_stats import DataStats, stats_of
from kdcore.experiments.estimate.estimate import NOT_YET, Estimate, estimate, scoring
from kdcore.experiments.pipeline.keys import key_of, run_of_key
from kdcore.experiments.pipeline.stages import PLACE, Plan, Stage
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

TAKEN = "an earlier run has this result"


@dataclass(frozen=True, kw_only=True)
class StageEstimate:
    """Seconds of a stage with a range, and its memory; nan where nothing was measured yet.

    pairs: learned from in each epoch, or scored. basis: what the estimate is based on, in words.
    run: an earlier run that has the result, so that nothing is left to do.
    """

    stage: str
    seconds: float = math.nan
    low: float = math.nan
    high: float = math.nan
    memory_mb: float = math.nan
    pairs: int = 0
    basis: str = NOT_YET
    run: str = ""


def estimates(plan: Plan, workspace: Workspace | None = None) -> list[StageEstimate]:
    """Estimate every stage of a plan, in order; LabError when its data cannot be read."""
    workspace = workspace or Workspace.default()
    taken = taken_runs(plan, workspace)
    return [
        StageEstimate(stage=s.name, seconds=0, low=0, high=0, basis=TAKEN, run=taken[s.name].id)
        if s.name in taken
        else _estimated(s, plan, workspace)
        for s in plan.stages
    ]


def taken_runs(plan: Plan, workspace: Workspace) -> dict[str, Run]:
    """The finished runs that the stages of a plan would take, by the names of the stages."""
    taken: dict[str, Run] = {}
    if not any(run.purpose.key for run in RunStore(workspace.runs).list()):
        return taken
    for stage in plan.stages:
        if set(stage.needs) <= set(taken):
            run = run_of_key(key_of(stage, taken, workspace), workspace)
            if run is not None and run.status().state == "finished":
                taken[stage.name] = run
    return taken


def _estimated(stage: Stage, plan: Plan, workspace: Workspace) -> StageEstimate:
    config = stage.config
    if isinstance(config, InferConfig):
        return _scored(stage, config, plan, workspace)
    if not isinstance(config, TrainedConfig):
        return StageEstimate(stage=stage.name)
    stats = stats_of(config, workspace)
    if isinstance(config, DistillConfig):
        # a stage of its own scores the pairs; what is left costs as much as learning from labels
        config, stats = _on_labels(config), _as_labelled(stats)
    return _of(stage, estimate(config, stats, workspace))


def _on_labels(config: DistillConfig) -> FinetuneConfig:
    return FinetuneConfig(
        data=config.data,
        limit=config.limit,
        device=config.device,
        threads=config.threads,
        model=replace(config.student, start_from="", layers_from=()),
        training=config.training,
    )


def _as_labelled(stats: DataStats) -> DataStats:
    return replace(stats, labelled=stats.transfer, train_texts=stats.transfer_texts)


def _scored(stage: Stage, config: InferConfig, plan: Plan, workspace: Workspace) -> StageEstimate:
    """A scoring: as many pairs as its splits have, at the speed of the teacher's model."""
    teacher = plan.stage(config.run.removeprefix(PLACE)).config
    stats = stats_of(FinetuneConfig(data=config.data, limit=config.limit), workspace)
    pairs = {"train": stats.labelled, "validation": stats.validation, "test": stats.test}
    count = sum(pairs.get(split, 0) for split in config.splits)
    if "log" in config.splits:
        reading = DistillConfig(
            teacher=config.run, data=config.data, limit=config.limit, transfer="log"
        )
        count += stats_of(reading, workspace).transfer
    if not isinstance(teacher, TrainedConfig):
        return StageEstimate(stage=stage.name, pairs=count)
    seconds, low, high, basis = scoring(teacher, count, stats, workspace)
    return StageEstimate(
        stage=stage.name, seconds=seconds, low=low, high=high, pairs=count, basis=basis
    )


def _of(stage: Stage, one: Estimate) -> StageEstimate:
    return StageEstimate(
        stage=stage.name,
        seconds=one.seconds,
        low=one.low,
        high=one.high,
        memory_mb=one.memory_mb,
        pairs=one.pairs,
        basis=one.basis,
    )


def total(stages: Sequence[StageEstimate]) -> tuple[float, float, float]:
    """Seconds of all stages one after the other, with the range; nan where one is not known."""
    return sum(e.seconds for e in stages), sum(e.low for e in stages), sum(e.high for e in stages)
