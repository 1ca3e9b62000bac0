"""Start, pause and change a pipeline."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kdcore.config import to_dict
from kdcore.errors import LabError
from kdcore.experiments.pipeline.folder import Pipeline, refuse_driven
from kdcore.experiments.pipeline.settings import by_stage, usual_values, with_settings
from kdcore.experiments.pipeline.state import state
from kdcore.runs.queue import control
from kdcore.runs.queue.processes import reap, spawn

LOG = "driver.log"


def start(pipeline: Pipeline) -> None:
    """Start a process that drives the pipeline and outlives this one, unless one drives it."""
    if pipeline.is_driven():
        return
    command = [sys.executable, "-m", "kdcore", "recipe", "drive", str(pipeline.folder.absolute())]
    with (pipeline.folder / LOG).open("ab") as log:
        process = spawn(command, log)
    pipeline.order("run", process.pid)
    reap(process)


def pause(pipeline: Pipeline) -> None:
    """Pause the running stages and begin no other; start goes on from their checkpoints."""
    pipeline.order("pause")
    for run in pipeline.runs().values():
        if run.status().state in ("queued", "running"):
            with suppress(LabError):  # it has ended meanwhile
                control.pause(run, pipeline.workspace)


def ensure(pipeline: Pipeline) -> None:
    """Go on with a pipeline whose driver was killed; a page calls this whenever it is drawn."""
    if state(pipeline).state == "lost":
        start(pipeline)


def change(pipeline: Pipeline, sets: Mapping[str, Any]) -> tuple[Pipeline, tuple[str, ...]]:
    """Change settings of stages; returns the changed pipeline and the stages that run again.

    sets: {"student.training.epochs": 3}. These stages and all that follow let go of their runs,
    and take them again when the settings are changed back. RunError while it is driven,
    ConfigError for settings that cannot be used.
    """
    refuse_driven(pipeline, "changed")
    plan = pipeline.plan
    grouped = by_stage(sets, [stage.name for stage in plan.stages])
    stages = [
        replace(
            stage,
            settings=to_dict(with_settings(stage.config, grouped.get(stage.name, {}), stage.name)),
        )
        for stage in plan.stages
    ]
    new = {s.name for s, old in zip(stages, plan.stages, strict=True) if s.settings != old.settings}
    again = plan.following(new)
    own = {stage.name: stage.settings for stage in plan.stages}
    usual = usual_values(plan.usual, stages, own)
    after = pipeline.with_plan(replace(plan, stages=tuple(stages), usual=usual))
    after.keep_former(again)
    runs = {name: run for name, run in pipeline.run_ids().items() if name not in again}
    after.set_runs(runs)
    if after.driver().order:
        after.order("pause")
    return after, tuple(stage.name for stage in plan.stages if stage.name in again)
