"""The filters that the state says, and the pairs that they leave."""

import re

import numpy as np
from numpy.typing import NDArray

from app import state
from app.services.boards import Board
from app.services.selection import outcomes
from kdcore.analysis.filters import Filters
from kdcore.analysis.outcomes import CELLS, OUTCOMES
from kdcore.analysis.tags import TAGS


def filters() -> Filters:
    """The filters that the state says; words that name nothing are left out."""
    now = state.now().compare
    tags, names = now.tags.split(","), now.outcomes.split(",")
    grades = [g for g in now.grades.split(",") if re.fullmatch(r"-?[0-9]{1,3}", g)]
    box = now.box
    ordered = len(box) == 4 and box[0] <= box[1] and box[2] <= box[3]
    return Filters(
        search=now.search,
        tags=tuple(t for t in TAGS if t in tags),
        grades=tuple(sorted({int(g) for g in grades if -1 <= int(g) < 255})),
        outcomes=tuple(o for o in OUTCOMES if o in names),
        cells=tuple(c for c in CELLS if c in names),
        box=(box[0], box[1], box[2], box[3]) if ordered else None,
    )


def active() -> bool:
    """Whether anything is filtered: by the rail, the picture or a slice."""
    return bool(filters()) or bool(state.now().compare.slice)


def mask(board: Board) -> NDArray[np.bool_]:
    """(pairs,) the pairs that filters and slice leave."""
    return outcomes.passing(board, filters())
