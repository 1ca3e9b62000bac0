"""The table at the end, against numbers made by hand."""

import csv
import io
import math

import numpy as np

from kdcore.experiments import pipeline
from kdcore.predictions import Predictions
from kdcore.runs.record import Record
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.experiments.planned import some_pairs

# of every query's two relevant and two other ads: how many of the four orders are right
RIGHT = {"student_labels": 2, "student_log": 3, "student": 4, "teacher": 4}


def finished(folder, right):
    """A pipeline whose runs have answered the test pairs so."""
    home, pairs = Workspace(folder), some_pairs(log=24)
    pairs.save(home.data_folder("invented"))
    plan = pipeline.plan("relevance", data="invented", workspace=home, ablation=True)
    one, test = pipeline.create(plan, home), pairs.split("test")
    for stage in plan.stages:
        run = RunStore(home.runs).create(stage.filled(one.run_ids()))
        if stage.role:
            answers(run.id, test, right.get(stage.name, 3)).save(run.predictions_path("test"))
        steps = {"stage": "evaluate", "step": 10, "total_steps": 10}
        Record(state="finished", created=run.created, **steps).write(run.folder)
        one.set_runs(one.run_ids() | {stage.name: run.id})
    return one


def answers(model, test, right):
    """Log-odds with which so many of a query's four (relevant, other) pairs are in order."""
    scores = {4: (1, 3, 2, 4), 3: (1, 2, 3, 4), 2: (1, 2, 4, 3)}[right]
    ranks = np.tile(scores, len(test) // 4)  # grades are 0, 1, 0, 1
    logits = np.stack([np.zeros(len(test)), ranks - 2.5], axis=1)
    return Predictions(logits.astype(np.float32), test.content_hash, model)


def test_the_table_says_what_each_stage_reached_brought_and_kept(tmp_path):
    table = pipeline.results(finished(tmp_path, RIGHT))
    values = {row.stage: (row.value, row.before, row.n) for row in table.rows}
    assert values == {
        "student_labels": (0.5, "", 24),
        "teacher": (1.0, "", 24),
        "student_log": (0.75, "student_labels", 24),
        "student": (1.0, "student_log", 24),
    }
    assert {row.stage: row.delta for row in table.rows if row.before} == {
        "student_log": 0.25,
        "student": 0.25,
    }
    kept = {each.stage: each.gap.share for each in table.gains}
    assert kept == {"student_log": 0.5, "student": 1.0}  # of the teacher's lead of 0.5
    assert table.gains[0].text == "AUC gain kept 50 % [50, 50]"
    ablation = {row.stage: (row.before, row.delta, row.title) for row in table.variants}
    assert ablation == {
        "student-no-log": ("student", -0.25, "Student, label-aware (no log)"),
        "student_log": ("student", -0.25, "Student on the log (no label-aware step)"),
    }
    assert table.notes[0] == (
        "student_log and student took 20 steps in all, their baseline student_labels 10, which "
        "saw the labelled pairs alone."
    )
    rows = list(csv.DictReader(io.StringIO(pipeline.results_csv(table))))
    assert [row["kept"] for row in rows if row["stage"] == "student_log"] == ["0.5", ""]
    assert len(rows) == len(table.rows) + len(table.variants)


def test_no_share_is_given_where_the_teacher_does_not_beat_the_student(tmp_path):
    table = pipeline.results(finished(tmp_path, RIGHT | {"student_labels": 4, "teacher": 3}))
    assert [math.isnan(each.gap.share) for each in table.gains] == [True, True]
    assert table.gains[0].text.startswith("AUC gain kept n/a: the teacher does not clearly beat it")
