"""An export is whole, checked where no lab is, and never takes another folder's place."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from kdcore import lab
from kdcore.errors import DataError, RunError
from kdcore.export import check as check_module
from kdcore.export import layout as layout_module
from kdcore.export.card import model_card
from kdcore.export.check import Row
from kdcore.export.exported import Exported
from kdcore.export.student import export_student
from kdcore.models.build import load_model
from kdcore.models.predict import predict_table
from kdcore.report.facts import facts_of
from kdcore.runs.store import Run, RunStore

from .conftest import Make, invented
from .test_layout import student_in

ALONE = (
    "import sys; sys.modules.update(dict.fromkeys(('kdcore', 'app'))); sys.path.insert(0, '.')\n"
)


@pytest.fixture
def alone() -> None:
    """The export is checked in a process of its own, as it always is outside these tests."""


def carried_out(folder: Path, code: str) -> str:
    """What a program prints in an exported folder, in a process that cannot import the lab."""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", ALONE + code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def code_of(card: str) -> str:
    """The Python of a model card, from top to bottom."""
    return "\n".join(re.findall(r"```python\n(.*?)```", card, re.S))


@pytest.fixture(autouse=True)
def nearby(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the script in this process, where a test is not about the other one."""
    if "alone" not in request.fixturenames:

        def asked(folder: Path, rows: list[Row]) -> Any:
            return student_in(folder).logits(rows).numpy()

        monkeypatch.setattr(check_module, "asked_alone", asked)


def test_an_export_is_checked_alone_and_every_line_of_its_card_runs(
    make: Make, tmp_path: Path, alone: None
) -> None:
    """A reader who copies the card's lines that add the overlap marks must get our answers."""
    made = export_student(make("bert"), tmp_path / "out")
    assert made.layout == "transformers"
    assert made.difference <= 1e-4
    assert set(made.files) == {path.name for path in (tmp_path / "out").iterdir()}
    code = code_of((tmp_path / "out" / "README.md").read_text())
    assert code.count("Running shoes Light and cheap.") == 1
    code = code.replace('"red shoes", "Running shoes Light and cheap."', '"red lamp", "a red lamp"')
    code += "\nsaid = net(**given).logits\n"
    code += "ours = student.logits([('red lamp', 'a red lamp', '')])\n"
    code += "print('largest', float((said - ours).abs().max()))"
    printed = carried_out(tmp_path / "out", code)
    assert "Running shoes" in printed
    assert float(printed.rpartition("largest")[2]) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["twin residual", "twin weighted", "cdssm"])
def test_every_line_of_a_separable_students_card_runs(
    make: Make, tmp_path: Path, kind: str, alone: None
) -> None:
    made = export_student(make(kind), tmp_path / "out", onnx=True)
    assert made.onnx
    printed = carried_out(tmp_path / "out", code_of((tmp_path / "out" / "README.md").read_text()))
    assert "Running shoes" in printed
    assert "tensor" in printed


@pytest.mark.slow
def test_the_script_is_a_command(make: Make, tmp_path: Path) -> None:
    export_student(make("cdssm"), tmp_path / "out")
    command = [sys.executable, "-I", "-B", "student.py", "red lamp", "buy a lamp"]
    done = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=True)
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == list(
        invented().scheme.grades
    )


def test_weights_that_answer_otherwise_are_not_kept(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, genuine = make("cdssm"), layout_module.write_student

    def wrong(model: object, folder: Path) -> str:
        about = genuine(model, folder)  # type: ignore[arg-type]
        known = json.loads((folder / "trigrams.json").read_text())
        known["trigrams"] = known["trigrams"][::-1]
        (folder / "trigrams.json").write_text(json.dumps(known))
        return about

    monkeypatch.setattr(layout_module, "write_student", wrong)
    with pytest.raises(RunError, match="differs from the run's model by up to"):
        export_student(run, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


def test_a_script_that_needs_the_lab_is_not_kept(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    run, genuine = make("cdssm"), layout_module.write_student

    def leaning(model: object, folder: Path) -> str:
        about = genuine(model, folder)  # type: ignore[arg-type]
        script = folder / "student.py"
        script.write_text("import kdcore\n" + script.read_text())
        return about

    monkeypatch.setattr(layout_module, "write_student", leaning)
    with pytest.raises(RunError, match="cannot be loaded by itself"):
        export_student(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nan_is_no_agreement() -> None:
    with pytest.raises(RunError):
        check_module.difference(np.zeros((1, 2)), np.full((1, 2), np.nan), "it")


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_other_things_is_never_replaced(
    make: Make, tmp_path: Path, force: bool
) -> None:
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter.tex").write_text("years of work")
    with pytest.raises(DataError, match=r"holds other files \(chapter.tex"):
        export_student(make("cdssm"), target, force=force)
    assert (target / "chapter.tex").read_text() == "years of work"


def test_an_earlier_export_is_replaced_only_when_asked(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, run = tmp_path / "out", make("cdssm")
    target.mkdir()
    (target / "student.json").write_text("{}")
    with pytest.raises(DataError, match="--force"):
        export_student(run, target)
    export_student(run, target, force=True)
    assert (target / "student.py").exists()


def test_what_was_added_to_an_export_is_never_deleted(make: Make, tmp_path: Path) -> None:
    target, run = tmp_path / "out", make("cdssm")
    export_student(run, target)
    (target / "__pycache__").mkdir()  # of using it
    export_student(run, target, force=True)
    (target / "notes.txt").write_text("what I found")
    with pytest.raises(DataError, match=r"notes\.txt, which no export wrote"):
        export_student(run, target, force=True)
    assert (target / "notes.txt").read_text() == "what I found"


def test_a_run_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    run = RunStore(tmp_path / "runs").create({"stage": "distill", "student": {"name": "cdssm"}})
    with pytest.raises(RunError, match="has no model yet"):
        export_student(run, tmp_path / "out")


def test_a_run_that_only_scored_names_the_run_to_export(tmp_path: Path) -> None:
    run = RunStore(tmp_path / "runs").create({"stage": "infer", "run": "the-teacher"})
    with pytest.raises(RunError, match="only scored pairs with the-teacher; export that run"):
        export_student(run, tmp_path / "out")


def front(card: str) -> dict[str, object]:
    """The card's front matter."""
    found: dict[str, object] = yaml.safe_load(card.split("---\n")[1])
    return found


def test_the_card_tells_measured_quality_and_no_path_of_this_machine(
    make: Make, tmp_path: Path
) -> None:
    run = make("cdssm", data=str(tmp_path / "home" / "data" / "invented"))
    pairs, model = lab.split_of(run, "test"), load_model(run.model_folder)
    said = predict_table(model, pairs, torch.device("cpu"), name=run.id)
    said.save(run.predictions_path("test"))
    export_student(run, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert str(tmp_path) not in card
    assert "| ROC-AUC |" in card
    assert f"{len(pairs)} pairs" in card
    assert "data: invented" in card
    results = front(card)["model-index"][0]["results"][0]  # type: ignore[index]
    assert results["dataset"]["name"] == "invented"
    assert {m["type"] for m in results["metrics"]} >= {"roc_auc", "nll"}


def test_a_card_names_neither_the_folder_of_a_lost_teacher_nor_that_of_lost_data(
    make: Make, tmp_path: Path
) -> None:
    run = make("cdssm", data=str(tmp_path / "home" / "data" / "invented"))
    told = {"data": "/srv/of me/ads.csv", "teacher": "/srv/of me/runs/big", "stage": "distill"}
    (run.folder / "config.json").write_text(json.dumps(run.settings | told))
    (run.folder / "README.md").write_text("Data: Read from ~/of/mine.csv; https://a.example/b/c\n")
    made = Exported(run.id, tmp_path / "out", (), "script", 8, 0.0)
    params = {"query_tokens": 8, "ad_tokens": 24}
    card = model_card(facts_of(Run.load(run.folder)), made, {"name": "cdssm", "params": params})
    assert not re.search(r"srv|of/mine|of me", card)
    for told_of in ("`big`", "ads.csv", "mine.csv", "https://a.example/b/c"):
        assert told_of in card


def test_data_for_non_commercial_use_say_so_on_the_card(make: Make, tmp_path: Path) -> None:
    pairs = invented()
    noted = replace(pairs, non_commercial=True)
    export_student(make("cdssm", noted), tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert front(card)["license_name"] == "non-commercial-data"
    assert "NON-COMMERCIAL DATA" in card
    assert "allow no commercial use" in card


def test_a_made_world_is_named_as_a_limit(make: Make, tmp_path: Path) -> None:
    pairs = invented()
    world = replace(pairs, generated=True)
    export_student(make("cdssm", world), tmp_path / "out")
    assert "Its data are a made world" in (tmp_path / "out" / "README.md").read_text()
