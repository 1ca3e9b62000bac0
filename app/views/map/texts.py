"""Queries and ads in one space: the vectors of two towers, by two models side by side."""

from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import counted
from app.parts.map import linked_maps
from app.services import Board, access
from app.services.selection import picked
from app.shell import captions, frame
from app.state.compare import NO_FILTERS
from app.views.map import choices, drawing, models, picture
from app.views.map.numbers import CLUSTERS
from app.views.map.queries import maps
from app.views.map.queries import texts as queries
from kdcore.projection import jobs
from kdcore.projection.texts import TextPoints, texts_key
from kdcore.runs.store import Run

NEAR = (
    "Texts are near each other where the towers read them alike: a student ranks an ad high for a "
    "query where both vectors point the same way. Left and right are two spaces; compare which "
    "texts are near each other."
)


def draw(board: Board) -> None:
    """The maps of the texts, or the button that draws them, or why there are none."""
    if frame.selected(""):
        st.rerun()  # the top bar still tells what is picked of the pairs
    sides = [models.answers_of(board, side) for side in models.SIDES]
    problem = next((p for m in sides if (p := queries.refusal(m))), "")
    if problem:
        models.draw_without_maps(board, problem)
        return
    left, right = sides
    assert left is not None
    assert right is not None
    texts = queries.texts_of_board(board)
    runs = queries.run_of(left), queries.run_of(right)
    key = texts_key(runs[0].model_folder, runs[1].model_folder, texts)
    drawn = maps.finished(key)
    if drawn is None:
        frame.finding(
            f"The {len(texts.queries):,} queries and {len(texts.ads):,} ads of these pairs are not "
            "embedded by both models yet."
        )
        models.draw(board)
        note = "Embeds every text by both models and draws the maps; a minute or two."
        drawing.job(key, "Embed and draw", note, partial(_request, runs, texts))
        return
    _picture(queries.TextScene(board, (left, right), texts, drawn))


def _picture(scene: queries.TextScene) -> None:
    finding = queries.sentence(scene)
    frame.finding(finding)
    models.draw(scene.board)
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_controls"):
        choices.color(queries.COLORS)
        choices.find()
        drawing.layouts()
    rows, points = scene.maps.rows, queries.placed(scene)
    color, owner = queries.color_of(scene), scene.texts.content_hash
    selected = queries.picked_points(scene)
    pinned = state.now().map.point
    matches = queries.matches(scene)
    choices.no_match(matches, "queries and ads")
    with st.container(key="chart_map", gap=None):
        linked_maps(
            points,
            color,
            key=picture.KEY,
            on_change=partial(picture.take, points, color, owner, "map.point"),
            titles=scene.titles,
            roles=scene.roles,
            notes=tuple(picture.note(quality) for quality in scene.drawn.layout.qualities),
            texts=queries.texts(scene),
            shown=picture.shown_of(selected, pinned if pinned in rows else None),
            pinned=queries.card_of(scene, pinned) if pinned in rows else None,
            marked=matches[: choices.MOST_MARKED],
            unit="queries and ads",
        )
    caption = captions.of_models(
        scene.board,
        f"{drawing.WAYS[scene.drawn.way]} of the vectors of queries and ads",
        picture.DEFINITION,
        models=[captions.plain(title) for title in scene.titles],
        n=f"n = {len(rows):,} queries and ads",
    )
    controls.exports("chart_map", queries.table(scene), finding, scene.drawn.key, caption)
    _to_compare(scene, selected)
    st.caption(NEAR)
    st.caption(CLUSTERS)


def _to_compare(scene: queries.TextScene, points: NDArray[np.int64]) -> None:
    if not len(points):
        return
    rows = queries.pairs_of(scene.texts, points)
    with st.container(horizontal=True, vertical_alignment="center", key="map_selection"):
        st.text(
            f"{counted(len(points), 'text')} picked, from {counted(len(rows), 'pair')} "
            "(if both queries and ads are picked, only pairs of the two count)."
        )
        if len(rows) and st.button("Open these pairs in Compare", key="map_compare"):
            digest = picked.keep(rows, scene.board.pairs.content_hash)
            state.correct(compare=NO_FILTERS | {"slice": f"{picked.KIND}{digest}", "page": 1})
            st.switch_page("views/compare/page.py")


def _request(runs: tuple[Run, Run], texts: TextPoints) -> None:
    access.refuse_public()
    jobs.request_texts(runs, texts, access.home())
