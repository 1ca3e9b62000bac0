import numpy as np

from kdcore.retrieval.recall import mean_with_interval, recall


def test_recall_by_hand():
    best = np.array([[0.9, 0.8, 0.7], [0.5, 0.4, 0.3]])
    found = np.array([[4, 7, 1], [2, -1, -1]])
    scores = np.array([[0.9, 0.75, 0.6], [0.5, -np.inf, -np.inf]])
    np.testing.assert_allclose(recall(found, scores, best), [2 / 3, 1 / 3])


def test_an_ad_that_ties_with_the_last_of_the_best_counts():
    best = np.array([[0.9, 0.7]])
    assert recall(np.array([[8, 9]]), np.array([[0.7, 0.7]]), best)[0] == 1


def test_fewer_ads_than_asked_for_can_all_be_found():
    best = np.array([[0.9, 0.7, -np.inf]])
    assert recall(np.array([[0, 1, -1]]), np.array([[0.9, 0.7, -np.inf]]), best)[0] == 1
    nothing = np.full((1, 3), -np.inf)
    assert np.isnan(recall(np.array([[-1, -1, -1]]), nothing, nothing)[0])


def test_the_interval_holds_the_mean_and_stays_within_a_share():
    values = np.random.default_rng(0).choice([0.8, 0.9, 1.0], 60)
    found = mean_with_interval(np.append(values, np.nan))
    assert found.n == 60
    assert 0 <= found.low < found.value < found.high <= 1
    assert np.isclose(found.value, values.mean())
    assert np.isnan(mean_with_interval(np.array([np.nan])).value)
