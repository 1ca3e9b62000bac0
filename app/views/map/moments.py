"""Moments of a training: how the space of a student and of its twin came about, step by step."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.parts.map import Color, Points, Texts, color_by_class, linked_maps, points_of, texts_of
from app.services import Answers, Board, access
from app.services.selection import picked
from app.shell import captions, frame
from app.views.map import choices, drawing, models, picture
from app.views.map.numbers import CLUSTERS
from app.views.map.queries import maps
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.predictions import Predictions
from kdcore.projection import jobs
from kdcore.projection.layout import turned
from kdcore.projection.maps import maps_key
from kdcore.projection.moments import Moments, moments_of
from kdcore.projection.pca import pca_map
from kdcore.projection.quality import K, overlap_interval
from kdcore.projection.spaces import Points as Places
from kdcore.runs.store import Run

BUNDLED = access.ASSETS / "measured" / "maps" / "moments"
COLORS = {"label": "Label", "density": "Density of points"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Film:
    """The moments of the student and, at the left, of its twin, on the pairs of their probe."""

    pairs: PairTable
    runs: tuple[Moments, ...]
    again: bool  # of runs with the same settings that were trained for this page

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


def draw(board: Board) -> None:
    """The maps with their time slider, or what is missing."""
    if frame.selected(""):
        st.rerun()  # the top bar still tells what is picked of the pairs
    film = film_of(board)
    if film is None:
        models.draw_without_maps(board, missing(board))
        return
    finding = sentence(film)
    frame.finding(finding)
    models.draw(board)
    _picture(board, film, finding)
    if film.again:
        st.caption(
            "The bundled runs stored no features at their moments, so they were trained again with "
            "the same settings and seed; the last answers differ by 0.002 logits at most."
        )
    st.caption(
        "All moments of a run are fitted together, so a point that moves from step to step moves "
        "in one and the same space. The share of final neighbors says how many of a pair's nearest "
        "pairs are those of the last step."
    )
    st.caption(CLUSTERS)


def missing(board: Board) -> str:
    """Why there are no moments of this student to draw."""
    student = board.student
    if student is None or student.run is None:
        return (
            "Moments are stored while a student is trained here; these predictions are from a file."
        )
    return (
        f"{student.title} stored no features while it learned: runs of an earlier version, and "
        "runs without a replay, store answers only. Train it again under Distill to see its "
        "space form; Temperature replays its soft labels."
    )


def film_of(board: Board) -> Film | None:
    """The moments of the board's student, and of its twin where both saw the same pairs."""
    return _film(board.student, board.twin)


@by_hash(most=6, on=lambda student, twin: [_folders(model) for model in (student, twin)])
def _film(student: Answers | None, twin: Answers | None) -> Film | None:
    own, again = _moments(student)
    if own is None or student is None or student.run is None:
        return None
    pairs = PairTable.load(student.run.replay_folder / "probe")
    if own.data_hash != pairs.content_hash:
        return None
    other = _moments(twin)[0]
    if other is None or other.data_hash != own.data_hash or len(other.steps) != len(own.steps):
        return Film(pairs, (own,), again)
    return Film(pairs, (other, own), again)


def _moments(model: Answers | None) -> tuple[Moments | None, bool]:
    """The moments of a model's run, and whether they are of one trained again for this page."""
    for folder in _folders(model):
        if model and (moments := moments_of(folder, model.title)) is not None:
            return moments, folder.is_relative_to(BUNDLED) and _is_again(folder, model.run)
    return None, False


def _is_again(folder: Path, run: Run | None) -> bool:
    """Whether the run was trained again for these moments: its last answers then differ a little.

    The command that builds the demo copies those of the run itself.
    """
    last = max(folder.glob("step-*.parquet"))
    own = run.replay_folder / last.name if run else last
    if not own.is_file():
        return True
    return not np.array_equal(Predictions.load(own).logits, Predictions.load(last).logits)


def _folders(model: Answers | None) -> list[Path]:
    """Where the moments of a model may lie: in its run, and of the demo's also in BUNDLED."""
    if model is None or model.run is None:
        return []
    run = model.run
    again = [BUNDLED / run.id] if run.folder.parent == access.demo().runs else []
    return [run.replay_folder, *again]


@by_hash(most=6)
def shares_of(film: Film) -> tuple[Floats, ...]:
    """Of each run (moments, pairs) the share of neighbors that are those of the last step."""
    return tuple(run.shared_with_last() for run in film.runs)


def sentence(film: Film) -> str:
    """How many of its final neighbors a pair has at the moment that is shown, and half way."""
    shares, run = shares_of(film)[-1], film.runs[-1]
    shown = state.now().map.moment
    place = len(run.steps) // 2 if shown < 0 else min(round(shown), len(run.steps) - 1)
    low, high = overlap_interval(shares[place].astype(np.float32), film.pairs.query_ids)
    chance = 100 * K / max(len(film.pairs) - 1, 1)
    text = (
        f"At step {run.steps[place]:,} of {run.steps[-1]:,} a pair of the student has "
        f"{100 * shares[place].mean():.0f} % [{100 * low:.0f}, {100 * high:.0f}] of the "
        f"{K} neighbors that it has at the end (n = {len(film.pairs):,} pairs; {chance:.1f} % by "
        "chance)"
    )
    if len(film.runs) < 2:
        return f"{text}."
    twin = shares_of(film)[0]
    low, high = overlap_interval(twin[place].astype(np.float32), film.pairs.query_ids)
    return (
        f"{text}; its twin has {100 * np.nanmean(twin[place]):.0f} % "
        f"[{100 * low:.0f}, {100 * high:.0f}] of its own."
    )


def _picture(board: Board, film: Film, finding: str) -> None:
    key = key_of(film)
    drawn = maps.finished(key)
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_controls"):
        choices.color(COLORS)
        if drawn is None:
            note = "PCA is shown. UMAP of all moments takes about a minute in the background."
            drawing.job(key, "Draw UMAP", note, partial(_request, film))
        else:
            drawing.layouts()
    umap = drawn is not None and state.now().map.layout == "umap"
    points, color, texts = _points(film, umap), _color(film), _texts(film)
    owner = film.pairs.content_hash
    selected = picked.fetch(state.now().map.selected, owner)
    point = state.now().map.point
    titles = _titles(film)
    with st.container(key="chart_map", gap=None):
        linked_maps(
            points,
            color,
            key=picture.KEY,
            on_change=partial(picture.take, points, color, owner, "map.point"),
            titles=titles,
            roles=("twin", "student") if len(film.runs) == 2 else ("student", "student"),
            texts=texts,
            shown=picture.shown_of(
                np.zeros(0, dtype=np.int64) if selected is None else selected,
                point if 0 <= point < len(film.pairs) else None,
            ),
            unit="pairs",
        )
    _exports(board, film, finding, umap)


def _exports(board: Board, film: Film, finding: str, umap: bool) -> None:
    titles = _titles(film)
    caption = captions.of_models(
        board,
        f"{'UMAP' if umap else 'PCA'} of the moments of a training",
        "One fit on all moments; distances between clusters mean nothing.",
        models=[captions.plain(title) for title in titles],
        n=f"n = {len(film.pairs):,} pairs at {len(film.names)} moments",
    )
    controls.exports("chart_map", table(film), finding, f"moments={key_of(film)}", caption)


def key_of(film: Film) -> str:
    """The name of the maps of all moments."""
    first, second = film.runs[0].pooled(), film.runs[-1].pooled()
    return maps_key(first, second)


def _request(film: Film) -> None:
    access.refuse_public()
    jobs.request(film.runs[0].pooled(), film.runs[-1].pooled(), access.home())


def _titles(film: Film) -> tuple[str, ...]:
    names = ("Twin", "Student") if len(film.runs) == 2 else ("Student",)
    return tuple(f"{name}: {run.title}" for name, run in zip(names, film.runs, strict=True))


@by_hash(most=8)
def _points(film: Film, umap: bool) -> Points:
    left, *right = _umap(film) if umap else _pca(film)
    ids = np.arange(len(film.pairs))
    second = list(right[0]) if right else None
    return points_of(ids, list(left), second, moments=film.names)


def _pca(film: Film) -> list[NDArray[np.float32]]:
    """(moments, pairs, 2) places of each run; the second is laid onto the first as a whole."""
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


def _color(film: Film) -> Color | None:
    if choices.present_color(COLORS) == "density":
        return None
    return color_by_class("Label", film.pairs.grades, list(film.pairs.scheme.grades))


@by_hash(most=6, on=lambda film: film.pairs)
def _texts(film: Film) -> Texts:
    frame = film.pairs.frame
    return texts_of(frame["query"].tolist(), frame["title"].tolist())


def table(film: Film) -> pd.DataFrame:
    """A row per moment: the share of final neighbors that student and twin already have."""
    names = ("twin", "student") if len(film.runs) == 2 else ("student",)
    columns: dict[str, list[float] | tuple[int, ...]] = {"step": film.runs[-1].steps}
    for name, shares in zip(names, shares_of(film), strict=True):
        ends = [overlap_interval(each.astype(np.float32), film.pairs.query_ids) for each in shares]
        columns[f"{name}: final neighbors"] = [float(np.mean(each)) for each in shares]
        columns[f"{name}: low"] = [low for low, _ in ends]
        columns[f"{name}: high"] = [high for _, high in ends]
    return pd.DataFrame(columns)
