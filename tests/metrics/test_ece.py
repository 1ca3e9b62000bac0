"""ECE without what chance adds: right where nothing is wrong, and intervals that hold the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.labels import BINARY
from kdcore.metrics.calibration import ece
from kdcore.metrics.ece import SHORTFALL, bin_sums, corrected, shortfall, standard_errors
from kdcore.predictions import Predictions

SHARPER = {1.0: 0.0, 1.25: 0.0337, 2.0: 0.1015}  # logits times this: true ECE over 15 equal bins


def drawn(rng, queries, cluster=0.0):
    """Margins of honest logits with their labels; cluster: what the ads of a query share."""
    query = np.repeat(np.arange(queries), rng.integers(3, 9, queries))
    shared = rng.normal(0, cluster, queries)[query]
    margins = shared + rng.normal(0, np.sqrt(1.5**2 - cluster**2), len(query))
    return query, margins, rng.random(len(query)) < 1 / (1 + np.exp(-margins))


def table(query, labels):
    n = len(query)
    texts = [f"t{i}" for i in range(n)]
    frame = make_frame([f"q{i}" for i in query], texts, [""] * n, labels.astype(int), "test")
    return PairTable(frame, BINARY, "made")


def answers(pairs, margins):
    logits = np.column_stack([np.zeros_like(margins), margins])
    return Predictions(logits.astype(np.float32), pairs.content_hash, "model")


def test_the_truths_of_these_tests_are_those_of_a_huge_sample():
    _, margins, labels = drawn(np.random.default_rng(0), 200_000)
    for factor, truth in SHARPER.items():
        assert ece(labels, 1 / (1 + np.exp(-factor * margins))) == pytest.approx(truth, abs=1.5e-3)


def test_the_correction_is_right_by_hand():
    gaps, errors = np.array([[0.35, 0.05, -0.2, 0.0]]), np.array([0.1, 0.1, 0.1, 0.0])
    assert corrected(gaps, errors)[0] == pytest.approx(0.35 + (0.025 - 0.1) + 0.2)
    assert shortfall(gaps[0], errors) == pytest.approx(SHORTFALL * 0.2)  # 0.35 is clear of 0


@pytest.mark.parametrize("truth", [0.0, 0.5, 0.8, 1.2, 2.0, 4.0])
def test_a_corrected_gap_is_never_too_large_on_average_nor_short_by_more_than_is_said(truth):
    seen = truth + np.random.default_rng(1).normal(size=400_000)
    mean = corrected(seen[:, None], np.ones(1)).mean()
    assert truth - SHORTFALL - 0.01 <= mean <= truth + 0.01
    if truth in (0.0, 4.0):
        assert mean == pytest.approx(truth, abs=0.01)


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.sampled_from(["width", "mass"]))
@settings(max_examples=40, deadline=None)
def test_the_corrected_error_is_at_most_the_plain_one(queries, seed, binning):
    rng = np.random.default_rng(seed)
    query, margins, labels = drawn(rng, queries)
    relevance = 1 / (1 + np.exp(-1.7 * margins))
    gaps, chance = bin_sums(labels, relevance, query, queries, binning)
    errors = standard_errors(gaps, np.bincount(query, minlength=queries).astype(float), chance)
    found = corrected(gaps.sum(axis=0)[None] / len(query), errors)[0]
    assert found <= ece(labels, relevance, binning=binning) + 1e-12
    assert (errors >= np.sqrt(chance) / len(query) - 1e-15).all()


def test_standard_errors_are_what_another_sample_would_show():
    rng, gaps_of, errors_of = np.random.default_rng(2), [], []
    for _ in range(300):
        query, margins, labels = drawn(rng, 200, cluster=1.0)
        relevance = 1 / (1 + np.exp(-1.6 * margins))
        gaps, chance = bin_sums(labels, relevance, query, 200)
        pairs = np.bincount(query, minlength=200).astype(float)
        gaps_of.append(gaps.sum(axis=0) / len(query))
        errors_of.append(standard_errors(gaps, pairs, chance))
    np.testing.assert_allclose(np.mean(errors_of, axis=0), np.std(gaps_of, axis=0), rtol=0.25)


@pytest.mark.parametrize("queries", [8, 20, 50, 200])
def test_intervals_hold_the_true_error_and_the_true_difference(queries):
    """By the plain estimate, 0.00 to 0.01 of them did for a calibrated model."""
    rng = np.random.default_rng([7, queries])
    alone, against = [], []
    for seed in range(40):
        query, margins, labels = drawn(rng, queries, cluster=0.5 * (seed % 2))
        pairs = table(query, labels)
        models = {f: answers(pairs, f * margins) for f in SHARPER}
        for factor, truth in SHARPER.items():
            found = evaluate(pairs, models[factor], resamples=200, seed=seed).metrics["ece_width"]
            alone.append(found.low <= truth <= found.high)
        off = compare(
            pairs, models[1.0], models[2.0], resamples=200, permutations=20, area_permutations=5
        ).differences["ece_width"]
        against.append(off.low <= -SHARPER[2.0] <= off.high)
        assert off.low <= off.delta <= off.high
    assert np.mean(alone) >= 0.95
    assert np.mean(against) >= 0.925


def test_equal_answers_have_no_difference_however_few_the_queries():
    query, margins, labels = drawn(np.random.default_rng(5), 8)
    pairs = table(query, labels)
    model = answers(pairs, margins)
    found = compare(pairs, model, model, resamples=50, permutations=20, area_permutations=5)
    for key, each in found.differences.items():
        assert (each.low, each.delta, each.high) == (0, 0, 0), key
    assert any("Few queries: 8" in note for note in found.notes)
