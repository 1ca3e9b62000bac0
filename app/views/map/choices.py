"""Filters, search and the selection of the map: which points are pale, ringed or picked."""

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import services, state
from app.kit import controls
from app.services.selection import chosen, picked, slices
from app.views.map import colors
from app.views.map.scene import Scene
from kdcore.data.pairs import UNLABELLED

Rows = NDArray[np.int64]
MOST_MARKED = 500  # points of a search that are ringed
_LOST = "lost"


def color(titles: Mapping[str, str]) -> None:
    """The choice of a color; of other points the state may name one that is not offered here."""
    st.session_state["w_mcolor"] = present_color(titles)
    st.selectbox(
        "Color",
        list(titles),
        format_func=lambda name: titles[name],
        key="w_mcolor",
        on_change=_colored,
        width=230,
    )


def present_color(titles: Mapping[str, str]) -> str:
    """The state's color, else the first that is offered."""
    name = state.now().map.color
    return name if name in titles else next(iter(titles))


def _colored() -> None:
    """Classes and numbers of the old color are put away with it."""
    state.change(map={"color": st.session_state["w_mcolor"], "hidden": "", "limits": ()})


def draw(scene: Scene) -> None:
    """The search and the filter."""
    find()
    controls.select("map.only", "Show only", _offered(scene), width=230)


def find() -> None:
    """The search for words."""
    controls.bound(
        st.text_input,
        "map.find",
        "Find",
        placeholder="words of query or ad",
        max_chars=200,
        width=260,
        on_change=_searched,
    )


def _searched() -> None:
    state.change(map={"find": st.session_state["w_mfind"].strip()})


def no_match(matching: Rows, unit: str) -> None:
    """Say above the maps that a search found nothing."""
    if state.now().map.find.strip() and not len(matching):
        st.caption(f"None of the {unit} that are drawn holds all of these words.")


def without_selection() -> dict[str, str]:
    """The choices, by path, when nothing is picked any more: nor does Compare show what was."""
    now = state.now()
    own = now.compare.slice == f"{picked.KIND}{now.map.selected}"
    return {"map.selected": ""} | ({"compare.slice": ""} if own else {})


def _offered(scene: Scene) -> Mapping[str, str]:
    pairs = scene.board.pairs
    offered = {"": "all pairs"}
    offered |= {f"grade={g}": f"label {name}" for g, name in enumerate(pairs.scheme.grades)}
    if (pairs.grades == UNLABELLED).any():
        offered["grade=-1"] = "without a label"
    offered |= {f"outcome={code}": name for code, name in enumerate(colors.OUTCOMES)}
    offered[_LOST] = "no neighbor in common"
    if scene.board.ready:
        offered["compare"] = "Compare's selection"
    present = state.now().map.only
    if present not in offered:
        state.ignore(f"monly: no filter here is called {present[:40]!r}; all pairs are shown")
        state.correct(map={"only": ""})
    return offered


def passing(scene: Scene) -> NDArray[np.bool_] | None:
    """(points,) which points pass the filter; None where all do."""
    kind, _, value = state.now().map.only.partition("=")
    rows = scene.rows
    if kind == "grade":
        return np.asarray(scene.board.pairs.grades[rows] == int(value))
    if kind == "outcome":
        return np.asarray(colors.outcomes(scene)[rows] == int(value))
    if kind == _LOST:
        return np.asarray(scene.maps.shared == 0)
    return chosen.mask(scene.board)[rows] if kind == "compare" else None


def matches(scene: Scene) -> Rows:
    """The drawn pairs that hold every searched word; none without a search."""
    words = state.now().map.find.lower().split()
    if not words:
        return np.zeros(0, dtype=np.int64)
    texts = slices.texts(scene.board)["text"]
    rows = scene.rows
    for word in words:
        matching = texts.iloc[rows].str.contains(word, regex=False).to_numpy(dtype=bool)
        rows = rows[matching]
    return rows


def picked_rows(board: services.Board) -> Rows:
    """The pairs that the visitor picked; none where the link's selection is not stored here."""
    digest = state.now().map.selected
    rows = picked.fetch(digest, board.pairs.content_hash) if digest else None
    if digest and rows is None:
        state.ignore(f"msel: no selection of these pairs is stored here under {digest!r}")
        state.correct(map={"selected": ""})
    return np.zeros(0, dtype=np.int64) if rows is None else rows
