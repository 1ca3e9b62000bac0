"""Answers matched with pairs: what is counted, and the predictions made of the rest."""

import numpy as np
import pytest

from kdcore.data.judge.judgments import Judgments, judgments, predictions_of
from kdcore.data.judge.replies import Reply
from kdcore.data.judge.requests import pair_ids
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.softlabels import soften

TITLES = ["lamp", "kettle", "sofa", "drum", "tent", "tent"]  # the last is there twice
PAIRS = PairTable(
    make_frame(["a", "a", "b", "b", "c", "c"], TITLES, [""] * 6, [3, 2, 1, 0, 3, 3]),
    FOUR_GRADES,
    "six",
)
IDS = pair_ids(PAIRS)


def judged_by(*replies: Reply, requested: tuple[str, ...] = ()) -> Judgments:
    return judgments(replies, PAIRS, "train", requested)


def test_every_line_is_counted_once():
    judge = judged_by(
        Reply(1, IDS[0], 3),
        Reply(2, IDS[0], 3),
        Reply(3, IDS[1], 2),
        Reply(4, IDS[1], 1),
        Reply(5, IDS[2], refusal="the request failed"),
        Reply(6, "nobody", 1),
        Reply(7, IDS[4], 0),
    )
    assert judge.grades.tolist() == [3, -1, -1, -1, 0, 0]
    counts = judge.counts
    assert (counts.lines, counts.refusals) == (7, {"the request failed": 1})
    assert (counts.repeated, counts.contradicted, counts.unknown) == (1, 1, 1)
    assert (counts.pairs, counts.missing) == (5, 3)
    assert f"{IDS[1]}: answered as fair and good, in lines 3, 4" in judge.examples


def test_missing_answers_are_those_of_the_pairs_that_were_sent():
    judge = judged_by(Reply(1, IDS[0], 3), requested=(IDS[0], IDS[1], "of other data"))
    assert (judge.counts.pairs, judge.counts.missing) == (2, 1)


def test_answers_to_another_split_are_no_unknown_ids():
    pairs = PAIRS.with_splits(["train"] * 2 + ["test"] * 4)
    replies = [Reply(1, IDS[0], 3), Reply(2, IDS[2], 1)]
    assert judgments(replies, pairs, "train").counts.elsewhere == 1
    with pytest.raises(DataError, match="none usable belongs to the split train"):
        judgments(replies[1:], pairs, "train")


def test_a_named_grade_gets_its_confidence_and_the_others_share_the_rest():
    predictions, answered = predictions_of(
        judged_by(Reply(1, IDS[0], 3, confidence=0.7), Reply(2, IDS[1], 1)), "Judge", "a.jsonl"
    )
    assert predictions.rows is not None
    assert predictions.rows.tolist() == [0, 1]
    assert predictions.data_hash == answered.content_hash
    expected = [[0.1, 0.1, 0.1, 0.7], [0.025, 0.925, 0.025, 0.025]]
    np.testing.assert_allclose(soften(predictions.logits), expected)
    assert not predictions.own_grades
    assert "Judge gave one grade per pair" in predictions.caveat


def test_probabilities_of_a_judge_are_its_own():
    shares = (0.1, 0.2, 0.3, 0.4)
    judge = judged_by(*(Reply(k, name, 3, shares) for k, name in enumerate(IDS[:5])))
    predictions, _ = predictions_of(judge, "Judge", "a.jsonl")
    assert predictions.rows is None
    assert predictions.own_grades
    np.testing.assert_allclose(soften(predictions.logits)[0], shares)


def test_of_two_grades_a_confidence_says_all_of_p_relevant():
    pairs = PairTable(PAIRS.frame.assign(grade=PAIRS.grades // 2), BINARY, "six")
    replies = [Reply(1, IDS[0], 0, confidence=0.8), Reply(2, IDS[1], 1, confidence=0.6)]
    predictions, _ = predictions_of(judgments(replies, pairs, "train"), "Judge", "a.jsonl")
    assert predictions.own_grades
    np.testing.assert_allclose(soften(predictions.logits)[:, 1], [0.2, 0.6])
    unsure = [*replies, Reply(3, IDS[2], 1)]
    assert not predictions_of(judgments(unsure, pairs, "train"), "J", "a.jsonl")[0].own_grades
