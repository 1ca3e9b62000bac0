"""The maps of two models: the bundled ones, those drawn here, else PCA at once."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app import state
from app.kit.by_hash import by_hash
from app.services import Answers, Board, access
from kdcore.errors import DataError
from kdcore.folder_job import Progress
from kdcore.projection import intervals, jobs
from kdcore.projection.bundled import bundled_maps
from kdcore.projection.maps import Layout, TwoMaps, Way, glance, maps_key
from kdcore.projection.near import Near, near
from kdcore.projection.quality import overlap_interval
from kdcore.projection.spaces import Space, sample
from kdcore.scores import Scores

Origin = Literal["bundled", "here", "glance"]
NO_FEATURES = "{title} has no stored features on these pairs, so there is nothing to draw. {cure}"


@dataclass(frozen=True)
class Drawn:
    """Finished maps and where they come from; a glance has PCA alone, with sampled numbers."""

    maps: TwoMaps
    origin: Origin
    key: str

    @property
    def way(self) -> Way:
        """The layout that is shown: the chosen one, PCA while there is no other."""
        chosen = state.now().map.layout
        return chosen if chosen in self.maps.layouts else "pca"  # type: ignore[return-value]

    @property
    def layout(self) -> Layout:
        """Both maps as they are shown."""
        return self.maps.layouts[self.way]


@by_hash(most=12)
def space_of(model: Answers) -> Space:
    """The features of a model; DataError with what to do where there are none."""
    features = model.predictions.features
    if features is None:
        cure = (
            "Its predictions were imported as a file, and files carry no features: choose a model "
            "that was trained or scored here."
            if model.run is None
            else "Features are stored for the test split: choose that split, or score these pairs "
            "again, under Data."
        )
        raise DataError(NO_FEATURES.format(title=model.title, cure=cure))
    return Space(features, model.title)


def key_of(left: Answers, right: Answers) -> str:
    """The name of their maps."""
    return maps_key(space_of(left), space_of(right))


def drawn_of(left: Answers, right: Answers) -> Drawn:
    """The maps of two models; DataError where they cannot be drawn."""
    key = key_of(left, right)
    return finished(key) or Drawn(_glance(left, right), "glance", key)


def progress(key: str) -> Progress:
    """How the drawing of these maps in the background stands."""
    return jobs.progress(key, access.home())


def request(left: Answers, right: Answers) -> None:
    """Draw the maps of two models in the background."""
    access.refuse_public()
    jobs.request(space_of(left), space_of(right), access.home())


def cancel(key: str) -> None:
    """End that drawing."""
    jobs.cancel(key, access.home())


def finished(key: str) -> Drawn | None:
    """The maps of this key, bundled or drawn here; None where there are none yet."""
    if (bundled := _bundled(key)) is not None:
        return Drawn(bundled, "bundled", key)
    if jobs.progress(key, access.home()).state == "finished":
        try:
            return Drawn(_drawn_here(key), "here", key)
        except DataError:  # damaged or of another version: drawn again when asked for
            jobs.forget(key, access.home())
    return None


@by_hash(most=12)
def _bundled(key: str) -> TwoMaps | None:
    return bundled_maps(key)


@by_hash(most=12)
def _drawn_here(key: str) -> TwoMaps:
    return jobs.maps_of(key, access.home())


@by_hash(most=12, spinner="Drawing both maps by PCA…")
def _glance(left: Answers, right: Answers) -> TwoMaps:
    return glance(space_of(left), space_of(right))


@by_hash(most=40)
def interval_of(shared: NDArray[np.float32], groups: NDArray[np.int64]) -> tuple[float, float]:
    """The 95 % interval of the mean overlap, over queries."""
    return overlap_interval(shared, groups)


@by_hash(most=20, on=lambda drawn, board, left, right: (drawn.key, drawn.origin, board.pairs))
def alike_of(
    drawn: Drawn, board: Board, left: Answers, right: Answers
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The 95 % intervals of CKA and of RSA over queries, on the samples that gave the numbers."""
    geometry, rows = drawn.maps.geometry, drawn.maps.rows
    one, other = (space_of(model).features for model in (left, right))
    many, some = (rows[sample(len(rows), n)] for n in (geometry.cka_n, geometry.rsa_n))
    queries = board.pairs.query_ids
    return (
        intervals.cka_interval(geometry.cka, one[many], other[many], queries[many]),
        intervals.rsa_interval(geometry.rsa, one[some], other[some], queries[some]),
    )


@by_hash(most=20, on=lambda board, model: (board.pairs, model))
def near_of(board: Board, model: Answers) -> Near:
    """What near means in the space of a model."""
    relevance = Scores.of(model.predictions, board.pairs.scheme).relevance
    return near(space_of(model), board.pairs.query_ids, relevance)
