"""Calibration before and after T: no pair is judged by a temperature that has seen it."""

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.measures import measure
from kdcore.evaluation.recalibration import before_after
from kdcore.labels import BINARY
from kdcore.metrics.calibration import ece
from kdcore.predictions import Predictions

QUERIES, ADS = 150, 10


@pytest.fixture(scope="module")
def margins():
    return np.random.default_rng(0).normal(0, 2, QUERIES * ADS)


@pytest.fixture(scope="module")
def pairs(margins):
    drawn = np.random.default_rng(1).uniform(size=len(margins)) < 1 / (1 + np.exp(-margins))
    query = np.repeat([f"q{i}" for i in range(QUERIES)], ADS)
    n = len(margins)
    return PairTable(make_frame(query, ["t"] * n, [""] * n, drawn.astype(int)), BINARY, "toy")


def logits(margins, temperature):
    return np.column_stack([np.zeros(len(margins)), margins * temperature])


def test_a_model_three_times_too_sure_gets_its_temperature_back(pairs, margins):
    found = before_after(pairs, logits(margins, 3.0))
    assert found.temperature == pytest.approx(3, rel=0.15)
    assert found.halves == pytest.approx((3, 3), rel=0.25)
    assert found.high < 0
    assert found.after.ece < found.before.low


def test_a_calibrated_model_gains_nothing_that_is_certain(pairs, margins):
    found = before_after(pairs, logits(margins, 1.0))
    assert found.temperature == pytest.approx(1, rel=0.15)
    assert found.low < 0 < found.high


def test_before_is_the_ece_of_the_lab_and_lies_near_its_interval(pairs, margins):
    found = before_after(pairs, logits(margins, 3.0)).before
    p = 1 / (1 + np.exp(-3 * margins))
    assert found.bins.ece == pytest.approx(ece(pairs.relevant, p))
    one = Predictions(logits(margins, 3.0), pairs.content_hash, "model")
    assert found.ece == pytest.approx(measure(pairs, one).value_of("ece_width")[0], abs=1e-6)
    assert found.low < found.ece < found.high
    assert (found.n, found.queries) == (QUERIES * ADS, QUERIES)


def test_an_ece_lies_inside_its_own_interval_even_for_a_calibrated_model():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        margins = rng.normal(0, 2, QUERIES * ADS)
        drawn = rng.uniform(size=len(margins)) < 1 / (1 + np.exp(-margins))
        query = np.repeat([f"q{i}" for i in range(QUERIES)], ADS)
        texts = [""] * len(margins)
        made = PairTable(make_frame(query, texts, texts, drawn.astype(int)), BINARY, "toy")
        found = before_after(made, logits(margins, 1.0), resamples=200)
        assert found.before.low <= found.before.ece <= found.before.high
        assert found.after.low <= found.after.ece <= found.after.high
        assert found.low <= found.change <= found.high


def test_a_pair_is_never_judged_by_a_temperature_fitted_on_its_query(pairs, margins):
    """Turning one half's labels upside down changes the other half's temperature, not its own."""
    plain = before_after(pairs, logits(margins, 3.0)).halves
    half = np.random.default_rng(0).permutation(QUERIES)
    half = half[pairs.query_tiebreaks[pairs.query_ids]] % 2
    turned = pairs.frame.assign(grade=np.where(half == 0, 1 - pairs.grades, pairs.grades))
    found = before_after(PairTable(turned, BINARY, "toy"), logits(margins, 3.0)).halves
    assert found[0] == plain[0]
    assert found[1] != plain[1]


def test_without_labels_there_is_nothing_to_calibrate(pairs, margins):
    unlabelled = pairs.frame.assign(grade=-1)
    assert before_after(PairTable(unlabelled, BINARY, "toy"), logits(margins, 1.0)) is None
