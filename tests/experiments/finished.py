"""A finished pipeline of invented pairs whose models never trained: their answers are made."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.experiments import pipeline
from kdcore.experiments.pipeline import Pipeline
from kdcore.predictions import Predictions
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.experiments.planned import some_pairs

# of every query's two relevant and two other ads: how many of the four orders are right
RIGHT = {"student_labels": 2, "student_log": 3, "student": 4, "teacher": 4}


def finished(folder: Path, right: Mapping[str, int] = RIGHT, ablation: bool = True) -> Pipeline:
    """A pipeline whose runs have answered the test pairs so."""
    home, pairs = Workspace(folder), some_pairs(log=24)
    pairs.save(home.data_folder("invented"))
    plan = pipeline.plan(
        "relevance", data="invented", small=True, workspace=home, ablation=ablation
    )
    one, test = pipeline.create(plan, home), pairs.split("test")
    for stage in plan.stages:
        purpose = Purpose(role=stage.role, recipe=one.id)
        run = RunStore(home.runs).create(stage.filled(one.run_ids()), purpose=purpose)
        if stage.role:
            answers(run.id, test, right.get(stage.name, 3)).save(run.predictions_path("test"))
        steps = {"stage": "evaluate", "step": 10, "total_steps": 10}
        Record(state="finished", created=run.created, **steps).write(run.folder)
        one.set_runs(one.run_ids() | {stage.name: run.id})
    return one


def answers(model: str, test: PairTable, right: int) -> Predictions:
    """Log-odds with which so many of a query's four (relevant, other) pairs are in order."""
    scores = {4: (1, 3, 2, 4), 3: (1, 2, 3, 4), 2: (1, 2, 4, 3)}[right]
    ranks = np.tile(scores, len(test) // 4)  # grades are 0, 1, 0, 1
    logits = np.stack([np.zeros(len(test)), ranks - 2.5], axis=1)
    return Predictions(logits.astype(np.float32), test.content_hash, model)
