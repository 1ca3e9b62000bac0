"""The numbers of the map as tables: by group of pairs, and point by point."""

import numpy as np
import pandas as pd

from app.kit.by_hash import by_hash
from app.views.map import colors
from app.views.map.queries.maps import interval_of
from app.views.map.scene import Scene


def table(scene: Scene) -> pd.DataFrame:
    """The overlap of all pairs, of each label and of each outcome, with its 95 % interval."""
    return _table(scene)


@by_hash(most=20, on=lambda scene: (scene.drawn.key, scene.drawn.origin, scene.board, scene.models))
def _table(scene: Scene) -> pd.DataFrame:
    pairs, rows = scene.board.pairs, scene.rows
    grades, outcome = pairs.grades[rows], colors.outcomes(scene)[rows]
    groups = {"all pairs": np.ones(len(rows), dtype=bool)}
    groups |= {
        f"pairs labelled “{name}”": grades == g for g, name in enumerate(pairs.scheme.grades)
    }
    for code, name in enumerate(colors.OUTCOMES):
        groups[f"pairs with {name}"] = outcome == code
    measured = np.isfinite(scene.maps.shared)
    lines = []
    for name, inside in groups.items():
        some = inside & measured
        if not some.any():
            continue
        low, high = interval_of(scene.maps.shared[some], pairs.query_ids[rows][some])
        lines.append(
            {
                "pairs": name,
                "n": int(inside.sum()),
                "n measured": int(some.sum()),
                "overlap": float(scene.maps.shared[some].mean()),
                "low": low,
                "high": high,
            }
        )
    return pd.DataFrame(lines)


def points(scene: Scene) -> pd.DataFrame:
    """A row per point: its texts, its label, both places, the overlap and both P(relevant)."""
    board, rows = scene.board, scene.rows
    frame = board.pairs.frame.iloc[rows]
    names = np.array([*board.pairs.scheme.grades, ""], dtype=object)
    left, right = scene.drawn.layout.first, scene.drawn.layout.second
    return pd.DataFrame(
        {
            "pair": rows + 1,
            "query": frame["query"].to_numpy(),
            "title": frame["title"].to_numpy(),
            "description": frame["description"].to_numpy(),
            "label": names[board.pairs.grades[rows]],
            "x left": left[:, 0],
            "y left": left[:, 1],
            "x right": right[:, 0],
            "y right": right[:, 1],
            "overlap": scene.maps.shared,
            "P(relevant) left": colors.relevance(board, scene.left)[rows],
            "P(relevant) right": colors.relevance(board, scene.right)[rows],
        }
    )
