"""The measurement behind DistilBERT's card, on models of a moment."""

import json
from dataclasses import replace

import pytest

from kdcore.config import TrainingConfig
from kdcore.language.plan import StudentPlan, TeacherPlan
from kdcore.language.published import Study, measure
from kdcore.workspace import Workspace

WORLD = "world:train=300,validation=200,test=300"
COMMON = {"data": WORLD, "texts": 200, "batch_size": 16, "device": "cpu", "threads": 1}
STUDY = Study(
    teacher=TeacherPlan(layers=2, hidden=16, heads=2, vocabulary=300, steps=4, **COMMON),
    student=StudentPlan(teacher="teacher", steps=3, **COMMON),
    seeds=(0, 1),
    pairs=200,
    tuning=TrainingConfig(epochs=1, batch_size=32, learning_rate=1e-3),
)


@pytest.mark.slow
def test_the_measurement_says_what_is_kept_and_a_second_one_trains_nothing(tmp_path):
    """Both models are fine-tuned alike, and every number has an interval around it."""
    begun: list[str] = []
    home, out = Workspace(tmp_path / "home"), tmp_path / "card.json"
    card = measure(out, home, lambda title, run: begun.append(title), STUDY)
    assert len(begun) == 1 + (2 + 5) + 2 * 2  # teacher, students and ablation, fine-tuned ones
    stored = json.loads(out.read_text())
    area, words = stored["roc_auc"], stored["masked_words"]
    for role in ("teacher", "student"):
        assert area[role]["value"] == pytest.approx(sum(area["seeds"][role]) / 2)
    assert area["kept"]["value"] == pytest.approx(
        area["student"]["value"] / area["teacher"]["value"]
    )
    assert words["kept"]["value"] == pytest.approx(sum(words["seeds"]) / 2)
    for share in (area["kept"], words["kept"], stored["latency"]["speedup"]):
        assert share["low"] <= share["value"] <= share["high"]
        assert share["n"] > 0
    weights = stored["weights"]
    assert weights["student"] < weights["teacher"]
    assert [row["change"] for row in stored["ablation"]][:2] == [
        "all three losses",
        "without soft labels",
    ]
    assert stored["ablation"][0]["difference"]["value"] == 0
    begun.clear()
    again = measure(out, home, lambda title, run: begun.append(title), STUDY)
    assert begun == []
    assert again["ablation"] == card["ablation"]
    assert again["roc_auc"] == card["roc_auc"]


def test_another_study_has_another_folder_of_models():
    assert replace(STUDY, pairs=201).key != STUDY.key
