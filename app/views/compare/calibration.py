"""Compare's calibration: is a probability worth what it says, before and after a temperature?"""

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.texts import md, number, signed
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import Answers, Board
from app.shell import captions, caveats
from app.views.compare import selection
from app.views.compare.density import about
from app.views.compare.queries import calibration
from kdcore.evaluation.recalibration import BeforeAfter

ECE = (
    "Expected calibration error: mean gap between a model's P(relevant) and the share of "
    "relevant pairs among the pairs with such a P, over 15 bins of equal width, weighted by "
    "pairs, corrected for what chance adds: a gap smaller than its standard error s counts as "
    "gap² / s − s. The 95 % interval (500 bootstrap samples of queries) is for the true error "
    "and allows for what this correction may miss. The table also has the uncorrected ECE, "
    "which chance alone lifts above 0."
)
HONEST = (
    "Each half of the queries is divided by the temperature fitted (least NLL) on the other half, "
    "so no pair is measured at a temperature fitted on it. A temperature changes how sure a "
    "model is, never the order of its ads: AUC and nDCG stay as they are. Bins with few pairs "
    "have small marks."
)


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Cards of ECE before and after, and the reliability diagram of every model."""
    selection.not_here(board)
    if hidden := caveats.of(board, "nll"):
        st.info(md(f"{hidden} So its calibration is not shown."))
    named = (("Teacher", "teacher", board.teacher), ("Student", "student", board.student))
    found = [_measured(board, *who) for who in (*named, ("Twin", "twin", board.twin))]
    models = [m for m in found if m is not None]
    if not models and hidden:
        return
    if not models:
        st.info("Calibration needs labelled pairs of at least two queries; these have none.")
        return
    st.text(finding(models))
    metric_cards([_card(*m) for m in models], "calibration_cards", "Calibration error")
    from app.kit.figures.calibration import Model, reliability_diagram  # Plotly: only when open

    figure = reliability_diagram([Model(*m) for m in models], controls.dark())
    sentence = f"Reliability of {', '.join(m[0].lower() for m in models)}. {finding(models)}"
    n = f"n = {models[0][2].after.n:,} labelled pairs of {models[0][2].after.queries:,} queries"
    caption = captions.of_board(
        board, ("Calibration: do the probabilities match the share of relevant pairs?"), n=n
    )
    controls.chart(figure, table(models), sentence, "calibration", about(board), caption)
    st.caption(HONEST)


Measured = tuple[str, str, BeforeAfter]


def _measured(board: Board, name: str, role: str, who: Answers | None) -> Measured | None:
    own = who is not None and who.predictions.own_grades
    found = calibration.before_after(board, who) if who and own else None
    return (name, role, found) if found else None


def finding(models: list[Measured]) -> str:
    """How far each model's probabilities are off, and what a temperature mends, in one sentence."""
    said = []
    for name, _, found in models:
        sure = "too sure" if found.temperature > 1.03 else "too modest"
        sure = "about right" if abs(found.temperature - 1) <= 0.03 else sure
        unclear = "" if found.low > 0 or found.high < 0 else ", no clear change"
        said.append(
            f"{name.lower()} {sure} (best T {number(found.temperature, 2)}, ECE "
            f"{number(found.before.ece)} to {number(found.after.ece)}{unclear})"
        )
    return f"At T = 1: {'; '.join(said)}."


def _card(name: str, role: str, found: BeforeAfter) -> Card:
    before, after = found.before, found.after
    return Card(
        label=f"{name}: ECE, T = 1 → T {number(found.temperature, 2)}",
        value=f"{number(before.ece)} → {number(after.ece)}",
        definition=ECE,
        n=f"{after.n:,} pairs, {after.queries:,} queries",
        interval=f"change {signed(found.change)} {interval(found.low, found.high)}",
        role=role,
    )


def table(models: list[Measured]) -> pd.DataFrame:
    """A row a model, side and bin."""
    rows = [
        {
            "model": name.lower(),
            "temperature": 1.0 if side == "before" else found.temperature,
            "bin": i + 1,
            "mean P(relevant)": bins.confidence[i],
            "share relevant": bins.frequency[i],
            "pairs": int(bins.count[i]),
            "plain ECE": bins.ece,
            "ECE": shown.ece,
            "ECE low": shown.low,
            "ECE high": shown.high,
        }
        for name, _, found in models
        for side, shown in (("before", found.before), ("after", found.after))
        for bins in (shown.bins,)
        for i in range(len(bins.count))
    ]
    return pd.DataFrame(rows)
