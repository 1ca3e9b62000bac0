"""The measurement behind the card of stored logits, on models of a moment."""

import json

import pytest

from kdcore.config import TrainingConfig
from kdcore.language.plan import StorePlan, StoreStudentPlan, StudentPlan, TeacherPlan
from kdcore.language.published import Study
from kdcore.language.topk.study import StoreStudy, measure
from kdcore.workspace import Workspace

WORLD = "world:train=300,validation=200,test=300"
COMMON = {"data": WORLD, "texts": 200, "device": "cpu", "threads": 1}
STUDY = StoreStudy(
    base=Study(
        teacher=TeacherPlan(
            layers=2, hidden=16, heads=2, vocabulary=300, steps=80, learning_rate=1e-2, **COMMON
        ),
        student=StudentPlan(teacher="teacher", **COMMON),
        seeds=(0,),
        pairs=200,
        tuning=TrainingConfig(),
    ),
    store=StorePlan(teacher="teacher", shard_texts=100, **COMMON),
    student=StoreStudentPlan(store="each", steps=3, batch_size=16, **COMMON),
    ks=(1, 20, 0),
)


@pytest.mark.slow
def test_more_logits_hold_more_and_a_second_measurement_trains_nothing(tmp_path):
    begun: list[str] = []
    home, out = Workspace(tmp_path / "home"), tmp_path / "card.json"
    measure(out, home, lambda title, run: begun.append(title), STUDY)
    assert len(begun) == 1 + 3 + (2 + 2 + 1) + 1  # teacher, stores, students, labels only
    card = json.loads(out.read_text())
    kept = [row["kept_mass"]["value"] for row in card["rows"]]
    assert kept[0] < kept[1] < kept[2] == 1
    assert [row["bytes_per_position"] for row in card["rows"]] == [8, 122, 2 * card["classes"]]
    assert "zero" not in card["rows"][-1]  # nothing was dropped
    begun.clear()
    measure(out, home, lambda title, run: begun.append(title), STUDY)
    assert begun == []
    assert json.loads(out.read_text()) == card
