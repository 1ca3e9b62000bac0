"""Pairs that a visitor picked by hand, such as with a lasso, stored under a hash for links.

In a slice's name, `picked=<hash>` stands for them.
"""

import hashlib
import re
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit import memory
from app.services import access
from app.services.boards import Board
from kdcore.workspace import replacing

KIND = "picked="
_FOLDER = "picked"
_MOST = 2000  # stored selections; the oldest go first


def keep(rows: NDArray[np.int64], points: str) -> str:
    """The 16 hex digits under which ids are stored; points: what they are ids of, as a hash.

    In a public showing, and where nothing can be written, they last as long as the app.
    """
    ids = np.unique(np.asarray(rows, dtype=np.int64))
    digest = hashlib.sha256(points.encode() + ids.tobytes()).hexdigest()[:16]
    memory.table(_FOLDER)[digest, points] = ids
    if access.public():
        return digest
    path = access.home().cache_folder(_FOLDER) / f"{digest}-{points}.npy"
    with suppress(OSError):
        if not path.exists():
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.save(file, ids, allow_pickle=False)
        files = sorted(path.parent.glob("*.npy"), key=lambda p: p.stat().st_mtime)
        for old in files[:-_MOST]:
            old.unlink(missing_ok=True)
    return digest


def fetch(digest: str, points: str) -> NDArray[np.int64] | None:
    """The ids stored under a hash; None where these points have none of that name."""
    if not re.fullmatch(r"[0-9a-f]{16}", digest):
        return None
    if (ids := memory.table(_FOLDER).get((digest, points))) is not None:
        return np.asarray(ids)
    path = access.home().cache_folder(_FOLDER) / f"{digest}-{points}.npy"
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.int64)
    except (OSError, ValueError):
        return None


def mask(board: Board, name: str) -> NDArray[np.bool_] | None:
    """(pairs,) the pairs that a slice's name `picked=<hash>` stands for; None for other names."""
    if not name.startswith(KIND):
        return None
    rows = fetch(name.removeprefix(KIND), board.pairs.content_hash)
    if rows is None:
        state.ignore(f"slice: no selection of these pairs is stored here under {name[:30]!r}")
        return None
    inside = np.zeros(len(board.pairs), dtype=bool)
    inside[rows[rows < len(inside)]] = True
    return inside
