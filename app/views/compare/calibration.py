"""Compare's calibration: is a probability worth what it says, before and after a temperature?"""

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.texts import marks, md, number, signed
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import Answers, Board
from app.shell import captions, caveats
from app.views.compare import selection
from kdcore.evaluation.recalibration import BeforeAfter
from kdcore.evaluation.recalibration import before_after as recalibrate

ECE = (
    "Expected calibration error: mean gap between a model's P(relevant) and the share of "
    "relevant pairs among the pairs with such a P, over 15 bins of equal width, weighted by "
    "pairs, corrected for what chance adds: a gap smaller than its standard error s counts as "
    "gap² / s − s. The 95 % interval (500 bootstrap samples of queries) is for the true error "
    "and allows for what this correction may miss. The table also has the uncorrected ECE, "
    "which chance alone lifts above 0."
)
HALVES = (
    "Each half of the queries is divided by the temperature fitted (least NLL) on the other half, "
    "so no pair is measured at a temperature fitted on it. A temperature changes how sure a "
    "model is, never the order of its ads: AUC and nDCG stay as they are. Bins with few pairs "
    "have small marks."
)
Recalibrated = tuple[str, str, BeforeAfter]  # name of a model, its role, and its calibration


def draw(board: Board, rows: pd.DataFrame) -> None:
    """Cards of ECE before and after, and the reliability diagram of every model."""
    selection.say_unused(board)
    if hidden := caveats.of(board, "nll"):
        st.info(md(f"{hidden} So its calibration is not shown."))
    models = [
        (role.capitalize(), role, measured)
        for role, model in board.models.items()
        if model.predictions.own_grades
        if (measured := before_after(board, model)) is not None
    ]
    if not models and not hidden:
        st.info("Calibration needs labelled pairs of at least two queries; these have none.")
    if not models:
        return
    st.text(finding(models))
    metric_cards([_card(*m) for m in models], "calibration_cards", "Calibration error")
    from app.kit.figures.calibration import Model, reliability_diagram  # Plotly: only when open

    figure = reliability_diagram([Model(*m) for m in models], controls.dark())
    sentence = f"Reliability of {', '.join(m[1] for m in models)}. {finding(models)}"
    after = models[0][2].after
    n = f"n = {after.n:,} labelled pairs of {after.queries:,} queries"
    title = "Calibration: do the probabilities match the share of relevant pairs?"
    caption = captions.of_board(board, title, n=n)
    controls.chart(figure, table(models), sentence, "calibration", marks(board), caption)
    st.caption(HALVES)


@by_hash(most=40, on=lambda board, model: (board.pairs, model))
def before_after(board: Board, model: Answers) -> BeforeAfter | None:
    """Calibration of one model on the board's labelled pairs; None when there are too few."""
    return recalibrate(board.pairs, model.predictions.logits)


def finding(models: list[Recalibrated]) -> str:
    """How far each model's probabilities are off, and what a temperature mends, in one sentence."""
    parts = []
    for name, _, measured in models:
        sure = "too sure" if measured.temperature > 1.03 else "too modest"
        sure = "about right" if abs(measured.temperature - 1) <= 0.03 else sure
        unclear = "" if measured.low > 0 or measured.high < 0 else ", no clear change"
        parts.append(
            f"{name.lower()} {sure} (best T {number(measured.temperature, 2)}, ECE "
            f"{number(measured.before.ece)} to {number(measured.after.ece)}{unclear})"
        )
    return f"At T = 1: {'; '.join(parts)}."


def _card(name: str, role: str, measured: BeforeAfter) -> Card:
    before, after = measured.before, measured.after
    return Card(
        label=f"{name}: ECE, T = 1 → T {number(measured.temperature, 2)}",
        value=f"{number(before.ece)} → {number(after.ece)}",
        definition=ECE,
        n=f"{after.n:,} pairs, {after.queries:,} queries",
        interval=f"change {signed(measured.change)} {interval(measured.low, measured.high)}",
        role=role,
    )


def table(models: list[Recalibrated]) -> pd.DataFrame:
    """A row a model, side and bin."""
    rows = [
        {
            "model": role,
            "temperature": temperature,
            "bin": i + 1,
            "mean P(relevant)": side.bins.confidence[i],
            "share relevant": side.bins.frequency[i],
            "pairs": int(side.bins.count[i]),
            "plain ECE": side.bins.ece,
            "ECE": side.ece,
            "ECE low": side.low,
            "ECE high": side.high,
        }
        for _, role, measured in models
        for temperature, side in ((1.0, measured.before), (measured.temperature, measured.after))
        for i in range(len(side.bins.count))
    ]
    return pd.DataFrame(rows)
