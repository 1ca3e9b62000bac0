"""The film of a training: its moments, where they are drawn, and what the maps keep of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services import Answers, Board, access
from app.views.map.queries import maps
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.projection.layout import turned
from kdcore.projection.maps import maps_key
from kdcore.projection.moments import Moments, moments_of
from kdcore.projection.pca import pca_map
from kdcore.projection.quality import MapQuality
from kdcore.projection.spaces import Points as Places

BUNDLED = access.ASSETS / "measured" / "maps" / "moments"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Film:
    """The moments of the student and, at the left, of its twin, on the pairs of their probe."""

    pairs: PairTable
    runs: tuple[Moments, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a step is called on the slider, with the twin's where it took other steps."""
        pairs = zip(self.runs[0].steps, self.runs[-1].steps, strict=True)
        return tuple(
            f"step {own:,}" if own == twin else f"step {own:,} (twin: {twin:,})"
            for twin, own in pairs
        )

    @property
    def cache_key(self) -> str:
        """What the pictures depend on."""
        return "-".join(run.pooled().content_hash for run in self.runs)


def film_of(board: Board) -> Film | None:
    """The moments of the board's student, and of its twin where both saw the same pairs."""
    return _film(board.student, board.twin)


@by_hash(most=6, on=lambda student, twin: [_folders(model) for model in (student, twin)])
def _film(student: Answers | None, twin: Answers | None) -> Film | None:
    own = _moments(student)
    if own is None or student is None or student.run is None:
        return None
    pairs = PairTable.load(student.run.replay_folder / "probe")
    if own.data_hash != pairs.content_hash:
        return None
    other = _moments(twin)
    if other is None or other.data_hash != own.data_hash or len(other.steps) != len(own.steps):
        return Film(pairs, (own,))
    return Film(pairs, (other, own))


def _moments(model: Answers | None) -> Moments | None:
    """The moments of a model's run, or those that the demo keeps of it."""
    folders = _folders(model)
    films = (moments_of(folder, model.title) for folder in folders if model)
    return next((moments for moments in films if moments is not None), None)


def _folders(model: Answers | None) -> list[Path]:
    """Where the moments of a model may lie: in its run, and of the demo's also in BUNDLED."""
    if model is None or model.run is None:
        return []
    run = model.run
    bundled = [BUNDLED / run.id] if run.folder.parent == access.demo().runs else []
    return [run.replay_folder, *bundled]


@by_hash(most=6)
def shares_of(film: Film) -> tuple[Floats, ...]:
    """Of each run (moments, pairs) the share of neighbors that are those of the last step."""
    return tuple(run.shared_with_last() for run in film.runs)


def key_of(film: Film) -> str:
    """The name of the maps of all moments."""
    first, second = film.runs[0].pooled(), film.runs[-1].pooled()
    return maps_key(first, second)


def places_of(film: Film, umap: bool) -> list[NDArray[np.float32]]:
    """(moments, pairs, 2) places of each run."""
    return _umap(film) if umap else _pca(film)


def _pca(film: Film) -> list[NDArray[np.float32]]:
    """By PCA; the second run's map is laid onto the first as a whole."""
    places: list[Places] = [pca_map(run.pooled())[0] for run in film.runs]
    if len(places) == 2:
        places[1] = turned(places[1], places[0])
    return [_by_moment(film, each) for each in places]


def _umap(film: Film) -> list[NDArray[np.float32]]:
    drawn = maps.finished(key_of(film))
    if drawn is None:
        raise DataError("the UMAP of these moments is gone; draw it again")
    layout = drawn.maps.layouts["umap"]
    sides = [layout.first, layout.second] if len(film.runs) == 2 else [layout.first]
    return [_by_moment(film, each) for each in sides]


def _by_moment(film: Film, places: Places) -> NDArray[np.float32]:
    return places.reshape(len(film.names), len(film.pairs), 2)


@by_hash(most=8)
def kept_of(film: Film, umap: bool) -> tuple[tuple[MapQuality | None, ...], ...]:
    """Of each run, how much its map keeps of each moment's space."""
    pairs = zip(film.runs, places_of(film, umap), strict=True)
    return tuple(run.qualities(side.reshape(-1, 2)) for run, side in pairs)
