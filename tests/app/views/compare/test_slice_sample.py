"""Above a size slices are looked for in a sample: whole queries, the same ones each time."""

import numpy as np
import pytest

from app.services.selection import slices
from kdcore.analysis.outcomes import read_texts, score_pairs
from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.predictions import Predictions


@pytest.fixture
def pairs():
    queries = [f"red shoe {i // 3}" for i in range(90)]
    grades = np.tile([0, 1, UNLABELLED], 30)
    return PairTable(make_frame(queries, ["Red shoe"] * 90, ["not blue"] * 90, grades), BINARY, "m")


def test_few_pairs_are_all_looked_at(pairs):
    assert not slices.sampled(pairs)
    assert slices._sample(pairs).all()


def test_a_sample_is_of_whole_queries_no_larger_than_allowed_and_the_same_again(pairs, monkeypatch):
    monkeypatch.setattr(slices, "MOST", 20)
    assert slices.sampled(pairs)
    chosen = slices._sample(pairs)
    each = np.bincount(pairs.query_ids, chosen)
    assert set(each) == {0, 3}
    assert (chosen & (pairs.grades != UNLABELLED)).sum() == 20
    np.testing.assert_array_equal(slices._sample(pairs), chosen)


def test_texts_read_before_give_the_same_frame(pairs):
    said = Predictions(np.ones((90, 2), np.float32), pairs.content_hash, "made")
    texts = read_texts(pairs)
    before = texts.copy()
    again = score_pairs(pairs, said, said, texts=texts)
    assert again.equals(score_pairs(pairs, said, said))
    assert texts.equals(before)  # one reading serves several models
