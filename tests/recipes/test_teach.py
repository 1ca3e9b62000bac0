"""A ready classifier becomes a run that compares, ranks and teaches, and nothing is trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from kdcore import lab
from kdcore.config import ModelConfig, TermConfig
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError, DataError
from kdcore.evaluation.evaluate import evaluate
from kdcore.export.student import export_student
from kdcore.labels import FOUR_GRADES
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.predictions import Predictions
from kdcore.report.run_report import run_report
from kdcore.runs.store import Run
from kdcore.scores import log_odds
from kdcore.workspace import Workspace

from .conftest import distillation, invented

HOW = {"device": "cpu", "threads": 1}
SHAPE = {"layers": 1, "hidden": 16, "heads": 2, "inner": 24, "overlap": False}
BERT = ModelConfig(name="bert", params=SHAPE, start_from="teacher")  # reads the same tokens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random reranker of one logit, with a tokenizer of the words of the pairs."""
    place = tmp_path_factory.mktemp("models") / "reranker"
    frame = invented().frame
    units = WordPiece.train([*frame["query"], *frame["title"], *frame["description"]], 200)
    torch.manual_seed(0)
    shape = {
        "vocab_size": len(units),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 40,
        "num_labels": 1,
        "initializer_range": 0.4,
    }
    BertForSequenceClassification(BertConfig(**shape)).save_pretrained(place)
    units.save(place)
    return place


@pytest.fixture(scope="module")
def many() -> PairTable:
    """Enough labelled validation pairs to calibrate on."""
    return invented("many", queries=180)


@pytest.fixture
def large(tmp_path: Path, many: PairTable) -> Workspace:
    """A workspace with those pairs, and with the same in four grades, labelled and not."""
    workspace = Workspace(tmp_path / "large")
    many.save(workspace.data_folder("many"))
    frame = many.frame.assign(grade=np.where(many.grades == 1, 2 + many.query_ids % 2, 0))
    PairTable(frame, FOUR_GRADES, "four").save(workspace.data_folder("four"))
    bare = many.frame.assign(grade=UNLABELLED)
    PairTable(bare, FOUR_GRADES, "bare").save(workspace.data_folder("bare"))
    return workspace


def notes(run: Run) -> str:
    return "\n".join(run.notes)


def test_a_ready_reranker_is_a_finished_run_that_asks_scores_and_teaches(
    folder: Path, home: Workspace, pairs: PairTable
) -> None:
    run = lab.teach(str(folder), "invented", workspace=home, **HOW)
    assert (run.status().state, run.role, run.shown_title) == (
        "finished",
        "teacher",
        "reranker · its own head",
    )
    for split in ("validation", "test"):
        part = pairs.split(split)
        lab.predictions(run, split).require(part.content_hash, len(part))
    assert "log-odds of 'Good'" in notes(run)
    assert "not calibrated" in notes(run)
    assert lab.evaluate(run, workspace=home, resamples=20).metrics["roc_auc"].n == 16
    assert set(lab.predict(run, "a lamp", "buy a lamp", workspace=home)) == {"Bad", "Good"}
    scored = lab.infer(run, workspace=home, **HOW)
    assert np.allclose(
        lab.predictions(scored, "test").logits, lab.predictions(run, "test").logits, atol=1e-5
    )
    student = lab.start(distillation(run, epochs=1), home)
    assert student.status().state == "finished"
    assert "Nothing was trained here" in (run.folder / "README.md").read_text()
    assert "a ready classifier with its own head" in run_report(run, home)
    made = export_student(run, home.root / "out", workspace=home)
    assert made.kept_difference is not None
    assert "Nothing was trained" in (home.root / "out" / "README.md").read_text()


def test_its_hidden_states_teach_as_those_of_any_cross_encoder_do(
    folder: Path, home: Workspace
) -> None:
    run = lab.teach(str(folder), "invented", workspace=home, **HOW)
    terms = (TermConfig.parse("feature"), TermConfig.parse("internal"))
    config = distillation(run, terms=terms, epochs=1, student=BERT)
    assert lab.start(config, home).status().state == "finished"


def test_calibration_on_validation_lowers_the_nll_of_test(
    folder: Path, large: Workspace, many: PairTable
) -> None:
    raw, fitted = (
        lab.teach(str(folder), "many", workspace=large, calibrate=calibrate, **HOW)
        for calibrate in (False, True)
    )
    test = many.split("test")
    nll = [
        evaluate(test, lab.predictions(r), resamples=20).metrics["nll"].value for r in (raw, fitted)
    ]
    assert nll[1] < nll[0]
    assert "calibrated on 120 labelled validation pairs: T = " in notes(fitted)
    before, after = (log_odds(lab.predictions(r).logits, test.scheme) for r in (raw, fitted))
    assert (np.diff(before[np.argsort(after)]) > -1e-5).all()  # in the same order, to rounding


def test_without_enough_labels_a_calibration_is_refused_before_a_run_is_made(
    folder: Path, home: Workspace
) -> None:
    with pytest.raises(DataError, match="a calibration needs 50 of each"):
        lab.teach(str(folder), "invented", workspace=home, calibrate=True, **HOW)
    with pytest.raises(ConfigError, match="no such folder"):
        lab.teach("./nosuch", "invented", workspace=home, **HOW)
    assert lab.store(home).list() == []


def test_one_logit_gets_its_cuts_between_four_grades_from_the_labels_and_says_so(
    folder: Path, large: Workspace
) -> None:
    run = lab.teach(str(folder), "four", workspace=large, **HOW)
    assert "cut between the grades at" in notes(run)
    predictions = lab.predictions(run)
    assert predictions.is_own("roc_auc")
    assert not predictions.is_own("nll")
    reloaded, _ = lab.answers(run, lab.split_of(run, "test", large), large, "cpu", "fp32")
    assert np.allclose(reloaded.logits, predictions.logits, atol=1e-5)
    assert reloaded.origin == predictions.origin


def test_without_labels_one_logit_is_flagged_as_an_order_alone(
    folder: Path, large: Workspace
) -> None:
    run = lab.teach(str(folder), "bare", workspace=large, **HOW)
    assert "only its order has a meaning" in notes(run)
    predictions = Predictions.load(run.predictions_path("test"))
    assert not predictions.own_grades
    assert "gave one number per pair" in predictions.caveat


def test_a_free_score_in_an_ensemble_is_told_of_in_the_students_run(
    folder: Path, home: Workspace
) -> None:
    own, score = (
        lab.teach(str(folder), "invented", workspace=home, params={"activation": kind}, **HOW)
        for kind in ("sigmoid", "identity")
    )
    bert = replace(BERT, start_from="")
    config = replace(
        distillation(own, epochs=1, student=bert), teacher=f"ensemble:{own.id}+{score.id}"
    )
    student = lab.start(config, home)
    assert f"{score.id}, in the mean of {own.id}+{score.id}, gave one number" in notes(student)
