"""Compare's main picture: joint density with thresholds and box, the cube, the pair in focus."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import marks, number
from app.shell import captions
from app.views.compare import selection
from app.views.compare.parts.joint_density import JointView, joint_density, said
from app.views.compare.parts.joint_points import joint_points
from app.views.compare.queries import outcomes as service
from kdcore.analysis.filters import Filters
from kdcore.analysis.outcomes import CELLS, OUTCOME_TITLES, cube, outcome_of
from kdcore.analysis.tags import TAGS

KEY = "joint"


def draw(board: services.Board) -> None:
    """Draw it; a gesture comes back as one message, which `_taken` puts into the state."""
    now, chosen = state.now(), selection.filters()
    others = replace(chosen, box=None, outcomes=(), cells=())
    key, points = service.points(board)
    with st.container(key="chart_joint", gap=None):
        joint_points(points, key, key="joint_points")
        joint_density(
            JointView(
                points=key,
                grades=board.pairs.scheme.grades,
                relevant_from=board.pairs.scheme.relevant_from,
                ct=now.compare.teacher_threshold,
                cs=now.compare.student_threshold,
                box=chosen.box or (),
                cells=chosen.all_cells,
                mask=selection.kept_by(board, others) if others or now.compare.slice else None,
                pair=_pair(board),
                asked=now.pair if now.pair < len(board.pairs) else -1,
            ),
            key=KEY,
            on_change=_taken,
        )
    _exports(board, others)


def _taken() -> None:
    """What the visitor did with the picture becomes the state; nothing in it is trusted."""
    found = said(KEY)
    cells = found.get("cells", ())
    known = [c for c in CELLS if c in cells] if isinstance(cells, list | tuple) else []
    keys = ("ct", "cs", "box", "pair")
    sent: dict[str, Any] = {key: found[key] for key in keys if key in found}
    if not isinstance(sent.get("box", ()), list | tuple):
        del sent["box"]
    sent["outcomes"] = selection.compressed(known)
    selection.change(**state.of_keys(sent))


def _pair(board: services.Board) -> dict[str, Any] | None:
    """Texts and tags of the pair in focus."""
    row = selection.primary(board)
    if row < 0:
        return None
    pair = selection.judged(board).iloc[row]
    return {
        "row": row,
        "query": pair["query"],
        "title": pair["title"],
        "description": pair["description"],
        "tags": [tag.title for name, tag in TAGS.items() if pair[name]],
    }


def _exports(board: services.Board, others: Filters) -> None:
    """The picture's numbers as a table: the cube at the present thresholds."""
    now, judged = state.now().compare, selection.judged(board)
    boxed = replace(others, box=selection.filters().box)
    rows = judged[selection.kept_by(board, boxed)]
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
    sentence = (
        f"Of {len(rows):,} pairs at thresholds {number(now.teacher_threshold, 2)} (teacher) and "
        f"{number(now.student_threshold, 2)} (student): "
        + ", ".join(
            f"{pairs:,} {title}"
            for o, title in OUTCOME_TITLES.items()
            if (pairs := sum(k for c, k in student.items() if outcome_of(c) == o))
        )
        + "."
    )
    chosen = f"{len(rows):,} of {len(board.pairs):,} pairs selected"
    n = chosen if len(rows) < len(board.pairs) else ""
    caption = captions.of_board(board, "Teacher against student, pair by pair", n=n)
    controls.exports("chart_joint", pd.DataFrame(table), sentence, about(board), caption)


def about(board: services.Board) -> str:
    """The line that heads an exported file of this page: data and model hashes."""
    return marks(board)
