"""The demo as a finished pipeline of the recipe *relevance*: its stages are runs of the demo."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from kdcore.config import to_dict
from kdcore.demo.plan import SCORES, TEACHER, DemoPlan
from kdcore.experiments import pipeline
from kdcore.experiments.changes import put
from kdcore.experiments.pipeline.recipes import Builder, Preset
from kdcore.experiments.pipeline.stages import PLACE, Plan, Stage
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

RECIPE = "relevance"
ID = f"demo-{RECIPE}"


def write_pipeline(plan: DemoPlan, folder: Path, note: str) -> None:
    """Write the pipeline into a demo that holds its runs, and its id into these runs.

    note: a sentence that stands below the pipeline's table.
    """
    workspace = Workspace(folder)
    runs = {stage: Run.load(workspace.run_folder(run)) for stage, run in runs_of(plan).items()}
    created = runs[TEACHER].created
    recipe = pipeline.create(pipeline_plan(plan, note), workspace, name=ID, created=created)
    recipe.set_runs({stage: run.id for stage, run in runs.items()})
    for run in runs.values():
        Purpose(recipe=ID).write(run.folder)


def runs_of(plan: DemoPlan) -> dict[str, str]:
    """The run of each stage of the recipe, by the stage's name."""
    runs = {TEACHER: TEACHER, SCORES: SCORES}
    for branch, name in plan.label_aware.items():
        pupil = plan.pupil(name)
        runs |= {
            f"{branch}_labels": pupil.hard,
            f"{branch}_log": pupil.distilled,
            branch: pupil.label_aware,
        }
    return runs


def pipeline_plan(plan: DemoPlan, note: str) -> Plan:
    """The recipe with the demo's settings in its stages, in place of those of a preset."""
    recipe = pipeline.RECIPES[RECIPE]
    models = {branch: plan.pupil(name).model for branch, name in plan.label_aware.items()}
    builder = Builder(
        Preset(data=plan.data, limit=plan.limit, models={TEACHER: plan.teacher, **models}),
        common={"data": plan.data, "limit": plan.limit, "seed": plan.seed},
        scored=("train", "validation", "log"),
        sets={},
    )
    configs = {stage.id: stage.config for stage in plan.stages()}
    runs = runs_of(plan)
    return Plan(
        recipe=RECIPE,
        title=recipe.title,
        data=plan.data,
        limit=plan.limit,
        small=False,
        seed=plan.seed,
        without=(),
        ablation=False,
        left_out=(note,),
        stages=tuple(
            _with_settings(stage, to_dict(configs[runs[stage.name]]))
            for stage in builder.stages(recipe.parts)
        ),
        variants=(builder.variant("", recipe.parts),),
    )


def _with_settings(stage: Stage, settings: dict[str, Any]) -> Stage:
    """The stage with other settings, in which the places of its inputs stay."""
    for path, name in stage.inputs.items():
        put(settings, path.split("."), f"{PLACE}{name}")
    return replace(stage, settings=settings)
