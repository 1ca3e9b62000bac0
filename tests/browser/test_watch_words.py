"""What the watched run's sentence says of a gap and of a twin, computed in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest

SUMS = "app/views/distill/parts/run_watch/sums.js"
SAY = """({lead, step, pairs}) => {
  const line = (step, auc) => ({step, kept_step: step, validation_nll: 1, validation_roc_auc: auc});
  const film = m.newFilm();
  m.absorb(film, {
    student: {reset: false, lines: [line(40, 0.61), line(80, 0.72)], next: "2"}, moments: [],
    status: {state: "finished", stage: "evaluate", total: 80, words: "", message: ""},
    teacher: {roc_auc: 0.7 + lead, nll: 1}, pairs,
    twin: {id: "t", reset: false, state: "finished", moments: [], lines: [line(80, 0.7)]},
  }, 0);
  return m.sentenceOf(film, "roc_auc", m.viewAt(film, "roc_auc", step));
}"""


@pytest.fixture(scope="module")
def said(open_module: Any) -> Callable[..., str]:
    """said(lead, step, pairs): the sentence where the teacher leads the twin by so much."""
    page = open_module(SUMS)
    return lambda lead, step, pairs=20_000: page.evaluate(
        SAY, {"lead": lead, "step": step, "pairs": pairs}
    )


def test_a_gap_is_told_with_its_interval_where_the_lead_is_clear_and_else_not(
    said: Callable[..., str],
) -> None:
    """A share of -83 % of a lead that was noise was shown in large type."""
    assert "Gap recovered in validation: 50 % [25, 75]." in said(0.04, 80)
    for lead, pairs in ((0.04, 200), (0.0005, 20_000), (-0.02, 20_000)):
        sentence = said(lead, 80, pairs)
        assert "Gap recovered in validation n/a: the teacher is not clearly better" in sentence
        assert "%" not in sentence


def test_a_share_whose_interval_holds_0_may_be_nothing(said: Callable[..., str]) -> None:
    assert "Gap recovered in validation: 8 % [−10, 26]: perhaps nothing." in said(0.25, 80, 1000)
    assert "]: the gap grew." in said(0.14, 40)


def test_an_earlier_step_is_set_beside_what_is_named_the_twins_kept_moment(
    said: Callable[..., str],
) -> None:
    assert "its twin's saved step 0.700" in said(0.04, 40)
    assert "its twin without a teacher 0.700" in said(0.04, 80)


OF_PRETRAINING = """(metric) => {
  const film = m.newFilm();
  const check = {step: 40, kept_step: 40, validation_loss: 3, validation_words: 700,
    validation_masked: 2.5, validation_masked_accuracy: 0.25, validation_next_ad_accuracy: 0.75};
  m.absorb(film, {
    student: {reset: false, lines: [{step: 20, loss: 4}, check], next: "2"}, moments: [],
    status: {state: "running", stage: "pretrain", total: 80, words: "", message: ""},
    teacher: null, pairs: 2000, twin: null,
  }, 0);
  return m.sentenceOf(film, metric, m.viewAt(film, metric, 40));
}"""


def test_a_pretraining_is_told_by_what_it_gets_right_and_on_how_much(open_module: Any) -> None:
    page = open_module(SUMS)
    words = page.evaluate(OF_PRETRAINING, "masked_accuracy")
    assert words == (
        "After 40 of 80 steps the pretraining has Hidden words right 0.250 on 700 hidden words."
    )
    ads = page.evaluate(OF_PRETRAINING, "next_ad_accuracy")
    assert "Next ads right 0.750 on 2,000 validation pairs" in ads
    about = {"graded": False, "weights": {"masked": 1}, "run": "r", "label": "A run"}
    table = page.evaluate("(about) => m.csvOf(m.newFilm(), about)", about)
    assert "loss,soft_weighted,masked_weighted,hard_weighted,validation_masked," in table
    assert "roc_auc" not in table


OF_TEACHER = """(state) => {
  const film = m.newFilm();
  film.subject = "teacher";
  const check = {step: 80, kept_step: 80, validation_nll: 1, validation_roc_auc: 0.8};
  m.absorb(film, {
    student: {reset: false, lines: [check], next: "1"}, moments: [],
    teacher: null, pairs: 100, twin: null,
    status: {state, stage: "evaluate", total: 80, words: "", message: ""},
  }, 0);
  const view = m.viewAt(film, "roc_auc", 80);
  return [m.sentenceOf(film, "roc_auc", view), m.pairsHead(film, view)];
}"""


def test_a_teacher_in_training_is_called_so_with_the_interval_of_its_few_pairs(
    open_module: Any,
) -> None:
    """The student has ROC-AUC .808, it said, beside .638 on the test pairs without a word."""
    page = open_module(SUMS)
    sentence, head = page.evaluate(OF_TEACHER, "finished")
    assert sentence == (
        "After 80 of 80 steps the teacher has ROC-AUC 0.800 [0.713, 0.887] on 100 validation "
        "pairs. These pairs chose the saved step: judge it by the test pairs."
    )
    assert head == "This run recorded no moments of its training, so no pairs can be shown."
    sentence, head = page.evaluate(OF_TEACHER, "running")
    assert "judge it" not in sentence
    assert head == "20 pinned pairs; the first moment is awaited"
