"""Maps and their numbers against scikit-learn, and by properties."""

import numpy as np
import pytest
from scipy.spatial import procrustes
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from kdcore.projection import neighbors
from kdcore.projection.layout import onto, turned
from kdcore.projection.neighbors import nearest, smallest
from kdcore.projection.pca import pca_map
from kdcore.projection.quality import map_quality, overlap, overlap_interval, shared_geometry
from kdcore.projection.spaces import Space


def clusters(points=300, width=6, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(5, width)) * 4
    return (centers[rng.integers(0, 5, points)] + rng.normal(size=(points, width))).astype("f4")


@pytest.fixture(scope="module")
def space():
    return Space(clusters(), "teacher")


@pytest.mark.parametrize("points", [300, 3000])
def test_neighbors_and_distances_are_those_of_scikit_learn(points):
    space = Space(clusters(points), "teacher")
    ids, distances = nearest(space, 10)
    search = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(space.features.astype(float))
    expected_distances, expected = search.kneighbors()
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-6)


def test_blocks_and_many_points_give_the_same_neighbors(space, monkeypatch):
    whole = nearest(space, 10)[0]
    monkeypatch.setattr(neighbors, "_BLOCK", 5000)
    np.testing.assert_array_equal(nearest(space, 10)[0], whole)
    monkeypatch.setattr(neighbors, "EXACT_UP_TO", 10)
    assert (nearest(space, 10)[0] == whole).mean() > 0.99


def test_neighbors_of_some_points_are_those_among_all(space):
    of = np.array([250, 3, 77])
    whole, some = nearest(space, 10), nearest(space, 10, of)
    np.testing.assert_array_equal(some[0], whole[0][of])
    np.testing.assert_array_equal(some[1], whole[1][of])


def test_the_interval_of_an_overlap_is_wider_where_points_of_a_query_agree():
    rng = np.random.default_rng(0)
    shared = np.repeat(rng.integers(0, 11, 60) / 10, 5)
    apart = overlap_interval(shared, np.arange(300))
    together = overlap_interval(shared, np.repeat(np.arange(60), 5))
    assert apart[0] < shared.mean() < apart[1]
    assert together[1] - together[0] > 1.8 * (apart[1] - apart[0])
    shared[:5] = np.nan  # a query that was not measured counts in no draw
    assert overlap_interval(shared, np.repeat(np.arange(60), 5))[0] > 0
    assert np.isnan(overlap_interval(shared, np.zeros(300, dtype=int))).all()


def test_the_interval_of_an_overlap_stays_within_0_and_100_percent():
    shared = np.ones(40, dtype=np.float32)
    shared[0] = 0.9
    low, high = overlap_interval(shared, np.arange(40))
    assert low < shared.mean() <= high <= 1
    assert overlap_interval(1 - shared, np.arange(40))[0] >= 0


def test_the_smallest_of_a_row_are_those_of_a_sort_with_many_equal_and_with_no_numbers():
    values = np.random.default_rng(0).random((40, 3000), dtype=np.float32)
    values[:10] = values[:10].round(2)
    values[10], values[11], values[12, :5], values[13, 20:] = 0, np.nan, np.nan, np.inf
    ids = smallest(values, 20)
    assert (np.diff(np.sort(ids, axis=1), axis=1) > 0).all()  # each place once
    found = np.sort(np.take_along_axis(values, ids, axis=1), axis=1)
    np.testing.assert_array_equal(found, np.sort(values, axis=1)[:, :20])


def test_no_point_is_its_own_neighbor_even_among_equal_points():
    features = np.repeat(clusters(10), 8, axis=0)
    ids, distances = nearest(Space(features, "student"), 5)
    assert (ids != np.arange(80)[:, None]).all()
    assert (distances == 0).all()


def test_few_points_have_as_many_neighbors_as_there_are():
    assert nearest(Space(clusters(4), "student"), 15)[0].shape == (4, 3)


def test_pca_is_that_of_scikit_learn_up_to_signs_and_repeats(space):
    places, shares = pca_map(space)
    fitted = PCA(n_components=2, svd_solver="full").fit(space.features.astype(float))
    np.testing.assert_allclose(shares, fitted.explained_variance_ratio_, rtol=1e-6)
    expected = fitted.transform(space.features.astype(float))
    np.testing.assert_allclose(np.abs(places), np.abs(expected), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(places, pca_map(space)[0])


def test_one_feature_gives_a_line():
    places, shares = pca_map(Space(np.arange(6, dtype=np.float32)[:, None], "student"))
    assert (places[:, 1] == 0).all()
    assert shares.tolist() == [1, 0]


def test_quality_is_that_of_scikit_learn(space):
    places = pca_map(space)[0]
    quality = map_quality(space, places)
    features, drawn = space.features.astype(float), places.astype(float)
    assert quality.trustworthiness == pytest.approx(
        trustworthiness(features, drawn, n_neighbors=10), abs=1e-9
    )
    assert quality.continuity == pytest.approx(
        trustworthiness(drawn, features, n_neighbors=10), abs=1e-9
    )
    assert (quality.n, quality.k) == (300, 10)


def test_a_perfect_map_keeps_everything():
    flat = Space(clusters(width=2), "student")
    quality = map_quality(flat, flat.features)
    assert (quality.trustworthiness, quality.continuity) == (1, 1)


def test_the_overlap_by_hand():
    one, other = np.array([[1, 2, 3], [0, 2, 3]]), np.array([[3, 1, 9], [7, 8, 9]])
    np.testing.assert_allclose(overlap(one, other, 3), [2 / 3, 0])
    np.testing.assert_allclose(overlap(one, other, 2), [1 / 2, 0])


def test_a_rotated_and_scaled_space_shares_all_and_an_unrelated_one_nothing(space):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    turned = Space((space.features @ turn * 3).astype(np.float32), "student")
    graph = nearest(space, 10)[0]
    same = shared_geometry(space, turned, overlap(graph, nearest(turned, 10)[0]))
    assert same.overlap > 0.99
    assert same.cka == pytest.approx(1, abs=1e-5)
    assert same.comparable
    other = Space(np.random.default_rng(2).normal(size=(300, 6)).astype(np.float32), "student")
    unlike = shared_geometry(space, other, overlap(graph, nearest(other, 10)[0]))
    assert unlike.overlap == pytest.approx(unlike.chance, abs=0.03)
    assert not unlike.comparable


def test_an_unrelated_map_is_turned_to_the_spread_of_the_first_and_an_equal_one_onto_it(space):
    first = pca_map(space)[0]
    turn = np.array([[0, -1], [1, 0]]) * 2.5
    np.testing.assert_allclose(turned(first @ turn + 7, first), first, atol=1e-4)
    unrelated = np.random.default_rng(0).normal(size=first.shape).astype(np.float32) * 99
    spread = np.linalg.norm(first - first.mean(axis=0))
    moved = turned(unrelated, first)
    assert np.linalg.norm(moved - moved.mean(axis=0)) == pytest.approx(spread, rel=1e-5)


def test_a_map_is_laid_onto_the_first_as_procrustes_does(space):
    first = pca_map(space)[0]
    turn = np.array([[0, -1], [1, 0]]) * 2.5
    moved = (first @ turn + 7).astype(np.float32)
    np.testing.assert_allclose(onto(moved, first), first, atol=1e-4)
    noisy = (moved + np.random.default_rng(0).normal(size=moved.shape)).astype(np.float32)
    _, _, expected = procrustes(first.astype(float), noisy.astype(float))
    centered = first - first.mean(axis=0)
    residual = ((onto(noisy, first) - first) ** 2).sum() / (centered**2).sum()
    assert residual == pytest.approx(expected, rel=1e-4)
