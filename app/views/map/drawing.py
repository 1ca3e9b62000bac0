"""The layout: UMAP where it is finished, else PCA and a button that draws UMAP."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md
from app.services import access
from app.views.map.queries import maps
from app.views.map.scene import Scene

WAYS = {"umap": "UMAP", "pca": "PCA"}
HELP = (
    "UMAP (McInnes et al. 2018) of both spaces, in a process of its own: the second map starts at "
    "the first, so that both can be read side by side. Also looks for the neighbors of every pair."
)


def draw(scene: Scene) -> None:
    """The choice of a layout, or how far UMAP is."""
    if "umap" in scene.maps.layouts:
        layouts()
        return
    note = f"PCA is shown. UMAP takes {_estimate(len(scene.rows))} in the background."
    job(scene.drawn.key, "Draw UMAP", note, partial(maps.request, scene.left, scene.right))


def layouts() -> None:
    """The choice between finished layouts."""
    controls.choose("map.layout", "Layout", WAYS)


def job(key: str, label: str, note: str, request: Callable[[], None]) -> None:
    """The button that starts a drawing, or how far it is; the page follows when it is done."""
    running = maps.progress(key).state == "running"
    st.fragment(_watch, run_every=1.0 if running else None)(key, label, note, request)


def _watch(key: str, label: str, note: str, request: Callable[[], None]) -> None:
    progress = maps.progress(key)
    if progress.state == "finished":
        st.rerun()
    if progress.state == "running":
        with st.container(horizontal=True, vertical_alignment="center", key="map_job"):
            st.progress(progress.share, text=f"UMAP: {md(progress.step)}")
            st.button("Cancel", on_click=maps.cancel, args=(key,), key="map_cancel")
        return
    if progress.message:
        st.error(md(progress.message))
    with st.container(horizontal=True, vertical_alignment="center", key="map_start"):
        if st.button(label, key="map_draw", **access.unless_public(HELP)):
            request()
            state.change(map={"layout": "umap"})
            st.rerun()
        st.caption(note)


def _estimate(points: int) -> str:
    """A rough time on one core, from 10,000 points in half a minute and 100,000 in two."""
    if points <= 20_000:
        return "about a minute"
    return f"about {max(2, round(points / 25_000))} minutes"
