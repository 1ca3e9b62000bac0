"""What a browser that watches a pipeline is sent: how each of its stages stands, in words."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from app.services import access
from app.services.live.status import STAGES
from kdcore import lab
from kdcore.errors import LabError
from kdcore.experiments import pipeline as recipes
from kdcore.experiments.pipeline import Pipeline, PipelineState, Plan, Results, Stage, StageState
from kdcore.runs.store import Run
from kdcore.workspace import check_name

_WAITING = {
    "waiting": "waits for earlier stages",
    "queued": "queued",
    "lost": "its process has ended",
}
# in a link, before the id of a bundled pipeline
BUNDLED = "demo:"
_FAILED = {"failed": "failed", "lost": "was killed repeatedly"}


def find(name: str) -> Pipeline | None:
    """The pipeline of exactly this id in the workspace; None for a path or no pipeline."""
    try:
        check_name(name, "pipeline")
        pipeline = recipes.find(name, access.home())
    except LabError:
        return None
    return pipeline if pipeline.id == name and is_readable(pipeline) else None


def link_of(name: str, mine: bool) -> str:
    """What a link to Recipe calls a pipeline of the workspace, or of the demo; "" without one."""
    if mine or not name:
        return name if name and find(name) is not None else ""
    try:
        check_name(name, "pipeline")
    except LabError:
        return ""
    return f"{BUNDLED}{name}" if (access.demo().recipes / name).is_dir() else ""


def roc_auc(folder: Path) -> str:
    """What a finished run reached on test, as " reached ROC-AUC 0.7 [0.6, 0.8] on 9 pairs"."""
    with suppress(LabError, OSError, KeyError):
        if (evaluation := lab.stored_evaluation(Run.load(folder))) is not None:
            value = evaluation.metrics["roc_auc"]
            within = f"[{value.low:.3f}, {value.high:.3f}]"
            return f" reached ROC-AUC {value.value:.3f} {within} on {value.n:,} pairs"
    return ""


def is_readable(pipeline: Pipeline) -> bool:
    """Whether the plan in a pipeline's folder can be read."""
    try:
        return bool(pipeline.plan.stages)
    except LabError:
        return False


def answer(name: str) -> dict[str, Any] | None:
    """State of a pipeline and of its stages; None when there is no such pipeline."""
    pipeline = find(name)
    return None if pipeline is None else in_words(pipeline.plan, recipes.state(pipeline))


def titles(plan: Plan) -> dict[str, str]:
    """The title of each stage by its name; those of an ablation say what they are without."""
    without = left_out(plan)
    return {
        stage.name: f"{stage.title} ({without[stage.name]})"
        if stage.name in without
        else stage.title
        for stage in plan.stages
    }


def left_out(plan: Plan) -> dict[str, str]:
    """What stages of an ablation alone are without, in words, by their names."""
    return {
        stage.name: variant.title
        for variant in plan.variants[1:]
        for stage in plan.stages
        if stage.name.endswith(f"-no-{variant.name}")
    }


def in_words(plan: Plan, state: PipelineState) -> dict[str, Any]:
    """State of a pipeline and of its stages, as the browser draws them."""
    without = left_out(plan)
    done = {stage.name for stage in state.stages if stage.state == "finished"}
    stages = [
        {
            **_drawn(stage, of, done),
            "title": of.title,
            "role": of.role,
            "after": list(of.needs),
            "without": without.get(of.name, ""),
        }
        for stage, of in zip(state.stages, plan.stages, strict=True)
    ]
    message = "" if access.public() else _message(plan, state)
    return {"state": state.state, "message": message, "stages": stages, "done": state.done}


def with_values(now: PipelineState, results: Results) -> PipelineState:
    """The state, in which each stage has the ROC-AUC and the test pairs of its row."""
    rows = {row.stage: row for row in results.rows}

    def with_value(stage: StageState) -> StageState:
        row = rows.get(stage.name)
        return (
            replace(stage, value=row.value, low=row.low, high=row.high, n=row.n) if row else stage
        )

    return replace(now, stages=tuple(map(with_value, now.stages)))


def _message(plan: Plan, now: PipelineState) -> str:
    """Why a pipeline does not go on by itself, in words for the page; "" where nothing is wrong."""
    if now.state == "lost":
        return "The process that ran this pipeline has ended. Resume goes on from its checkpoints."
    if now.state != "failed":
        return ""
    names = titles(plan)
    causes = [
        f"{names[stage.name]} {_FAILED[stage.state]}"
        + (f": {stage.message}" if stage.message else "")
        for stage in now.stages
        if stage.state in _FAILED
    ]
    return "; ".join(causes) or now.message


def _drawn(stage: StageState, of: Stage, done: Collection[str]) -> dict[str, Any]:
    measured = isfinite(stage.value)
    is_next = stage.state == "waiting" and {*of.needs} <= {*done}
    return {
        "name": stage.name,
        "state": stage.state,
        "run": stage.run,
        "share": stage.step / stage.total_steps if stage.total_steps else 0.0,
        "words": "not begun yet" if is_next else _words(stage),
        "value": [stage.value, stage.low, stage.high] if measured else None,
        "n": stage.n,
    }


def _words(stage: StageState) -> str:
    if stage.state == "finished":
        return "unchanged, so not run again" if stage.taken else "done"
    if stage.state == "running":
        doing = STAGES.get(stage.doing, stage.doing)
        steps = f", step {stage.step:,} of {stage.total_steps:,}" if stage.total_steps else ""
        return f"{doing}{steps}"
    if stage.state == "stopped":
        return f"❚❚ paused at step {stage.step:,}"
    if stage.state == "failed":
        return "failed" if access.public() else f"failed: {stage.message}"
    return _WAITING.get(stage.state, stage.state)
