"""Models that order hardly better than a coin are told, and good ones are not."""

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.measures import measure
from kdcore.judging.chance import near_chance, sentence_of
from kdcore.labels import BINARY
from kdcore.predictions import Predictions


def found(skill, queries=400, ads=6, seed=0):
    rng = np.random.default_rng(seed)
    n = queries * ads
    grades = rng.integers(0, 2, n)
    margin = skill * (2 * grades - 1) + rng.normal(size=n)
    texts = [f"t{i}" for i in range(n)]
    pairs = PairTable(
        make_frame([f"q{i // ads}" for i in range(n)], texts, [""] * n, grades), BINARY, "made"
    )
    logits = np.column_stack([np.zeros(n), margin]).astype(np.float32)
    return near_chance(pairs, measure(pairs, Predictions(logits, pairs.content_hash, "m")))


def test_no_skill_and_little_skill_are_close_to_chance_and_a_good_model_is_not():
    """ROC-AUC 0.530 of 5,583 pairs is above 0.5 for sure, and still hardly better than a coin."""
    assert [c.name for c in found(0.0)] == ["ROC-AUC", "nDCG@5"]
    little = found(0.05, queries=3000)
    assert little
    assert little[0].low > 0  # above chance, and yet near it
    assert found(1.0) == ()


def test_few_pairs_that_could_be_chance_are_told():
    assert found(0.3, queries=5)
    assert found(0.3, queries=1) == ()  # one query has no interval


def test_the_sentence_has_the_values_beside_those_of_chance():
    said = sentence_of(found(0.0))
    assert said.startswith("The teacher is close to chance on these pairs (ROC-AUC 0.")
    assert ", a coin 0.500; nDCG@5 0." in said
    assert ", a random order 0." in said
    assert sentence_of(()) == ""


@pytest.mark.parametrize("ads", [1])
def test_where_no_query_has_a_choice_order_is_no_matter_of_chance(ads):
    assert all(c.name != "nDCG@5" for c in found(0.0, ads=ads))
