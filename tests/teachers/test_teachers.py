"""Teachers: the same answers cached or live, row for row, and no gradient."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kdcore.config import ModelConfig
from kdcore.data.answers.regrade import regraded
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.models.build import new_model
from kdcore.models.predict import predict_table
from kdcore.predictions import Predictions
from kdcore.teachers.cached import CachedTeacher
from kdcore.teachers.live import LiveTeacher

CPU = torch.device("cpu")
ROWS = np.array([9, 0, 9, 4])
INSIDE = frozenset({"hidden_states", "attentions"})


@pytest.fixture(scope="module")
def model(pairs4):
    params = {"layers": 2, "hidden": 16, "heads": 2}
    return new_model(ModelConfig(name="bert", params=params), pairs4).eval()


@pytest.fixture(scope="module")
def kept(model, pairs4) -> Predictions:
    return predict_table(model, pairs4, CPU, name="teacher", precision="fp32")


@pytest.fixture
def batch(model, pairs4):
    return model.batch(model.read(pairs4), ROWS)


def test_a_cached_teacher_answers_the_asked_rows_in_order(kept, batch):
    out = CachedTeacher.of(kept, CPU)(ROWS, batch)
    np.testing.assert_array_equal(out.logits.numpy(), kept.logits[ROWS])
    np.testing.assert_array_equal(out.features.numpy(), kept.features[ROWS])


def test_a_teacher_of_double_precision_teaches_in_the_precision_of_the_student(pairs2, batch):
    """Two grades spread over four, whose log-odds rank apart."""
    two = Predictions(np.zeros((16, 2), np.float32), "data", "two")
    spread = regraded(two, BINARY, replace(pairs2, scheme=FOUR_GRADES))
    assert spread.logits.dtype == np.float64
    assert CachedTeacher.of(spread, CPU)(ROWS, batch).logits.dtype == torch.float32


def test_a_live_teacher_answers_as_the_cached_one(model, kept, batch, pairs4):
    live = LiveTeacher(model, model.read(pairs4), CPU, frozenset())
    mine, theirs = live(ROWS, batch), CachedTeacher.of(kept, CPU)(ROWS, batch)
    torch.testing.assert_close(mine.logits, theirs.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(mine.features, theirs.features, rtol=0, atol=1e-5)


def test_a_live_teacher_gives_what_it_was_told_to(model, batch, pairs4):
    out = LiveTeacher(model, model.read(pairs4), CPU, INSIDE)(ROWS, batch)
    assert len(out.hidden_states) == 3
    assert len(out.attentions) == 2
    assert out.mask is not None


def test_no_teacher_answers_with_a_gradient(model, kept, batch, pairs4):
    live = LiveTeacher(model, model.read(pairs4), CPU, INSIDE)
    for teacher in (live, CachedTeacher.of(kept, CPU)):
        out = teacher(ROWS, batch)
        tensors = (out.logits, out.features, *out.hidden_states, *out.attentions)
        assert not any(t.requires_grad for t in tensors)


def test_a_frozen_teacher_does_not_move_after_a_step(model, kept, batch, pairs4):
    for teacher in (
        LiveTeacher(model, model.read(pairs4), CPU, frozenset()),
        CachedTeacher.of(kept, CPU),
    ):
        before = teacher(ROWS, batch).logits
        teacher.after_step(1)
        assert torch.equal(teacher(ROWS, batch).logits, before)


def test_predictions_without_features_give_features_of_no_width(kept, batch):
    bare = Predictions(kept.logits, kept.data_hash, kept.model)
    assert CachedTeacher.of(bare, CPU)(ROWS, batch).features.shape == (4, 0)


def test_predictions_read_from_a_file_can_teach(kept, batch, tmp_path):
    """Arrow gives read-only arrays, which torch takes with a warning: an error here."""
    kept.save(tmp_path / "train.parquet")
    teacher = CachedTeacher.of(Predictions.load(tmp_path / "train.parquet"), CPU)
    np.testing.assert_array_equal(teacher(ROWS, batch).logits.numpy(), kept.logits[ROWS])
