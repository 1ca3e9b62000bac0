import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve

from kdcore.metrics.calibration import best_temperature, bin_of, ece, reliability
from kdcore.metrics.classification import nll
from kdcore.softlabels import soften


def calibrated(pairs=4000, seed=0):
    rng = np.random.default_rng(seed)
    relevance = rng.beta(2, 3, pairs)
    return rng.random(pairs) < relevance, relevance


@pytest.mark.parametrize(("binning", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_bins_equal_scikit_learn(binning, strategy):
    relevant, relevance = calibrated()
    ours = reliability(relevant, relevance, 10, binning)
    frequency, confidence = calibration_curve(relevant, relevance, n_bins=10, strategy=strategy)
    filled = ours.count > 0
    np.testing.assert_allclose(ours.frequency[filled], frequency, atol=1e-9)
    np.testing.assert_allclose(ours.confidence[filled], confidence, atol=1e-9)


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_ece_equals_its_definition(binning):
    relevant, relevance = calibrated(300)
    place = bin_of(relevance, 15, binning)
    expected = sum(
        abs((relevance[place == b] - relevant[place == b]).sum()) for b in range(15)
    ) / len(relevance)
    assert ece(relevant, relevance, 15, binning) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_ece_is_small_for_the_truth_and_large_for_a_boast(binning):
    relevant, relevance = calibrated(20_000)
    assert ece(relevant, relevance, binning=binning) < 0.03
    assert ece(relevant, (relevance > 0.4).astype(float), binning=binning) > 0.2


def test_equal_mass_bins_hold_equal_numbers_and_never_split_equal_values():
    counts = reliability(np.zeros(300, bool), np.linspace(0, 1, 300), 15, "mass").count
    np.testing.assert_array_equal(counts, 20)
    tied = bin_of(np.repeat([0.2, 0.7], 50), 15, "mass")
    assert len(set(tied[:50])) == len(set(tied[50:])) == 1


@pytest.mark.parametrize("pairs", [1, 14, 15, 16, 101])
def test_the_bin_of_a_pair_is_the_share_of_pairs_below_it(pairs):
    relevance = np.random.default_rng(0).random(pairs).round(1)
    below = (relevance[:, None] > relevance).sum(axis=1)
    np.testing.assert_array_equal(bin_of(relevance, 15, "mass"), below * 15 // pairs)


def test_the_ends_of_the_scale_fall_into_the_end_bins():
    np.testing.assert_array_equal(bin_of(np.array([0.0, 1.0, 1.0 + 1e-16]), 15), [0, 14, 14])


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_no_pairs_give_nan(binning):
    nothing = np.array([])
    assert np.isnan(ece(nothing.astype(bool), nothing, binning=binning))
    assert np.isnan(best_temperature(nothing.astype(int), np.zeros((0, 2))))


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_best_temperature_undoes_a_scale_and_minimizes_nll(scale):
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(20_000, 4))
    grades = (soften(honest).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    found = best_temperature(grades, honest * scale)
    assert found == pytest.approx(scale, rel=0.05)
    scipy = minimize_scalar(
        lambda t: nll(grades, honest * scale, t).mean(), bounds=(0.05, 20), options={"xatol": 1e-9}
    )
    assert found == pytest.approx(scipy.x, rel=1e-4)


def test_best_temperature_stops_at_the_ends():
    logits = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert best_temperature(np.array([1, 0]), logits) == 0.05  # always right: the surer the better
    assert best_temperature(np.array([0, 1]), logits) == 100  # always wrong: the flatter the better
