"""The pictures that are dragged: the plane, gradient against T, loss against margin."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app import state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.shell import captions
from app.views.losses import numbers, objective
from app.views.losses.parts.against_t import against_t
from app.views.losses.parts.margin import loss_margin
from app.views.losses.parts.plane import loss_plane
from app.views.losses.queries.values import Term, softened
from app.views.losses.scene import VIEWS, Scene

Part = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any], Any], None]
# choices that a release sends back, by their keys in links
SENT = ("lt", "lat", "lax", "lsq", "lob", "lrate", "lsteps", "lmargin")


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """The plane: what each objective charges, where it pulls, and where descent ends."""
    title = f"Losses of two objectives, {VIEWS[scene.view].lower()}"
    _mount("losses_plane", loss_plane, scene, terms, title)


def draw_more(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """Why T², where the objective shown has it, and how each loss grows with the margin."""
    left, right = st.columns(2, gap="medium")
    if not any(not term.why and softened(term.part) for term in terms[state.now().losses.shown]):
        right = left
    else:
        with left:
            _draw_against_t(scene, terms)
    with right:
        st.subheader("Loss against margin", anchor=False)
        _mount("losses_margin", loss_margin, scene, terms, "Loss of each term against the margin")


def _draw_against_t(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    st.subheader("Why T²: gradient against temperature", anchor=False)
    _mount("losses_against_t", against_t, scene, terms, "Gradient of each term against T")


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
        _caption(scene, title),
    )


def _caption(scene: Scene, title: str) -> Caption:
    """Below a saved picture: whose pair or ads it shows, each by its name in the picture."""
    board, count = scene.board, len(scene.rows)
    if scene.view == "logits":
        return captions.of_board(
            board, title, *captions.pair_lines(board, scene.row), n="n = 1 pair"
        )
    if scene.picture and scene.picture.invented:
        return captions.of_board(board, title, n=f"{len(scene.student)} invented vectors")
    query = f"Query: {scene.pairs.frame['query'].iloc[scene.row]}"
    marks = scene.points if scene.view == "vectors" else range(1, count + 1)
    ads = [f"{mark}: {name}" for mark, name in zip(marks, scene.names, strict=True)]
    return captions.of_board(board, title, query, *ads, n=f"{count} ads of one query")


def _choices() -> dict[str, Any]:
    """The choices that the parts draw, by key in a link."""
    values = {key: state.value_of(state.now(), state.PATHS[key]) for key in SENT}
    values["lax"] = [int(each) for each in values["lax"]]
    return values | {"lat": list(values["lat"])}


def _on_release(sent: Mapping[str, Any]) -> None:
    """Set what was released; what a browser sends is not trusted, the state clamps it."""
    state.change(**state.of_keys({key: sent[key] for key in SENT if key in sent}))
