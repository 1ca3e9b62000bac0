"""Scoring: a table or typed texts, always in the order given."""

import numpy as np
import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.errors import DataError
from kdcore.models.build import load_model, new_model
from kdcore.models.predict import predict_table, predict_texts, score
from kdcore.predictions import model_hash
from kdcore.softlabels import soften

CPU = torch.device("cpu")
PARAMS = {"layers": 2, "hidden": 16, "heads": 2}


@pytest.fixture(scope="module", params=["bert", "twinbert_cos"])
def model(request, pairs4):
    return new_model(ModelConfig(name=request.param, params=PARAMS), pairs4).eval()


def test_a_tables_predictions_belong_to_it_row_for_row(model, pairs4):
    made = predict_table(model, pairs4, CPU, name="a-run", precision="fp32", batch_size=5)
    assert made.logits.shape == (16, 4)
    assert made.logits.dtype == np.float32
    assert made.features.shape == (16, 16)
    assert (made.data_hash, made.model) == (pairs4.content_hash, "a-run")
    made.require(pairs4.content_hash, 16)


@pytest.mark.parametrize("size", [1, 3, 16, 1000])
def test_the_batch_size_does_not_change_the_answers(model, pairs4, size):
    some, _ = score(model, model.read(pairs4), CPU, batch_size=size)
    whole, _ = score(model, model.read(pairs4), CPU)
    np.testing.assert_allclose(some, whole, atol=1e-5)


def test_dropout_rests_while_scoring_and_training_goes_on(pairs4):
    params = PARAMS | {"dropout": 0.5}
    model = new_model(ModelConfig(name="bert", params=params), pairs4).train()
    first, _ = score(model, model.read(pairs4), CPU)
    again, _ = score(model, model.read(pairs4), CPU)
    np.testing.assert_array_equal(first, again)
    assert model.training


def test_typed_texts_are_answered_as_the_table_is(model, pairs4):
    frame = pairs4.frame
    rows = list(zip(frame["query"], frame["title"], frame["description"], strict=True))
    typed = predict_texts(model, rows)
    logits = predict_table(model, pairs4, CPU, name="t", precision="fp32").logits
    np.testing.assert_allclose(typed, soften(logits), atol=1e-6)
    np.testing.assert_allclose(typed.sum(1), 1)


def test_temperature_softens_typed_answers(model):
    rows = [("tea pot", "Iron Teapot", "for tea")]
    sharp, flat = (predict_texts(model, rows, t) for t in (1.0, 50.0))
    assert flat.max() - flat.min() < sharp.max() - sharp.min()


@pytest.mark.parametrize("query", ["", " ", "😀", "ж" * 300, "tea\n\tpot\x00", "a " * 2000])
def test_whatever_is_typed_gets_an_answer(model, query):
    answer = predict_texts(model, [(query, "", ""), (query, query, query)])
    assert answer.shape == (2, 4)
    assert np.isfinite(answer).all()


def test_nothing_typed_gets_no_answer(model):
    assert predict_texts(model, []).shape == (0, 4)


def test_a_table_without_pairs_is_refused_in_words(model, pairs4):
    with pytest.raises(DataError, match="no pair to score"):
        predict_table(model, pairs4.take(np.array([], dtype=np.int64)), CPU, name="none")


def test_a_models_hash_follows_its_weights_only(model, tmp_path):
    model.save(tmp_path / "a")
    load_model(tmp_path / "a").save(tmp_path / "b")
    assert model_hash(tmp_path / "a") == model_hash(tmp_path / "b")
    assert len(model_hash(tmp_path / "a")) == 16
    other = load_model(tmp_path / "a")
    with torch.no_grad():
        next(other.parameters()).add_(1e-3)
    other.save(tmp_path / "c")
    assert model_hash(tmp_path / "c") != model_hash(tmp_path / "a")
