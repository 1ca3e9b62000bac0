"""The moments of a training: which hold features, and how near each is to the last."""

import numpy as np
import pytest

from kdcore.predictions import Predictions
from kdcore.projection.moments import Moments, moments_of
from kdcore.projection.near import near
from kdcore.projection.spaces import Space
from tests.projection.test_numbers import clusters


def write(folder, step, features):
    folder.mkdir(exist_ok=True)
    logits = np.zeros((30, 2), dtype=np.float32)
    path = folder / f"step-{step:08d}.parquet"
    Predictions(logits, "data", "run", features).save(path, compact=features is not None)


def test_only_moments_with_features_count_in_the_order_of_steps(tmp_path):
    features = clusters(30)
    for step, own in ((0, features), (5, None), (40, features + 1)):
        write(tmp_path, step, own)
    moments = moments_of(tmp_path, "student")
    assert moments is not None
    assert moments.steps == (0, 40)
    assert len(moments.pooled()) == 60


def test_a_replay_of_answers_alone_has_no_moments(tmp_path):
    write(tmp_path, 0, None)
    write(tmp_path, 5, None)
    assert moments_of(tmp_path, "student") is None


def test_the_last_moment_shares_all_an_unrelated_one_little_and_equal_rows_nothing():
    last = clusters(60)
    unrelated = np.random.default_rng(3).normal(size=last.shape).astype(np.float32)
    features = np.stack([np.ones_like(last), unrelated, last])
    shares = Moments((0, 5, 10), features, "data", "student").shared_with_last()
    assert np.isnan(shares[0]).all()
    assert shares[1].mean() < 0.35
    assert (shares[2] == 1).all()


def test_what_a_map_keeps_of_a_moment_is_measured_on_that_moment_alone():
    last = clusters(60)
    flat = clusters(60, width=2, seed=4)
    features = np.stack([np.ones_like(last), last, np.pad(flat, ((0, 0), (0, 4)))])
    places = np.concatenate([flat, flat[::-1], flat * 3])
    nothing, mixed, perfect = Moments((0, 5, 10), features, "data", "student").qualities(places)
    assert nothing is None
    assert mixed is not None
    assert mixed.trustworthiness < 0.8
    assert perfect is not None
    assert (perfect.trustworthiness, perfect.continuity, perfect.n) == (1, 1, 60)


def test_near_is_the_query_where_a_query_s_points_lie_together():
    centers = np.random.default_rng(0).normal(size=(20, 4)) * 9
    query_ids = np.repeat(np.arange(20), 12)
    noise = np.random.default_rng(1).normal(size=(240, 4)) * 0.1
    relevance = np.random.default_rng(2).random(240)
    about = near(Space((centers[query_ids] + noise).astype("f4"), "towers"), query_ids, relevance)
    assert about.same_query > 0.95
    assert about.relevance == pytest.approx(about.relevance_by_chance, abs=0.05)
    line = np.stack([relevance, relevance], axis=1).astype("f4")
    graded = near(Space(line, "teacher"), query_ids, relevance)
    assert graded.relevance < 0.05
    assert graded.same_query < 0.15
    assert graded.dimensions == pytest.approx(1, abs=1e-6)
