"""CKA and RSA by their definitions, and what they are blind to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from kdcore.metrics.similarity import linear_cka, rsa

RNG = np.random.default_rng(0)
A = RNG.normal(size=(40, 6))
B = A[:, :3] + 0.5 * RNG.normal(size=(40, 3))
ROTATION = np.linalg.qr(RNG.normal(size=(6, 6)))[0]


def hsic_cka(a, b):
    """The same through the (pairs, pairs) kernels: HSIC(K, L) / √(HSIC(K, K) HSIC(L, L))."""
    center = np.eye(len(a)) - 1 / len(a)
    k, m = center @ a @ a.T @ center, center @ b @ b.T @ center
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_cka_is_the_normalized_alignment_of_centered_kernels(seed, pairs):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(pairs, 4)) + 3, rng.normal(size=(pairs, 7))
    assert linear_cka(a, b) == pytest.approx(hsic_cka(a, b))


def test_rsa_is_spearmans_rho_of_correlation_distances():
    expected = spearmanr(pdist(A, "correlation"), pdist(B, "correlation")).statistic
    assert rsa(A, B) == pytest.approx(expected)


@pytest.mark.parametrize("measure", [linear_cka, rsa])
def test_a_model_is_like_itself_whatever_the_scale(measure):
    assert measure(A, 7 * A) == pytest.approx(1)
    assert measure(A, B) == pytest.approx(measure(B, A))
    order = RNG.permutation(40)
    assert measure(A[order], B[order]) == pytest.approx(measure(A, B))
    assert measure(A[order], B) < measure(A, B) - 0.2  # pairs must be the same on both sides


def test_cka_is_blind_to_rotation_and_shift_but_not_to_any_map():
    assert linear_cka(A @ ROTATION + 9, A) == pytest.approx(1)
    assert linear_cka(A * [9, 1, 1, 1, 1, 1], A) < 0.9


@pytest.mark.parametrize("measure", [linear_cka, rsa])
def test_what_cannot_be_compared_is_nan(measure):
    assert np.isnan(measure(np.ones((5, 3)), A[:5]))
    assert np.isnan(measure(A[:1], B[:1]))
    assert np.isnan(measure(A[:0], B[:0]))
