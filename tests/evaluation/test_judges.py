"""A judge's grades against the labels, and against the truth where it is known."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.judges import agreement, agreements
from kdcore.labels import FOUR_GRADES

NAMES = "the judge", "the labels"


def graded_pairs(queries: int = 40, ads: int = 5) -> PairTable:
    query = [f"q{q}" for q in range(queries) for _ in range(ads)]
    title = [f"t{k}" for k in range(len(query))]
    grades = np.random.default_rng(0).integers(0, 4, len(query))
    return PairTable(make_frame(query, title, [""] * len(query), grades), FOUR_GRADES, "made")


def noisy(grades):
    rng = np.random.default_rng(1)
    return np.where(rng.random(len(grades)) < 0.7, grades, rng.integers(0, 4, len(grades)))


def test_agreement_has_the_values_of_scikit_learn_inside_intervals_over_queries():
    pairs = graded_pairs()
    judge = noisy(pairs.grades)
    (found,) = agreements(pairs, judge)
    assert (found.pairs, found.queries) == (200, 40)
    assert found.metrics["accuracy"].value == pytest.approx((judge == pairs.grades).mean())
    expected = cohen_kappa_score(judge, pairs.grades, weights="quadratic")
    assert found.metrics["weighted_kappa"].value == pytest.approx(expected)
    assert all(m.low < m.value < m.high for m in found.metrics.values())
    assert np.sum(found.table) == 200
    assert sum(found.table[k][k] for k in range(4)) == (judge == pairs.grades).sum()


def test_agreement_does_not_depend_on_the_order_of_the_pairs():
    pairs = graded_pairs()
    judge = noisy(pairs.grades)
    order = np.random.default_rng(2).permutation(len(pairs))
    assert agreements(pairs, judge) == agreements(pairs.take(order), judge[order])


def test_pairs_of_one_query_widen_the_interval():
    """The same answers, once all independent and once five equal ones per query."""
    pairs = graded_pairs()
    judge = np.where(np.arange(200) // 5 % 2, pairs.grades, (pairs.grades + 1) % 4)
    spread = agreement(pairs, judge, pairs.grades, NAMES).metrics["accuracy"]
    mixed = np.where(np.arange(200) % 2, pairs.grades, (pairs.grades + 1) % 4)
    even = agreement(pairs, mixed, pairs.grades, NAMES).metrics["accuracy"]
    assert spread.value == even.value == 0.5
    assert spread.high - spread.low > 2 * (even.high - even.low)


def test_where_the_truth_is_known_judge_and_labels_are_compared_with_it():
    pairs = graded_pairs()
    truth = np.full((200, 4), 0.1)
    likeliest = noisy(pairs.grades)
    truth[np.arange(200), likeliest] = 0.7
    frame = pairs.frame.assign(**{f"truth_{k}": truth[:, k] for k in range(4)})
    known = PairTable(frame, FOUR_GRADES, "made")
    labels, true, of_labels = agreements(known, likeliest)
    assert (labels.rater, true.rater, of_labels.rater) == ("the judge", "the judge", "the labels")
    assert true.metrics["accuracy"].value == 1
    assert of_labels.metrics["accuracy"].value == labels.metrics["accuracy"].value < 1


def test_an_unlabelled_pair_is_left_out_of_the_agreement():
    pairs = graded_pairs()
    some = pairs.grades.copy()
    some[::2] = -1
    known = PairTable(pairs.frame.assign(grade=some), FOUR_GRADES, "made")
    assert agreements(known, pairs.grades)[0].pairs == 100
