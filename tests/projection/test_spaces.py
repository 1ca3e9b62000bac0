import numpy as np
import pytest

from kdcore.errors import DataError
from kdcore.projection.maps import draw
from kdcore.projection.spaces import Space, sample


def space(features, title="the teacher"):
    return Space(np.asarray(features, dtype=np.float32), title)


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (np.ones((2, 4)), "has 2 points"),
        (np.ones((5, 0)), "stored no features"),
        ([[1, 2], [np.nan, 1], [3, 1], [1, 1]], "1 of 4 points"),
        (np.ones((5, 4)), "all 5 points of the teacher are equal"),
        (np.ones(5), "need \\(points, width\\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(features, sentence):
    with pytest.raises(DataError, match=sentence):
        space(features)


def test_two_spaces_must_have_the_same_points():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="same pairs"):
        draw(space(rng.random((9, 2))), space(rng.random((8, 2))))


def test_a_sample_is_seeded_and_never_the_first_points():
    rows = sample(1000, 100)
    assert rows.tolist() == sample(1000, 100).tolist() == sorted(set(rows.tolist()))
    assert rows.max() > 900
    assert sample(50, 100).tolist() == list(range(50))


def test_the_hash_changes_with_one_feature():
    features = np.random.default_rng(0).random((9, 2))
    before = space(features).content_hash
    features[4, 1] += 1
    assert space(features).content_hash != before
