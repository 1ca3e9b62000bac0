"""The pictures that are dragged: the plane, gradient against T, loss against margin."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import state
from app.kit import controls
from app.shell import captions
from app.views.losses import numbers, objective
from app.views.losses.parts.against_t import against_t
from app.views.losses.parts.margin import loss_margin
from app.views.losses.parts.plane import loss_plane
from app.views.losses.queries.values import Term
from app.views.losses.scene import VIEWS, Scene

Part = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Any], None]
# choices that a release sends back, by their keys in links
SENT = ("lt", "lat", "lax", "lsq", "lob", "lrate", "lsteps", "lmargin")


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """The plane: what each objective charges, where it pulls, and where descent ends."""
    title = f"Losses of two objectives, {VIEWS[scene.view].lower()}"
    _mount("losses_plane", loss_plane, scene, terms, title)


def draw_more(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """Why T², and how each loss grows with the margin, side by side."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Why T²: gradient against temperature", anchor=False)
        _mount("losses_against_t", against_t, scene, terms, "Gradient of each term against T")
    with right:
        st.subheader("Loss against margin", anchor=False)
        _mount("losses_margin", loss_margin, scene, terms, "Loss of each term against the margin")


def _mount(
    key: str, part: Part, scene: Scene, terms: dict[str, tuple[Term, ...]], title: str
) -> None:
    sent = {side: objective.sent(term.part for term in each) for side, each in terms.items()}
    with st.container(key=key):
        part(scene.sent(), sent, _choices(), _on_release)
    controls.exports(
        key,
        numbers.table(terms),
        f"{title}: {scene.provenance}",
        scene.provenance,
        captions.of_board(scene.board, title, *captions.pair_lines(scene.board, scene.row)),
    )


def _choices() -> dict[str, Any]:
    """The choices that the parts draw, by key in a link."""
    values = {key: state.value_of(state.now(), state.PATHS[key]) for key in SENT}
    values["lax"] = [int(each) for each in values["lax"]]
    return values | {"lat": list(values["lat"])}


def _on_release(sent: Mapping[str, Any]) -> None:
    """Set what was released; what a browser sends is not trusted, the state clamps it."""
    state.change(**state.of_keys({key: sent[key] for key in SENT if key in sent}))
