import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from kdcore.retrieval.funnel import Candidates, Cuts, ceiling, ndcg_of, steps


@pytest.fixture
def one() -> Candidates:
    """Four candidates; ANN's order is worst, the student's better, the teacher's perfect."""
    return Candidates(
        ids=np.array([10, 11, 12, 13]),
        student=np.array([0.1, 0.9, 0.5, 0.8]),
        teacher=np.array([0.0, 1.0, 3.0, 2.0]),
        gains=np.array([0.0, 1.0, 7.0, 3.0]),
        best=np.array([7.0, 7.0, 3.0]),
    )


def test_each_step_by_hand(one):
    ann, student, teacher = steps([one], Cuts(candidates=4, reordered=3), depth=3, ads=1000)
    discounts = 1 / np.log2([2, 3, 4])
    ideal = np.dot([7, 7, 3], discounts)
    assert ann.ndcg[0] == pytest.approx(np.dot([0, 1, 7], discounts) / ideal)
    assert student.ndcg[0] == pytest.approx(np.dot([1, 3, 7], discounts) / ideal)
    assert teacher.ndcg[0] == pytest.approx(np.dot([7, 3, 1], discounts) / ideal)
    assert (ann.ads, student.ads, teacher.ads) == (1000, 4, 3)


def test_what_the_teacher_does_not_see_stays_in_the_students_order_below(one):
    shown = Cuts(candidates=4, reordered=2).shown(one)
    assert one.ids[shown].tolist() == [13, 11, 12, 10]


def test_an_ad_that_ann_did_not_find_cannot_come_back(one):
    *_, teacher = steps([one], Cuts(candidates=2, reordered=2), depth=3, ads=1000)
    assert teacher.ndcg[0] == pytest.approx(ndcg_of(np.array([1.0, 0.0]), one.best, 3))


def test_ndcg_agrees_with_a_reference_library_where_all_ads_are_shown():
    rng = np.random.default_rng(0)
    gains, scores = rng.integers(0, 8, 12).astype(float), rng.random(12)
    shown = gains[np.argsort(-scores)]
    ours = ndcg_of(shown, np.sort(gains)[::-1], 5)
    assert ours == pytest.approx(ndcg_score([gains], [scores], k=5))


def test_the_ceiling_rises_to_one_and_is_what_sorting_the_first_ads_gives():
    gains = np.random.default_rng(1).random(50)
    best = np.sort(gains)[::-1]
    curve = ceiling(gains, best, 10)
    assert (np.diff(curve) >= -1e-12).all()
    assert curve[-1] == pytest.approx(1)
    assert curve[19] == pytest.approx(ndcg_of(np.sort(gains[:20])[::-1], best, 10))


def test_a_query_for_which_no_ad_is_worth_anything_has_no_ndcg():
    assert np.isnan(ndcg_of(np.zeros(5), np.zeros(5), 3))
    assert np.isnan(ceiling(np.zeros(4), np.zeros(4), 3)).all()
