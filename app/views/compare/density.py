"""Compare's main picture: joint density with thresholds and box, the cube, the pair in focus."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import marks, number
from app.services.selection.outcomes import outcomes, passing, points
from app.shell import captions
from app.views.compare import selection
from app.views.compare.parts import message
from app.views.compare.parts.joint_density import joint_density
from app.views.compare.parts.joint_points import joint_points
from kdcore.analysis.filters import Filters
from kdcore.analysis.outcomes import CELLS, OUTCOME_TITLES, cube, outcome_of
from kdcore.analysis.tags import TAGS

KEY = "joint"
ROLES = ("teacher", "student")


def draw(board: services.Board) -> None:
    """Draw it; a gesture comes back as one message, which `_take` puts into the state."""
    now, chosen = state.now(), selection.filters()
    others = replace(chosen, box=None, outcomes=(), cells=())
    key, table = points(board)
    data = {
        "points": key,
        "grades": board.pairs.scheme.grades,
        "relevant_from": board.pairs.scheme.relevant_from,
        "ct": now.compare.teacher_threshold,
        "cs": now.compare.student_threshold,
        "box": chosen.box or (),
        "cells": list(chosen.all_cells),
        "pair": _pair(board),
        "marks": {role: "" if _is_own(board, role) else " †" for role in ROLES},
        "chosen": now.pair if now.pair < len(board.pairs) else -1,
    }
    mask = passing(board, others) if others or now.compare.slice else None
    with st.container(key="chart_joint", gap=None):
        joint_points(table, key, key="joint_points")
        joint_density(data, mask, key=KEY, on_change=_take)
    _exports(board, others)


def _is_own(board: services.Board, role: str) -> bool:
    """Whether P(relevant) is the model's own; else the lab computed it, and it is marked."""
    model = board.models.get(role)
    return model is None or model.predictions.own_relevance


def _take() -> None:
    """What the visitor did with the picture becomes the state; nothing in it is trusted."""
    sent = message(KEY)
    cells = sent.get("cells", ())
    picked = [c for c in CELLS if c in cells] if isinstance(cells, list | tuple) else []
    values: dict[str, Any] = {key: sent[key] for key in ("ct", "cs", "box", "pair") if key in sent}
    if not isinstance(values.get("box", ()), list | tuple):
        del values["box"]
    values["outcomes"] = selection.compressed(picked)
    selection.change(**state.of_keys(values))


def _pair(board: services.Board) -> dict[str, Any] | None:
    """Texts and tags of the pair in focus."""
    row = selection.primary(board)
    if row < 0:
        return None
    pair = outcomes(board).iloc[row]
    texts = {name: pair[name] for name in ("query", "title", "description")}
    return {"row": row, **texts, "tags": [tag.title for name, tag in TAGS.items() if pair[name]]}


def _exports(board: services.Board, others: Filters) -> None:
    """The picture's numbers as a table: the cube at the present thresholds."""
    now = state.now().compare
    rows = outcomes(board)[passing(board, replace(others, box=selection.filters().box))]
    student = cube(rows)
    twin = cube(rows, "twin") if "twin_p" in rows else {}
    table = [
        {
            "label": {"0": "not relevant", "1": "relevant", "-": "none"}[cell[0]],
            "teacher says": "yes" if cell[1] == "1" else "no",
            "student says": "yes" if cell[2] == "1" else "no",
            "who is right": OUTCOME_TITLES[outcome_of(cell)],
            "pairs": n,
            "pairs, twin": twin.get(cell, ""),
        }
        for cell, n in student.items()
        if cell[0] != "-" or n
    ]
    counts = pd.DataFrame(table).groupby("who is right")["pairs"].sum()
    of_each = [f"{counts[t]:,} {t}" for t in OUTCOME_TITLES.values() if counts.get(t)]
    which = "; ".join(selection.described(board, outcomes=False))
    of = f"Of {len(rows):,} pairs" + (f" ({which})" if which else "")
    sentence = (
        f"{of} at thresholds {number(now.teacher_threshold, 2)} (teacher) and "
        f"{number(now.student_threshold, 2)} (student): {', '.join(of_each)}."
    )
    words = "; ".join(selection.described(board))
    chosen = f"{len(selection.selected(board)):,} of {len(board.pairs):,} pairs selected"
    lines, n = ([f"Selected: {words}"], chosen) if words else ([], "")
    title = "Teacher against student, pair by pair"
    caption = captions.of_board(board, title, *lines, n=n)
    controls.exports("chart_joint", pd.DataFrame(table), sentence, marks(board), caption)
