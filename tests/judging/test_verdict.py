"""What is said of a student against its twin, on made answers whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.gap import gap_recovered
from kdcore.judging.verdict import NO_TWIN, judge
from kdcore.labels import BINARY
from kdcore.predictions import Predictions


def table(queries: int = 60, ads: int = 5, seed: int = 0, unjudged: bool = False) -> PairTable:
    draw = np.random.default_rng(seed)
    query = [f"thing {q}" for q in range(queries) for _ in range(ads)]
    grades = draw.integers(0, 2, len(query))
    if unjudged:
        grades[:] = -1
    title = [f"offer {n}" for n in range(len(query))]
    return PairTable(make_frame(query, title, [""] * len(query), grades, "test"), BINARY, "made")


def answers(pairs: PairTable, strength: float, seed: int, name: str = "model") -> Predictions:
    """Logits that lean towards the label by `strength` standard deviations."""
    noise = np.random.default_rng(seed).normal(0, 1, len(pairs))
    margin = noise + strength * (2 * pairs.grades - 1)
    logits = np.column_stack([-margin, margin]).astype(np.float32)
    return Predictions(logits, pairs.content_hash, name)


@pytest.fixture(scope="module")
def pairs() -> PairTable:
    return table()


def test_a_student_is_better_than_its_twin_and_the_sentence_holds_every_number(pairs):
    said = judge(pairs, answers(pairs, 1.0, 1), answers(pairs, 0.3, 2), answers(pairs, 2.0, 3))
    assert said.verdict == "BETTER"
    assert said.low > 0
    assert said.p <= 0.05
    delta = f"{said.delta:+.3f} [{said.low:+.3f}, {said.high:+.3f}]"
    assert said.sentence.startswith(
        f"BETTER than its twin: ROC-AUC {delta} on 300 pairs of 60 queries, one seed; "
        "gap recovered "
    )
    assert "]. Seeds were not varied" in said.sentence


def test_seeds_that_were_varied_are_counted_and_not_denied(pairs):
    said = judge(pairs, answers(pairs, 1.0, 1), answers(pairs, 0.3, 2), None, seeds=3)
    assert "one seed of 3." in said.sentence
    assert "not varied" not in said.sentence


def test_a_worse_student_is_called_worse_with_true_minus_signs(pairs):
    said = judge(pairs, answers(pairs, 0.2, 1), answers(pairs, 1.0, 2), None)
    assert said.verdict == "WORSE"
    assert said.sentence.startswith("WORSE than its twin: ROC-AUC −0.")
    assert said.gap is None


def test_a_teacher_no_better_than_the_twin_gets_no_share_but_a_reason(pairs):
    said = judge(pairs, answers(pairs, 1.0, 1), answers(pairs, 0.6, 2), answers(pairs, 0.2, 3))
    assert (
        "gap recovered n/a: the teacher is not clearly better than the twin; the teacher has 0."
        in said.sentence
    )
    assert " % [" not in said.sentence


def test_an_inconclusive_sentence_says_what_could_not_have_been_seen(pairs):
    said = judge(pairs, answers(pairs, 0.5, 1), answers(pairs, 0.5, 2), None)
    assert said.verdict == "INCONCLUSIVE"
    assert f"below {said.smallest_detectable:.3f} would mostly go unseen" in said.sentence


def test_a_gap_is_said_to_have_grown_only_when_its_interval_says_so(pairs):
    three = (answers(pairs, 1.0, 2), answers(pairs, 1.0, 1), answers(pairs, 2.0, 3))
    gap = replace(gap_recovered(pairs, *three), value=-0.19, low=-0.6, high=0.2, trustworthy=True)
    said = judge(pairs, three[1], three[0], three[2], gap=gap)
    assert "gap recovered −19 % [−60, 20]: perhaps nothing." in said.sentence
    said = judge(pairs, three[1], three[0], three[2], gap=replace(gap, high=-0.05))
    assert "one seed; gap recovered −19 % [−60, −5]: the gap grew." in said.sentence


def test_without_a_twin_nothing_is_judged_and_the_sentence_says_why(pairs):
    said = judge(pairs, answers(pairs, 1.0, 1), None, answers(pairs, 2.0, 3))
    assert said.verdict == NO_TWIN
    assert "train the twin" in said.sentence
    assert np.isnan(said.delta)
    assert (said.n, said.n_unit, said.queries) == (300, "pairs", 60)


def test_a_metric_of_which_less_is_better_is_better_with_a_negative_difference(pairs):
    good, bad = answers(pairs, 1.5, 1), answers(pairs, 0.2, 1)
    said = judge(pairs, good, bad, None, "nll")
    assert said.verdict == "BETTER"
    assert said.delta < 0
    assert "NLL (lower is better) −" in said.sentence


def test_unjudged_pairs_make_no_verdict():
    pairs = table(unjudged=True)
    said = judge(pairs, answers(pairs, 1.0, 1), answers(pairs, 0.3, 2), None)
    assert said.verdict == "INCONCLUSIVE"
    assert "not defined on these pairs" in said.sentence


def test_what_was_already_worked_out_is_taken_and_not_worked_out_again(pairs):
    three = answers(pairs, 1.0, 1), answers(pairs, 0.3, 2), answers(pairs, 2.0, 3)
    compared = compare(pairs, *three[:2], teacher=three[2], permutations=50, area_permutations=50)
    won = replace(gap_recovered(pairs, three[1], three[0], three[2], resamples=20), value=0.57)
    said = judge(pairs, *three, comparison=compared, gap=won)
    assert said.p == compared.differences["roc_auc"].p
    assert "gap recovered 57 %" in said.sentence


def test_a_student_that_is_its_twin_plus_noise_is_almost_never_given_a_side():
    """Null data: both are one model and independent noise, so about 5 % of sides are mistaken."""
    sides = 0
    for trial in range(40):
        pairs = table(queries=40, ads=4, seed=trial)
        student, twin = (answers(pairs, 0.5, 1000 + 2 * trial + k) for k in (0, 1))
        compared = compare(
            pairs, student, twin, resamples=200, permutations=100, area_permutations=200
        )
        sides += judge(pairs, student, twin, None, comparison=compared).verdict != "INCONCLUSIVE"
    assert sides <= 6  # P(more than 6 of 40 at 5 %) is below 1 %
