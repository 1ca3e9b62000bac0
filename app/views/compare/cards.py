"""Compare's top strip: each metric of all models, what distillation gained, and the verdict."""

from math import isfinite
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import services
from app.kit.by_hash import content_of
from app.kit.texts import number, signed, verdict
from app.parts.metric_cards import interval
from app.services import Answers, Board
from app.shell import caveats
from app.state import keys
from app.views.compare import selection
from app.views.compare.parts.score_cards import Gain, Note, Row, Score, score_cards
from kdcore.data.pairs import UNLABELLED
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.evaluate import Evaluation
from kdcore.metrics.definitions import CATALOG, needing, shown_in

LABELLED, UNJUDGED, GAPS = shown_in("cards"), needing("teacher"), shown_in("headline")
BETTER = {True: "Higher is better.", False: "Lower is better."}


def place(board: Board) -> Any:
    """Where the strip stands: at once when this session has seen these numbers, else a skeleton."""
    held = st.empty()
    if st.session_state.get(keys.CARDS_SEEN) == content_of(board):
        _strip(board, held)
    else:
        held.skeleton(height=130)
    return held


def fill(board: Board, held: Any) -> None:
    """Put the numbers where the skeleton is; called after the picture, which does not wait."""
    rows = selection.selected(board)["row"].to_numpy()
    if selection.active() and len(rows):
        _strip(board, held, rows)
    elif st.session_state.get(keys.CARDS_SEEN) != content_of(board):
        _strip(board, held)
    st.session_state[keys.CARDS_SEEN] = content_of(board)


def _strip(board: Board, held: Any, rows: NDArray[np.int64] | None = None) -> None:
    """Draw the cards; rows: the selected pairs, whose metrics stand below those of all."""
    judged = bool((board.pairs.grades != UNLABELLED).any())
    metrics = LABELLED if judged else UNJUDGED
    models = {"teacher": board.teacher, "student": board.student, "twin": board.twin}
    found = {
        role: services.evaluation(board, who)
        for role, who in models.items()
        if who is not None and (judged or role != "teacher")
    }
    chosen = {
        role: services.evaluation_of_rows(board, models[role], rows)  # type: ignore[arg-type]
        for role in (found if rows is not None else ())
    }
    scores = [
        _score(board, key, found, chosen) for key in metrics if key in found["student"].metrics
    ]
    with held.container():
        score_cards(
            scores,
            key="scores_part" if chosen else "scores",
            label="Metrics of teacher, student and twin",
        )


def _score(
    board: Board, key: str, found: dict[str, Evaluation], chosen: dict[str, Evaluation]
) -> Score:
    about = CATALOG[key]
    metric = found["student"].metrics[key]
    made = caveats.made_here(board, key)
    part = chosen["student"].metrics.get(key) if chosen else None
    n = f"n = {metric.n:,} {metric.n_unit}"
    if chosen:
        n = f"n {metric.n:,}, sel. {part.n if part else 0:,} {metric.n_unit}"
    return Score(
        name=about.name,
        definition=f"{about.sentence} {BETTER[about.higher_is_better]} Whiskers: 95 % interval "
        "over queries. Rows “selected”: of the selected pairs alone. Gain (of all pairs): student "
        f"minus {'twin' if board.twin else 'teacher'}.",
        higher=about.higher_is_better,
        n=n,
        rows=[*_rows(key, found, made), *_rows(key, chosen, made, ", selected")],
        places=2 * len(found),
        gain=None if made else _gain(board, key),
        gap=_caveat(board, key, made) or _gap(board, key),
    )


def _rows(key: str, found: dict[str, Evaluation], made: list[str], suffix: str = "") -> list[Row]:
    return [
        Row(
            role,
            role.capitalize() + suffix + (" †" if role in made else ""),
            m.value,
            m.low,
            m.high,
            number(m.value),
            interval(m.low, m.high),
        )
        for role, evaluation in found.items()
        if (m := evaluation.metrics.get(key)) is not None
    ]


def _caveat(board: Board, key: str, made: list[str]) -> Note | None:
    if not made:
        return None
    text = f"† made here from one number per pair ({', '.join(made)})"
    return Note(text, caveats.of(board, key))


def _gain(board: Board, key: str) -> Gain | None:
    """Student minus twin; without a twin, minus the teacher, unless it is the yardstick itself."""
    against: Answers | None = board.twin or (None if key in UNJUDGED else board.teacher)
    if board.student is None or against is None:
        return None
    difference = services.comparison(board, board.student, against).differences.get(key)
    if difference is None or not isfinite(difference.delta):
        return None
    return Gain(
        value=signed(difference.delta),
        interval=interval(difference.low, difference.high),
        verdict=verdict(difference.verdict, "its twin" if board.twin else "the teacher"),
        about=_how(difference),
    )


def _how(difference: Difference) -> str:
    least = number(difference.smallest_detectable)
    return (
        f"Paired bootstrap over queries, 95 %; p = {difference.p:.2g} by "
        f"{difference.permutations:,} permutations; smallest detectable difference {least}."
    )


def _gap(board: Board, key: str) -> Note | None:
    if key not in GAPS:
        return None
    gap = services.gap(board, key)
    if gap is None:
        return None
    return Note(gap.text, f"{gap.definition} {gap.reason}".strip())
