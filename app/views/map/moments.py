"""Moments of a training: how the space of a student and of its twin came about, step by step."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.texts import percent
from app.parts.map import Color, Points, Texts, color_by_class, linked_maps, points_of, texts_of
from app.services import Board, access
from app.services.selection import picked
from app.shell import captions, frame
from app.views.map import choices, drawing, models, picture
from app.views.map.numbers import CLUSTERS
from app.views.map.queries import maps
from app.views.map.queries.film import Film, film_of, kept_of, key_of, places_of, shares_of
from kdcore.projection import jobs
from kdcore.projection.quality import K, MapQuality, overlap_interval

COLORS = {"label": "Label", "density": "Density of points"}
READING = (
    "All moments of a run are fitted together, so a point that moves from step to step moves in "
    "one and the same space. The share of final neighbors says how many of a pair's nearest pairs "
    "are those of the last step. Trustworthiness and continuity below each title are of the moment "
    "shown: whether neighbors on its map are neighbors in its space, and the reverse."
)
Floats = NDArray[np.float64]


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
    st.caption(READING)
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


def sentence(film: Film) -> str:
    """How many of its final neighbors a pair has at the moment that is shown."""
    shares, run = shares_of(film)[-1], film.runs[-1]
    place = int(picture.moment_of(len(run.steps)) + 0.5)  # the nearer one, as below the titles
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
            notes=notes(film, umap),
            roles=("twin", "student") if len(film.runs) == 2 else ("student", "student"),
            texts=texts,
            shown=picture.shown_of(
                np.zeros(0, dtype=np.int64) if selected is None else selected,
                point if 0 <= point < len(film.pairs) else None,
                len(film.names),
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
    controls.exports("chart_map", table(film, umap), finding, f"moments={key_of(film)}", caption)


def _request(film: Film) -> None:
    access.refuse_public()
    jobs.request(film.runs[0].pooled(), film.runs[-1].pooled(), access.home())


def _titles(film: Film) -> tuple[str, ...]:
    names = ("Twin", "Student") if len(film.runs) == 2 else ("Student",)
    return tuple(f"{name}: {run.title}" for name, run in zip(names, film.runs, strict=True))


@by_hash(most=8)
def _points(film: Film, umap: bool) -> Points:
    left, *right = places_of(film, umap)
    ids = np.arange(len(film.pairs))
    second = list(right[0]) if right else None
    return points_of(ids, list(left), second, moments=film.names)


def _color(film: Film) -> Color | None:
    if choices.present_color(COLORS) == "density":
        return None
    return color_by_class("Label", film.pairs.grades, list(film.pairs.scheme.grades))


@by_hash(most=6, on=lambda film: film.pairs)
def _texts(film: Film) -> Texts:
    frame = film.pairs.frame
    return texts_of(frame["query"].tolist(), frame["title"].tolist())


def notes(film: Film, umap: bool) -> list[list[str]]:
    """What stands below each map at each moment: what the map keeps, and what is as at the end."""
    sides = zip(kept_of(film, umap), shares_of(film), strict=True)
    return [
        [_note(*each) for each in zip(qualities, shares, strict=True)]
        for qualities, shares in sides
    ]


def _note(quality: MapQuality | None, shares: Floats) -> str:
    if quality is None:
        return "all pairs lie at one place: there is nothing to measure yet"
    return f"{percent(float(shares.mean()))} of final neighbors; {picture.note(quality)}"


def table(film: Film, umap: bool) -> pd.DataFrame:
    """A row per moment: the share of final neighbors, and what the map keeps, of both models."""
    names = ("twin", "student") if len(film.runs) == 2 else ("student",)
    columns: dict[str, list[float] | tuple[int, ...]] = {"step": film.runs[-1].steps}
    for name, qualities, shares in zip(names, kept_of(film, umap), shares_of(film), strict=True):
        ends = [overlap_interval(each.astype(np.float32), film.pairs.query_ids) for each in shares]
        columns[f"{name}: final neighbors"] = [float(np.mean(each)) for each in shares]
        columns[f"{name}: low"] = [low for low, _ in ends]
        columns[f"{name}: high"] = [high for _, high in ends]
        for metric in ("trustworthiness", "continuity"):
            values = [float(getattr(each, metric)) if each else np.nan for each in qualities]
            columns[f"{name}: {metric}"] = values
    return pd.DataFrame(columns)
