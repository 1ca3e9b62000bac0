"""The pair in focus: its texts and label, the ways to another one, and the view."""

import random

import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md, pair_number
from app.views.losses.objective import objective
from app.views.losses.scene import SHOWS, VIEWS, Scene
from kdcore.data.pairs import UNLABELLED

# two objectives worth comparing where neither of the present ones shows anything in a view
USUAL = {
    "logits": ("response", "response:loss=mse_logits"),
    "ads": ("ranking", "ranking:loss=list_kl"),
    "vectors": ("feature", "relation"),
    "attention": ("internal", "internal:loss=minilm"),
}
# question -> view, objective A, objective B
QUESTIONS = {
    "KL or squared error?": ("logits", "response", "response:loss=mse_probabilities"),
    "Soft label or hard label?": ("logits", "response", "hard"),
    "Low or high temperature?": (
        "logits",
        "response:temperature=1",
        "response:temperature=8",
    ),
    "Score gaps or order?": ("ads", "ranking", "ranking:loss=ranknet"),
    "Scale or shape?": ("ads", "ranking:loss=list_kl", "ranking:loss=pearson"),
    "Positions or distances?": ("vectors", "feature", "relation"),
    "What does the student attend to?": ("attention", "internal", "internal:loss=minilm"),
}
_ASK = "losses_question"


def draw_view() -> None:
    """What both objectives are drawn on, and questions that set view and objectives at once."""
    with st.container(horizontal=True, vertical_alignment="center", key="losses_view"):
        controls.choose("losses.view", "Drawn on", VIEWS, on_change=_view, args=())
        st.selectbox(
            "Start from a question",
            list(QUESTIONS),
            index=None,
            placeholder="Start from a question",
            key=_ASK,
            label_visibility="collapsed",
            on_change=_ask,
            width=250,
        )


def _view() -> None:
    """Another view: its student begins where it is, and objectives that say nothing give way."""
    view = st.session_state.get("w_lview")
    if view not in VIEWS:
        return
    shows = [any(part.name in SHOWS[view] for part in objective(side)) for side in ("a", "b")]
    values = {"view": view, "start": (), "axes": (), "steps": 0}
    if not any(shows):
        values |= dict(zip(("a", "b"), USUAL[view], strict=True))
    state.change(losses=values)


def _ask() -> None:
    question, st.session_state[_ASK] = st.session_state.get(_ASK), None
    if question in QUESTIONS:
        view, a, b = QUESTIONS[question]
        state.change(losses={"view": view, "a": a, "b": b, "start": (), "axes": (), "steps": 0})


def draw(scene: Scene) -> None:
    """The pair as a card with its buttons."""
    row = scene.pairs.frame.iloc[scene.row]
    with st.container(border=True, key="losses_pair", gap="xsmall"):
        st.caption(f"Query of pair {pair_number(scene.row)} of {len(scene.pairs):,}")
        st.markdown(f"**{md(row['query'])}**")
        st.markdown(f"**{md(row['title'])}**  \n{md(row['description'])}")
        st.caption(f"Hard label: {_label(scene)}")
        with st.container(horizontal=True, key="losses_steps"):
            count = len(scene.pairs)
            _button("Previous", ":material/arrow_back:", (scene.row - 1) % count)
            _button("Next", ":material/arrow_forward:", (scene.row + 1) % count)
            other = (scene.row + random.randrange(1, max(count, 2))) % count  # never the same
            _button("Surprise me", ":material/shuffle:", other)


def _label(scene: Scene) -> str:
    if scene.grade == UNLABELLED:
        return "none"
    names = scene.pairs.scheme.grades
    return f"**{md(names[scene.grade])}**, grade {scene.grade} of 0 to {len(names) - 1}"


def _button(label: str, icon: str, row: int) -> None:
    st.button(
        label,
        icon=icon,
        key=f"losses {label}",
        on_click=state.change,
        kwargs={"pair": row},
        type="tertiary",
    )
