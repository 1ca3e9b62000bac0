"""Label density: which grades fill the top k under A and under B, with k on a rail."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import signed
from app.services import Board, ranking
from app.shell import frame, lacking
from app.views.ranking import models
from app.views.ranking.models import Side
from app.views.ranking.parts.density_rail import density_rail
from kdcore.evaluation.comparison import DensityDifference
from kdcore.metrics.significance import THE_SAME

READINGS = {"points": "Points", "relative": "Relative", "paper": "Paper's Table 3"}
MEANS = {True: "Pooled", False: "Mean of queries"}
# TwinBERT_cos against C-DSSM in the top 5, relative changes, worst grade first
PAPER = (-0.074, -0.026, 0.019, 0.188)
FOOTNOTE = (
    "Table 3 of TwinBERT (Lu, Jiao and Zhang 2020, arXiv 2002.06275) sets TwinBERT_cos against "
    "C-DSSM in the top 5: bad −7.4 %, fair −2.6 %, good +1.9 %, excellent +18.8 %. A minus says "
    "that the first model shows less of that grade, so less bad and more excellent are both in "
    "its favour. The numbers have to be relative changes, share A / share B − 1: differences of "
    "shares would sum to 0, and these sum to +10.7. Whether the shares were pooled or averaged "
    "over queries is not known; choose either above. The paper used other ads and graders: "
    "compare directions, not sizes."
)
WORDS = {  # a verdict of A against B, with both named
    "BETTER": "A is BETTER than B",
    "WORSE": "A is WORSE than B",
    "INCONCLUSIVE": "INCONCLUSIVE against B",
    "more": "A shows more",
    "fewer": "A shows fewer",
}
OWN_GRADES = (
    "These pairs have {n} grades, the paper has four (bad, fair, good, excellent), so its numbers "
    "are not drawn beside ours."
)


def draw(board: Board) -> None:
    """The finding, the controls, the rail and what stands under it."""
    if models.chosen(board) is None:
        lacking.draw(board)
        return
    _body(board)


@st.fragment
def _body(board: Board) -> None:
    top = st.container()
    pair = models.choose(board, lambda: _own_controls(board))
    if pair is None:  # a rival was just taken away
        st.rerun()
    (a, b), now = pair, state.now().ranking
    k = min(now.k, models.deepest(board))
    tests = ranking.density(board, a.answers, b.answers, k)
    sentence = finding(a, b, k, tests)
    with top:
        frame.finding(sentence, board)
    with st.container(key="density_picture"):
        density_rail("density_rail", payload(board, a, b, k, tests))
    caption = models.caption(board, f"Which labels fill the top {k}: label density", a, b)
    marks = models.provenance(board, a, b)
    controls.exports("density_picture", table(board, a, b), sentence, marks, caption)
    models.say_ties(board, a, b)
    _notes(board, now.reading, now.pooled, tests, k)


def _own_controls(board: Board) -> None:
    controls.choose(
        "ranking.reading", "Read the change as", READINGS, on_change=_read, args=(board,)
    )
    controls.choose("ranking.pooled", "Shares", MEANS)


def finding(a: Side, b: Side, k: int, tests: tuple[DensityDifference, ...]) -> str:
    """The best grade's share in the top k, its difference, and how sure that is."""
    best = tests[-1]
    if not np.isfinite(best.points):
        return f"No ad in the top {k} of both models has a label, so they cannot be compared."
    if best.verdict == THE_SAME:
        return (
            f"In the top {k}, {a.noun} and {b.noun} show the same ads: no list is longer, so no "
            "difference is possible. What counts is the top of the lists."
        )
    ends = ""
    if np.isfinite(best.low):
        ends = f" (95 % {signed(best.low, 1)} to {signed(best.high, 1)}; {best.verdict})"
    if best.verdict == "INCONCLUSIVE":
        return (
            f"In the top {k}, the shares of {best.grade} ads of {a.noun} and {b.noun} do not "
            f"differ clearly: {signed(best.points, 1)} points{ends}."
        )
    more = "more" if best.points > 0 else "fewer"
    return (
        f"In the top {k}, {a.noun} shows {abs(best.points):.1f} points {more} {best.grade} ads "
        f"than {b.noun}{ends}."
    )


def payload(
    board: Board, a: Side, b: Side, k: int, tests: tuple[DensityDifference, ...]
) -> dict[str, Any]:
    """What the browser part draws; every depth at once, so that a drag asks for nothing."""
    now = state.now().ranking
    four = len(board.pairs.scheme) == len(PAPER)
    rows = [{**asdict(test), **_reading_of(test)} for test in tests]
    return {
        "grades": list(board.pairs.scheme.grades),
        "a": _side(board, a),
        "b": _side(board, b),
        "k": k,
        "deepest": models.deepest(board),
        "pooled": now.pooled,
        "reading": "points" if now.reading == "points" else "relative",
        "tested": {"k": k, "rows": rows} if now.pooled else None,
        "paper": list(PAPER) if now.reading == "paper" and four else None,
    }


def _reading_of(test: DensityDifference) -> dict[str, Any]:
    """The verdict of a row as the picture words it; no interval where nothing was tested."""
    if test.verdict == THE_SAME:
        ends = ("low", "high", "relative_low", "relative_high")
        return {"verdict": "the same ads", **dict.fromkeys(ends)}
    return {"verdict": WORDS.get(test.verdict, str(test.verdict))}


def _side(board: Board, side: Side) -> dict[str, Any]:
    curve = ranking.label_shares(board, side.answers)
    return {
        "name": side.name,
        "role": side.role,
        "pooled": curve.pooled,
        "query": curve.per_query,
        "coverage": curve.coverage,
        "judged": curve.judged,
    }


def table(board: Board, a: Side, b: Side) -> pd.DataFrame:
    """A row a depth and grade: both means of both models, points, relative change, coverage."""
    ours, theirs = (ranking.label_shares(board, s.answers) for s in (a, b))
    rows = []
    for at in range(models.deepest(board)):
        for grade, name in enumerate(board.pairs.scheme.grades):
            one, other = ours.pooled[at][grade], theirs.pooled[at][grade]
            rows.append(
                {
                    "k": at + 1,
                    "grade": name,
                    "share A, pooled": one,
                    "share B, pooled": other,
                    "A - B, points": 100 * (one - other),
                    "A / B - 1": one / other - 1 if other else float("nan"),
                    "share A, mean of queries": ours.per_query[at][grade],
                    "share B, mean of queries": theirs.per_query[at][grade],
                    "judged share A": ours.coverage[at],
                    "judged share B": theirs.coverage[at],
                }
            )
    return pd.DataFrame(rows)


def _notes(
    board: Board, reading: str, pooled: bool, tests: tuple[DensityDifference, ...], k: int
) -> None:
    if not pooled:
        st.caption("Interval and verdict are of the pooled shares; choose Pooled to see them.")
    detectable = tests[-1].smallest_detectable
    between = ""  # why the grades between the best and the worst have no verdict
    if len(tests) > 2:
        between = f": more {tests[-2].grade} ads may just mean fewer {tests[-1].grade} ones"
    if pooled and tests[-1].verdict == THE_SAME:
        st.caption(
            f"At k = {k} every list is shown in full, with the same ads in both orders: the "
            "difference is 0 by construction, so there is nothing to test."
        )
    elif pooled and np.isfinite(detectable):
        st.caption(
            f"Intervals: {ranking.RESAMPLES:,} bootstrap samples of queries, 95 %; p: "
            f"{ranking.permutations(board):,} random swaps of the two models per query. At "
            f"k = {k}, p = {tests[-1].p:.4f} for the best grade; the smallest difference that 80 % "
            f"of such tests would find is {detectable:.1f} points. Only the best and the worst "
            f"grade get a verdict{between}. {len(tests)} grades are tested on the same "
            "lists without a correction, so one of them may look clear by chance."
        )
    if reading == "paper":
        st.caption(FOOTNOTE)
        if len(board.pairs.scheme) != len(PAPER):
            st.caption(OWN_GRADES.format(n=len(board.pairs.scheme)))


def _read(board: Board) -> None:
    """The paper's reading is a preset: top 5, pooled, and C-DSSM as the rival where one is here."""
    reading = st.session_state["w_reading"]
    if reading != "paper":
        state.change(ranking={"reading": reading})
        return
    rival = _cdssm(board)
    preset: dict[str, Any] = {"reading": "paper", "k": 5, "pooled": True}
    if rival:
        preset |= {"model_a": "student", "model_b": "rival"}
    state.change(ranking=preset, **({"rival": rival} if rival else {}))


def _cdssm(board: Board) -> str:
    """A C-DSSM that answered these pairs, trained on labels alone when there is the choice."""
    keys = [
        (source.run.is_distilled, source.key)
        for source in services.sources_on(board.all_pairs)
        if source.run is not None and source.run.model_name == "cdssm"
    ]
    return min(keys)[1] if keys else ""
