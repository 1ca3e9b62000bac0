"""The two linked maps with the choices above them; a gesture comes back as one message."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import number
from app.parts.map import Color, Points, Shown, choice_of, linked_maps
from app.services.selection import picked
from app.shell import captions
from app.views.map import choices, colors, drawing
from app.views.map.queries.pinned import pinned_of
from app.views.map.queries.summary import table
from app.views.map.scene import Scene
from kdcore.projection.quality import MapQuality

KEY = "map"
DEFINITION = "Distances between clusters mean nothing; which points are near each other does."


def draw(scene: Scene, sentence: str) -> None:
    """The maps and their exports."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_controls"):
        choices.color(colors.titles(scene.board))
        choices.draw(scene)
        drawing.draw(scene)
    color, passing = colors.color_of(scene), choices.passing(scene)
    matches = choices.matches(scene)
    choices.no_match(matches, "pairs")
    with st.container(key="chart_map", gap=None):
        linked_maps(
            scene.points,
            color,
            key=KEY,
            on_change=partial(take, scene.points, color, scene.board.pairs.content_hash),
            titles=scene.titles,
            roles=scene.roles,
            notes=tuple(note(quality) for quality in scene.drawn.layout.qualities),
            texts=scene.texts,
            shown=shown_of(choices.picked_rows(scene.board), scene.pinned),
            pinned=pinned_of(scene),
            marked=matches[: choices.MOST_MARKED],
            dimmed=None if passing is None else ~passing,
            unit="pairs",
        )
    _exports(scene, sentence)


def _exports(scene: Scene, sentence: str) -> None:
    names = " and ".join(scene.titles)
    caption = captions.of_models(
        scene.board,
        f"{drawing.WAYS[scene.drawn.way]} of the features of {names}",
        DEFINITION,
        models=[captions.plain(each) for each in scene.titles],
        n=f"n = {len(scene.rows):,} pairs",
    )
    controls.exports("chart_map", table(scene), sentence, scene.made_from, caption)


def note(quality: MapQuality) -> str:
    """What stands below a map."""
    if not np.isfinite(quality.trustworthiness):
        return "too few points to measure how well the map keeps neighbors"
    return (
        f"trustworthiness {number(quality.trustworthiness)}, continuity "
        f"{number(quality.continuity)} (k = {quality.k}, n = {quality.n:,})"
    )


def moment_of(moments: int) -> float:
    """Which of so many moments is shown, or between which two; a page opens half way."""
    shown = state.now().map.moment
    return moments // 2 if shown < 0 else min(shown, max(0, moments - 1))


def shown_of(selected: NDArray[np.int64], pinned: int | None, moments: int = 1) -> Shown:
    """What the state says of the picture. moments: how many the maps have."""
    now = state.now().map
    return Shown(
        pinned=pinned,
        selected=selected,
        hidden=tuple(name for name in now.hidden.split("|") if name),
        view=(now.view[0], now.view[1], now.view[2]) if len(now.view) == 3 else None,
        moment=moment_of(moments),
        color_range=(now.limits[0], now.limits[1]) if len(now.limits) == 2 else None,
    )


def take(points: Points, color: Color | None, owner: str, pin: str = "pair") -> None:
    """What the visitor did becomes the state; a change of the view alone adds no entry.

    owner: hash of what the ids are of. pin: the choice that names the point in focus.
    """
    choice = choice_of(KEY, points, color)
    if not choice.n:
        return
    ids = np.asarray(choice.selected, dtype=np.int64)
    selection = (
        {"map.selected": picked.keep(ids, owner)} if len(ids) else choices.without_selection()
    )
    values: dict[str, Any] = {
        **selection,
        "map.hidden": "|".join(choice.hidden),
        "map.view": choice.view or (),
        "map.limits": choice.color_range or (),
        pin: -1 if choice.pinned is None else choice.pinned,
    }
    if len(points.moments) > 1:
        is_untouched = state.now().map.moment < 0 and choice.moment == len(points.moments) // 2
        values["map.moment"] = -1 if is_untouched else choice.moment
    before = state.changed(state.now(), **state.nested({"map.view": values["map.view"]}))
    arguments = state.nested(values)
    only_view = before == state.changed(state.now(), **arguments)
    (state.correct if only_view else state.change)(**arguments)
