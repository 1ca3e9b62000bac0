"""The table at the end, against numbers made by hand."""

import csv
import io
import math

from kdcore.experiments import pipeline
from tests.experiments.finished import RIGHT, finished


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
        "Student on the log and Student, label-aware took 20 steps in all, their baseline 10, "
        "which saw the labelled pairs alone."
    )
    rows = list(csv.DictReader(io.StringIO(pipeline.results_csv(table))))
    assert [row["kept"] for row in rows if row["stage"] == "student_log"] == ["0.5", ""]
    assert len(rows) == len(table.rows) + len(table.variants)


def test_no_share_is_given_where_the_teacher_does_not_beat_the_student(tmp_path):
    table = pipeline.results(finished(tmp_path, RIGHT | {"student_labels": 4, "teacher": 3}))
    assert [math.isnan(each.gap.share) for each in table.gains] == [True, True]
    assert table.gains[0].text.startswith("AUC gain kept n/a: the teacher does not clearly beat it")
