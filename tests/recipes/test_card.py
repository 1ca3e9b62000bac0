"""A run's folder tells what was trained on what, by which code."""

import json

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import distillation


def test_a_finished_run_has_a_model_card_with_data_teacher_and_validation(
    home: Workspace, teacher: Run
) -> None:
    run = lab.start(distillation(teacher, epochs=2), home)
    card = (run.folder / "README.md").read_text()
    assert f"taught by {teacher.id}" in card
    assert "Validation: NLL 0." in card or "Validation: NLL 1." in card
    assert "soft_weight: 1.0" in card


def test_the_provenance_holds_the_hash_of_every_split_and_the_versions(
    home: Workspace, teacher: Run, pairs: PairTable
) -> None:
    facts = json.loads((teacher.folder / "provenance.json").read_text())
    assert facts["pairs"]["test"] == [len(pairs.split("test")), pairs.split("test").content_hash]
    assert {"kdlab", "torch", "transformers", "python", "seed"} <= set(facts)
