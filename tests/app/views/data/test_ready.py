"""A ready reranker on the Data page: named, started, explained, and led on to a student."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from app import services
from app.services import scoring
from kdcore import lab as engine
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.models.tokens.wordpiece import WordPiece
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.visitor import button, choices, press, texts, visit

QUERIES = [f"thing {q}" for q in range(20) for _ in range(6)]
SPLITS = [("train", "validation", "test")[q % 3] for q in range(20) for _ in range(6)]
TITLES = [f"offer {a} for {q}" for q in range(20) for a in range(6)]


@pytest.fixture
def world(lab: Path, monkeypatch: pytest.MonkeyPatch) -> PairTable:
    """A demo of 120 pairs in three splits; what a page starts is done in this process."""
    grades = np.random.default_rng(0).integers(0, 2, len(QUERIES))
    frame = make_frame(QUERIES, TITLES, [""] * len(QUERIES), grades, SPLITS)
    pairs = PairTable(frame, BINARY, "world", "Invented.")
    pairs.save(lab / "demo" / "data" / "world")
    monkeypatch.setattr(scoring.processes, "start", lambda run: carried_out(run))
    services.sources.clear()
    return pairs


def carried_out(run) -> int:
    try:
        engine.execute(run)
    except engine.RunError:
        raise
    except Exception:  # the run's own record tells why
        return 1
    return 0


@pytest.fixture
def reranker(tmp_path: Path) -> Path:
    """A random reranker of one logit."""
    place = tmp_path / "my-reranker"
    units = WordPiece.train([*QUERIES, *TITLES], 120)
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    more = {"intermediate_size": 24, "max_position_embeddings": 40, "num_labels": 1}
    config = BertConfig(vocab_size=len(units), **shape, **more)
    BertForSequenceClassification(config).save_pretrained(place)
    units.save(place)
    return place


def started(place: str):
    at = visit("data", dtab="score")
    at.text_input(key="data_ready_place").set_value(place).run()
    at.text_input(key="data_ready_ad_text").set_value("{description} / {title}").run()
    return press(at, "data_ready_start")


def test_a_ready_reranker_scores_says_what_it_is_and_leads_to_distill(
    world: PairTable, reranker: Path, lab: Path
) -> None:
    at = started(str(reranker))
    assert not at.exception
    (run,) = RunStore(Workspace(lab / "home").runs).list()
    assert (run.stage, run.status().state) == ("teach", "finished")
    said = texts(at)
    assert "my-reranker · its own head" in said
    assert "reads its one logit as the log-odds of" in said
    assert "not calibrated" in said
    assert "'{query}' and '{description} / {title}'" in said
    button(at, "data_ready_distill")  # raises StopIteration where it is missing


def test_distill_opens_with_ranking_for_a_free_score_and_refuses_response(
    world: PairTable, reranker: Path, lab: Path
) -> None:
    how = {"workspace": Workspace(lab / "home"), "device": "cpu"}
    run = engine.teach(
        str(reranker),
        str(lab / "demo" / "data" / "world"),
        params={"activation": "identity"},
        **how,
    )
    at = visit("distill", teacher=run.id)
    assert not at.exception
    assert choices(at).distill.settings == "method.name=ranking"
    assert "gives a free score. Response reads a probability of each grade" in texts(at)
    assert "better than chance on these pairs (ROC-AUC 0." in texts(at)
    at = visit("distill", settings=f"teacher={run.id}")
    assert button(at, "distill_start").disabled
    press(at, "Use Ranking")
    assert "method.name=ranking" in choices(at).distill.settings
    assert not button(at, "distill_start").disabled


def test_a_folder_that_is_not_there_or_does_not_fit_is_a_sentence(
    world: PairTable, reranker: Path, lab: Path
) -> None:
    assert "Name the folder of a model, or its hub id." in texts(started(""))
    at = started("./nosuch")
    assert "there is no such folder: ./nosuch" in texts(at)
    assert RunStore(Workspace(lab / "home").runs).list() == []
    (reranker / "model.safetensors").rename(reranker / "pytorch_model.bin")
    assert "a pickle, which may run any code" in texts(started(str(reranker)))
    (reranker / "pytorch_model.bin").rename(reranker / "model.safetensors")
    modules = [{"type": "x.models.Transformer", "path": ""}, {"type": "x.models.Pooling"}]
    (reranker / "modules.json").write_text(json.dumps(modules))
    assert "makes a vector of each text" in texts(started(str(reranker)))
    (reranker / "modules.json").unlink()
    (reranker / "tokenizer.json").unlink()
    at = started(str(reranker))
    assert "it has no tokenizer.json" in texts(at)
    assert RunStore(Workspace(lab / "home").runs).list() == []
    (box,) = [b for b in at.checkbox if str(b.key).startswith("data_ready_calibrate")]
    assert box.disabled
    assert "needs 50 relevant and 50 other labelled validation pairs; the data have" in box.label


def test_a_public_showing_starts_no_ready_model(
    world: PairTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = visit("data", dtab="score")
    assert at.text_input(key="data_ready_place").disabled
    assert button(at, "data_ready_start").disabled
