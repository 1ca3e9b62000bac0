"""A ready classifier leaves with its own head, calibrated or with fitted cuts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.export.check import INVENTED
from kdcore.export.formats import CROSS, FOLDER, ONNX, SENTENCE, STATIC, misfit
from kdcore.export.layout import write_student
from kdcore.export.student import export_student
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts
from kdcore.models.ready import Ready
from kdcore.workspace import Workspace
from tests.models.test_ready import craft, ready
from tests.recipes.conftest import invented

from .test_export import carried_out, code_of, student_in

TEXTS = {"query_text": "search: {query}", "ad_text": "{description} | {title}", "lowercase": True}


def rescaled(folder: Path, family: str = "bert") -> Ready:
    """Two grades, calibrated."""
    model = ready(craft(folder / family, family), BINARY, pair_tokens=30, **TEXTS)
    model.rescale(0.7, (0.1, 0.4))
    return model


def cut_in_four(folder: Path) -> Ready:
    """One logit, with cuts between four grades that are not one apart."""
    model = ready(craft(folder / "bert", "bert"), FOUR_GRADES)
    assert model.link is not None
    model.link.calibrate(torch.linspace(-2, 3, 9), torch.tensor([0.4, 0.1, 0.3, 0.2]))
    return model


@pytest.mark.parametrize("kind", ["calibrated", "calibrated roberta", "four grades"])
def test_the_script_gives_the_grades_of_the_run(tmp_path: Path, kind: str) -> None:
    family = kind.partition(" ")[2]
    model = cut_in_four(tmp_path) if family == "grades" else rescaled(tmp_path, family or "bert")
    out = tmp_path / "out"
    out.mkdir()
    layout = write_student(model, out)
    assert layout == ("script" if model.link else "transformers")
    student, ours = student_in(out), answer_texts(model, INVENTED).logits
    np.testing.assert_allclose(student.logits(INVENTED), ours, atol=1e-5)
    assert student.grades == list(model.scheme.grades)


@pytest.fixture
def large(tmp_path: Path) -> Workspace:
    """A workspace with the pairs of two and of four grades, enough to calibrate on."""
    many, workspace = invented("many", queries=180), Workspace(tmp_path / "large")
    many.save(workspace.data_folder("many"))
    frame = many.frame.assign(grade=np.where(many.grades == 1, 2 + many.query_ids % 2, 0))
    PairTable(frame, FOUR_GRADES, "four").save(workspace.data_folder("four"))
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(("data", "other"), [("many", FOLDER), ("four", ONNX)])
def test_every_form_is_checked_and_every_line_of_its_card_runs(
    tmp_path: Path, large: Workspace, data: str, other: str
) -> None:
    place = craft(tmp_path / "bert", "bert")
    how = {"device": "cpu", "threads": 1, "params": TEXTS}
    run = lab.teach(str(place), data, workspace=large, calibrate=data == "many", **how)
    for form in (CROSS, other):
        made = export_student(run, tmp_path / form, form=form, workspace=large)
        assert made.difference is not None
        assert made.difference <= 1e-4
        card = (tmp_path / form / "README.md").read_text()
        assert "Nothing was trained" in card
        assert str(tmp_path) not in card
        assert carried_out(tmp_path / form, code_of(card))
    assert "no logit differs by more than" in made.sentence
    assert made.onnx == (("model.onnx",) if other == ONNX else ())
    assert "reads query and ad together" in misfit(run, SENTENCE)
    assert "reads query and ad together" in misfit(run, STATIC)
    if data == "four":
        _compare_formula(tmp_path / CROSS, load_model(run.model_folder))


def _compare_formula(folder: Path, model: object) -> None:
    """The card's formula, on the foreign logits, gives the probabilities of our head."""
    code = code_of((folder / "README.md").read_text())
    code = code.replace("print(torch.sig", "at_least = (torch.sig")
    done = subprocess.run(
        [sys.executable, "-c", code + "\nprint('found', at_least.tolist())"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    at_least = np.array(json.loads(done.stdout.rpartition("found")[2]))
    rows = [
        ("red shoes", "Running shoes", "Light and cheap."),
        ("red shoes", "Garden hose 20 m", ""),
    ]
    shares = np.exp(answer_texts(model, rows).logits.astype(np.float64))  # type: ignore[arg-type]
    above = shares[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    np.testing.assert_allclose(at_least, above, atol=1e-4)
