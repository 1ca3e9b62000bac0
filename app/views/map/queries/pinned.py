"""What is known of the pair in focus: its facts, and its neighbors in both original spaces."""

import numpy as np

from app.kit.by_hash import by_hash
from app.kit.texts import number, pair_number
from app.parts.map import Neighbor, Pinned
from app.services import Answers, Board
from app.views.map import colors
from app.views.map.queries.maps import space_of
from app.views.map.scene import Scene
from kdcore.data.pairs import UNLABELLED
from kdcore.projection.neighbors import nearest
from kdcore.projection.quality import K


def pinned_of(scene: Scene) -> Pinned | None:
    """The card of the pair in focus; None where none is, or it is not drawn."""
    row = scene.pinned
    if row is None:
        return None
    query, title, text = texts_of(scene.board, row)
    sides = [_neighbors(scene.board, model, row) for model in scene.models]
    return Pinned(
        row,
        f"Pair {pair_number(row)}: {query}",
        f"{title} – {text}" if text else title,
        _facts(scene, row),
        left=sides[0],
        right=sides[1],
        note="Distances are Euclidean, in each model's own space; the two scales differ.",
    )


def texts_of(board: Board, row: int) -> tuple[str, str, str]:
    """Query, title and description of a pair."""
    pair = board.pairs.frame.iloc[row]
    return str(pair["query"]), str(pair["title"]), str(pair["description"])


def _facts(scene: Scene, row: int) -> tuple[tuple[str, str], ...]:
    board = scene.board
    grade = int(board.pairs.grades[row])
    label = "none" if grade == UNLABELLED else board.pairs.scheme.grades[grade]
    facts = [("Label", label)]
    for name, model in zip(("left", "right"), scene.models, strict=True):
        facts.append(
            (f"P(relevant), {name} model", number(float(colors.relevance(board, model)[row])))
        )
    return tuple(facts)


@by_hash(most=200, on=lambda board, model, row: (board.pairs, model, row))
def _neighbors(board: Board, model: Answers, row: int) -> tuple[Neighbor, ...]:
    """The nearest pairs in the model's own space, of all pairs of the board."""
    ids, distances = nearest(space_of(model), K, np.array([row]))
    return tuple(
        _neighbor(board, int(near), float(far))
        for near, far in zip(ids[0], distances[0], strict=True)
    )


def _neighbor(board: Board, row: int, distance: float) -> Neighbor:
    query, title, _ = texts_of(board, row)
    return Neighbor(row, f"{query}: {title}", f"distance {number(distance)}")
