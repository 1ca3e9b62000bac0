"""What the watched run's sentence says of a gap and of a twin, computed in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SUMS = Path(__file__).parents[2] / "app" / "components" / "run_watch" / "sums.js"
SAY = """async ({source, lead, step}) => {
  window.fmt = (value) => value.toFixed(3);
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const m = await import(url);
  const line = (step, auc) => ({step, kept_step: step, validation_nll: 1, validation_roc_auc: auc});
  const film = m.newFilm();
  m.absorb(film, {
    student: {reset: false, lines: [line(40, 0.61), line(80, 0.72)], next: "2"}, moments: [],
    status: {state: "finished", stage: "evaluate", total: 80, words: "", message: ""},
    teacher: {roc_auc: 0.7 + lead, nll: 1}, pairs: 200,
    twin: {id: "t", reset: false, state: "finished", moments: [], lines: [line(80, 0.7)]},
  }, 0);
  return m.sentenceOf(film, "roc_auc", m.viewAt(film, "roc_auc", step), {});
}"""


@pytest.fixture(scope="module")
def said(browser: Any) -> Iterator[Callable[[float, int], str]]:
    """said(lead, step): the sentence where the teacher leads the twin by so much."""
    page = browser.new_page()
    source = SUMS.read_text()
    yield lambda lead, step: page.evaluate(SAY, {"source": source, "lead": lead, "step": step})
    page.close()


def test_a_lead_too_small_to_share_out_is_called_one(said: Callable[[float, int], str]) -> None:
    assert "Gap recovered in validation: 50 %." in said(0.04, 80)
    assert "%" not in said(0.0005, 80)
    assert "The teacher barely leads the twin" in said(0.0005, 80)


def test_an_earlier_step_is_set_beside_what_is_named_the_twins_kept_moment(
    said: Callable[[float, int], str],
) -> None:
    assert "its twin's kept moment 0.700" in said(0.04, 40)
    assert "its twin without a teacher 0.700" in said(0.04, 80)
