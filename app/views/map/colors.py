"""Colors of the points: what each choice shows; never by displacement, and why."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.parts.map import Color, color_by_class, color_by_number
from app.services import Answers, Board
from app.services.selection import chosen
from app.views.map.scene import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.scores import Scores

Ints = NDArray[np.int64]
OUTCOMES = ("both right", "only the left model right", "only the right model right", "both wrong")
OUTCOME_ROLES = ["truth", "teacher", "student", "defect"]
NEVER = (
    "Even between two maps of one and the same space, drawn with two seeds, points move by a fifth "
    "to a quarter of the map's spread. How far a point moved says next to nothing about how many "
    "neighbors it lost (rank correlation 0.22 at best, measured on twins). The overlap of "
    "neighbors is measured in the original spaces instead."
)


def titles(board: Board) -> Mapping[str, str]:
    """The colors on offer."""
    offered = {
        "overlap": "Neighbors in common",
        "label": "Label",
        "outcome": "Who is right",
        "relevance_left": "P(relevant), left model",
        "relevance_right": "P(relevant), right model",
        "slice": "Compare's selection",
        "density": "Density of points",
    }
    if not board.ready:  # Compare selects by both models' answers
        del offered["slice"]
    return offered


def color_of(scene: Scene) -> Color | None:
    """The present color; None draws the density."""
    offered, name = titles(scene.board), state.now().map.color
    return _color(scene, name if name in offered else next(iter(offered)))


@by_hash(
    most=40,
    on=lambda scene, name: (
        scene.drawn.key,
        scene.drawn.origin,
        scene.board,
        scene.models,
        name,
        selection_mask(scene.board) if name == "slice" else None,
    ),
)
def _color(scene: Scene, name: str) -> Color | None:
    board, rows = scene.board, scene.rows
    title = titles(board).get(name, "")
    if name == "overlap":
        k = scene.maps.geometry.k
        heading = f"Share of {k} neighbors in common"
        return color_by_number(heading, 100 * scene.maps.shared, 0, low=0.0, unit=" %")
    if name == "label":
        return color_by_class(title, board.pairs.grades[rows], list(board.pairs.scheme.grades))
    if name == "outcome":
        return color_by_class(title, outcomes(scene)[rows], list(OUTCOMES), OUTCOME_ROLES)
    if name == "slice" and title:
        codes = np.where(selection_mask(board)[rows], 0, -1)
        return color_by_class(title, codes, ["selected in Compare"], ["student"])
    if name in ("relevance_left", "relevance_right"):
        values = relevance(board, scene.left if name.endswith("left") else scene.right)[rows]
        return color_by_number(title, values, low=0.0, high=1.0)
    return None


@by_hash(most=20, on=lambda board, model: (board.pairs, model))
def relevance(board: Board, model: Answers) -> NDArray[np.float64]:
    """(pairs,) P(relevant) of a model at T = 1."""
    scores = Scores.of(model.predictions, board.pairs.scheme)
    return np.clip(scores.relevance, 0.0, 1.0)


def outcomes(scene: Scene) -> Ints:
    """(pairs,) places in OUTCOMES at a threshold of 0.5 for both; -1 without a label."""
    pairs = scene.board.pairs
    left, right = (
        (relevance(scene.board, model) >= 0.5) == pairs.relevant for model in scene.models
    )
    codes = 3 - 2 * left.astype(np.int64) - right.astype(np.int64)
    return np.where(pairs.grades == UNLABELLED, -1, codes)


def selection_mask(board: Board) -> NDArray[np.bool_]:
    """(pairs,) what Compare has selected; all pairs while it has selected nothing."""
    return chosen.mask(board)
