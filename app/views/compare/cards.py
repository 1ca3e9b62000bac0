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
from app.services import Board
from app.shell import caveats
from app.state import keys
from app.views.compare import selection
from app.views.compare.parts.score_cards import score_cards
from kdcore.data.pairs import UNLABELLED
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.evaluate import Evaluation
from kdcore.metrics.definitions import CATALOG, needing, shown_in

LABELLED, UNJUDGED, WITH_GAP_RECOVERED = shown_in("cards"), needing("teacher"), shown_in("headline")
BETTER = {True: "Higher is better.", False: "Lower is better."}
TITLES = {"teacher": "Teacher", "student": "Student", "twin": "Twin", "rival": "Second"}
SELECTED = "The test is not corrected for how you came to select these pairs."
CHOSEN = "The models' own answers selected these pairs, so the selection itself makes a difference."
Evaluations = dict[str, Evaluation]  # by role


def place(board: Board) -> Any:
    """Where the strip stands: at once when this session has seen these numbers, else a skeleton."""
    slot = st.empty()
    if st.session_state.get(keys.CARDS_SEEN) == _content(board):
        _strip(board, slot)
    else:
        slot.skeleton(height=130)
    return slot


def fill(board: Board, slot: Any) -> None:
    """Put the numbers where the skeleton is; called after the picture, which does not wait."""
    rows = selection.selected(board)["row"].to_numpy()
    if selection.active() and len(rows):
        _strip(board, slot, rows)
    elif st.session_state.get(keys.CARDS_SEEN) != _content(board):
        _strip(board, slot)
    st.session_state[keys.CARDS_SEEN] = _content(board)


def _content(board: Board) -> object:
    """What the strip shows, as a key: the board, and the second student beside it."""
    rival = services.rival_of(board)
    return content_of(board), rival and rival.hash


def _strip(board: Board, slot: Any, rows: NDArray[np.int64] | None = None) -> None:
    """Draw the cards; rows: the selected pairs, whose metrics stand below those of all."""
    labelled = bool((board.pairs.grades != UNLABELLED).any())
    shown = {r: model for r, model in board.models.items() if labelled or r != "teacher"}
    if rival := services.rival_of(board):
        shown["rival"] = rival
    whole = {role: services.evaluation(board, model) for role, model in shown.items()}
    part: Evaluations = {}
    if rows is not None:
        part = {r: services.evaluation_of_rows(board, model, rows) for r, model in shown.items()}
    cards = [
        _card(board, key, whole, part, rows)
        for key in (LABELLED if labelled else UNJUDGED)
        if key in whole["student"].metrics
    ]
    with slot.container():
        score_cards(
            cards,
            key="scores_part" if part else "scores",
            label="Metrics of teacher, student and twin"
            + (", and of a second student" * bool(rival)),
        )


def _card(
    board: Board,
    key: str,
    whole: Evaluations,
    part: Evaluations,
    rows: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    definition = CATALOG[key]
    metric = whole["student"].metrics[key]
    of_one_number, rival = caveats.made_here(board, key), services.rival_of(board)
    n = f"n = {metric.n:,} {metric.n_unit}"
    if part:
        selected = part["student"].metrics.get(key)
        n = f"n {metric.n:,}, sel. {selected.n if selected else 0:,} {metric.n_unit}"
    gains, note = _gains(board, key, rows), _gap(board, key)
    if note and part:
        note["text"] = f"All pairs: {note['text']}"
    if of_one_number:
        text = f"† computed from one number per pair ({', '.join(of_one_number)})"
        gains, note = [], {"text": text, "about": caveats.of(board, key)}
    return {
        "name": definition.name,
        "definition": f"{definition.sentence} {BETTER[definition.higher_is_better]} "
        f"{f'Second: the second student, {rival.title}. ' if rival else ''}Whiskers: 95 % "
        "interval over queries. Rows “selected”: of the selected pairs alone (nDCG of "
        "one grade is 1 for every model, so it is not shown). Gain: "
        f"student minus {'twin' if board.twin else 'teacher'}.",
        "higher": definition.higher_is_better,
        "n": n,
        "rows": [
            *_rows(key, whole, of_one_number),
            *_rows(key, part, of_one_number, ", selected"),
        ],
        "gains": gains,
        "gap": note,
        "places": 2 * len(whole),
    }


def _rows(
    key: str, evaluations: Evaluations, of_one_number: list[str], suffix: str = ""
) -> list[dict[str, Any]]:
    """One model's value and interval a row; † marks a model that gave one number per pair."""
    return [
        {
            "role": role,
            "title": TITLES[role] + suffix + (" †" if role in of_one_number else ""),
            "value": metric.value,
            "low": metric.low,
            "high": metric.high,
            "text": number(metric.value),
            "interval": interval(metric.low, metric.high),
        }
        for role, evaluation in evaluations.items()
        if (metric := evaluation.metrics.get(key)) is not None
    ]


def _gains(board: Board, key: str, rows: NDArray[np.int64] | None) -> list[dict[str, Any]]:
    """Student minus twin (else minus the teacher, unless it is the yardstick) of all pairs, then
    of the selected ones, where pairs are selected; then the same of a second student."""
    first = board.twin or (None if key in UNJUDGED else board.teacher)
    second = services.rival_of(board)
    if second and not second.predictions.is_own(key):
        second = None
    lines = []
    for name, other in (
        ("its twin" if board.twin else "the teacher", first),
        ("the second student", second),
    ):
        if board.student is None or other is None or other.key == board.student.key:
            continue
        every = services.comparison(board, board.student, other).differences.get(key)
        if rows is None:
            lines += _gain(every, name)
            continue
        part = services.comparison_of_rows(board, board.student, other, rows).differences.get(key)
        lines += _gain(every, name, "All pairs: ") + _gain(part, name, "Selected: ", SELECTED)
    return lines


def _gain(
    difference: Difference | None, opponent: str, of: str = "", caution: str = ""
) -> list[dict[str, Any]]:
    """One difference as a line of a card; of: of which pairs; caution: what its test left out."""
    if difference is None or not isfinite(difference.delta):
        return []
    word = verdict(difference.verdict, opponent)
    if caution and selection.by_answers():
        word, caution = "no verdict, as answers chose the pairs", CHOSEN
    method = (
        f"{of}Paired bootstrap over queries, 95 %; p = {difference.p:.2g} by "
        f"{difference.permutations:,} permutations; smallest detectable difference "
        f"{number(difference.smallest_detectable)}. {caution}"
    )
    return [
        {
            "value": signed(difference.delta),
            "interval": interval(difference.low, difference.high),
            "verdict": f"{of}{word}",
            "about": method.strip(),
        }
    ]


def _gap(board: Board, key: str) -> dict[str, Any] | None:
    gap = services.gap(board, key) if key in WITH_GAP_RECOVERED else None
    if gap is None:
        return None
    return {"text": gap.text, "about": f"{gap.definition} {gap.reason}".strip()}
