import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax
from scipy.stats import entropy as scipy_entropy

from kdcore.errors import ConfigError, DataError
from kdcore.softlabels import SoftLabelStore, entropy, kl, log_soften, soften

TEACHER, STUDENT = np.array([4.0, 1.0, -2.0]), np.array([2.0, 1.5, -1.0])
GOLDEN = {1: (0.32830, 0.3283), 2: (0.17502, 0.7001), 5: (0.03638, 0.9094), 20: (0.00223, 0.8929)}
LOGITS = arrays(np.float64, (4, 5), elements=st.floats(-1e4, 1e4, width=32))


@pytest.mark.parametrize("temperature", GOLDEN)
def test_divergence_has_the_golden_value_of_the_fact_sheet(temperature):
    divergence = kl(TEACHER, STUDENT, temperature)
    assert divergence == pytest.approx(GOLDEN[temperature][0], abs=6e-6)
    assert temperature**2 * divergence == pytest.approx(GOLDEN[temperature][1], abs=6e-5)


def test_scaled_divergence_tends_to_squared_error_of_centered_logits():
    centered = (STUDENT - STUDENT.mean()) - (TEACHER - TEACHER.mean())
    assert 1e4**2 * kl(TEACHER, STUDENT, 1e4) == pytest.approx((centered**2).sum() / 6, abs=1e-3)


@given(logits=LOGITS, temperature=st.floats(0.05, 100))
def test_soft_labels_equal_scipy_at_any_size_of_logit(logits, temperature):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = soften(logits, temperature)
    np.testing.assert_allclose(ours, softmax(logits / temperature, axis=1), atol=1e-12)
    np.testing.assert_allclose(
        log_soften(logits, temperature), log_softmax(logits / temperature, axis=1), atol=1e-9
    )


@given(logits=LOGITS, other=LOGITS, temperature=st.floats(0.05, 100))
def test_divergence_is_finite_never_negative_and_zero_to_itself(logits, other, temperature):
    divergence = kl(logits, other, temperature)
    assert np.isfinite(divergence).all()
    assert (divergence >= 0).all()
    assert kl(logits, logits + 3, temperature) == pytest.approx(0, abs=1e-9)


def test_entropy_is_in_bits():
    logits = np.array([[0.0, 0, 0, 0], [1e4, 0, 0, 0], [1.0, 2, 3, 4]])
    expected = [2, 0, scipy_entropy(softmax(logits[2]), base=2)]
    np.testing.assert_allclose(entropy(logits), expected, atol=1e-12)


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_an_impossible_temperature_is_refused(temperature):
    with pytest.raises(ConfigError, match="temperature"):
        soften(TEACHER, temperature)


def logits_of(rows=50, classes=40, seed=0, spread=3.0):
    return np.random.default_rng(seed).normal(size=(rows, classes)) * spread


def test_store_keeps_the_largest_and_drops_the_rest_to_zero():
    logits = logits_of()
    rebuilt = SoftLabelStore.keep(logits, 5).rebuild(2.0)
    kept = np.argsort(-logits, axis=1)[:, :5]
    expected = np.zeros_like(logits)
    top = np.take_along_axis(logits, kept, axis=1)
    np.put_along_axis(expected, kept, softmax(top / 2, axis=1), axis=1)
    np.testing.assert_allclose(rebuilt, expected, atol=2e-3)
    assert ((rebuilt > 0).sum(axis=1) == 5).all()


def test_store_survives_logits_beyond_half_precision():
    logits = np.array([[1e6, 1e6 - 1.0, 0.0, -1e6]])
    store = SoftLabelStore.keep(logits, 4, keep_rest=True)
    np.testing.assert_allclose(store.rebuild(), soften(logits), atol=1e-3)


def test_spread_mass_is_right_in_sum_at_temperature_one():
    logits = logits_of(spread=1.0)
    store = SoftLabelStore.keep(logits, 5, keep_rest=True)
    rebuilt = store.rebuild(1.0, rest="uniform")
    dropped = 1 - np.take_along_axis(rebuilt, store.indices.astype(int), axis=1).sum(axis=1)
    true = np.take_along_axis(soften(logits), store.indices.astype(int), axis=1).sum(axis=1)
    np.testing.assert_allclose(dropped, 1 - true, atol=1e-3)
    np.testing.assert_allclose(rebuilt.sum(axis=1), 1)


def test_spreading_a_mass_that_was_not_stored_is_refused():
    with pytest.raises(ConfigError, match="keep_rest"):
        SoftLabelStore.keep(logits_of(), 5).rebuild(rest="uniform")


def test_keeping_every_logit_loses_rounding_only():
    logits = logits_of(classes=4)
    report = SoftLabelStore.keep(logits, 4).report(logits, 1.0)
    assert report.kept_mass == pytest.approx(1)
    assert report.kl_full_rebuilt < 1e-5


def test_report_says_what_was_lost():
    logits = logits_of()
    store = SoftLabelStore.keep(logits, 10, keep_rest=True)
    zero, even = store.report(logits, 1.0), store.report(logits, 1.0, rest="uniform")
    assert zero.kl_full_rebuilt == np.inf
    mass = np.take_along_axis(soften(logits), store.indices.astype(int), axis=1).sum(axis=1)
    assert zero.kept_mass == pytest.approx(mass.mean())
    assert zero.least_kept_mass == pytest.approx(mass.min())
    assert zero.kl_rebuilt_full == pytest.approx(-np.log(mass).mean(), abs=1e-3)
    assert 0 < even.kl_full_rebuilt < 0.2


def test_twenty_logits_of_a_vocabulary_take_120_bytes_a_row():
    store = SoftLabelStore.keep(logits_of(rows=2, classes=30_522), 20)
    report = store.report(logits_of(rows=2, classes=30_522))
    assert report.bytes_per_row == 120
    assert report.full_bytes_per_row == 61_044
    assert SoftLabelStore.keep(logits_of(rows=2), 20, keep_rest=True).bytes_per_row == 122


@pytest.mark.parametrize("keep_rest", [False, True])
def test_a_saved_store_comes_back_equal(tmp_path, keep_rest):
    store = SoftLabelStore.keep(logits_of(), 5, keep_rest=keep_rest)
    store.save(tmp_path / "new" / "soft.safetensors")
    again = SoftLabelStore.load(tmp_path / "new" / "soft.safetensors")
    np.testing.assert_array_equal(again.rebuild(3.0), store.rebuild(3.0))
    assert again.classes == 40
    assert (again.rest is None) == (not keep_rest)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "soft.safetensors").write_bytes(b"not a tensor in sight")
    with pytest.raises(DataError, match="store them again"):
        SoftLabelStore.load(tmp_path / "soft.safetensors")
    with pytest.raises(DataError, match="store them again"):
        SoftLabelStore.load(tmp_path / "missing.safetensors")


def test_indices_outside_the_classes_are_refused():
    with pytest.raises(DataError, match=r"outside 0\.\.3"):
        SoftLabelStore(np.array([[7]], np.int32), np.zeros((1, 1), np.float16), classes=4)


@pytest.mark.parametrize("k", [0, 41])
def test_a_k_that_does_not_fit_is_refused(k):
    with pytest.raises(ConfigError, match=r"1\.\.40"):
        SoftLabelStore.keep(logits_of(), k)
