"""The pair in focus: its texts and label, the ways to another one, and the view."""

import random

import streamlit as st

from app import state
from app.kit import controls
from app.kit.texts import md, pair_number
from app.services import Attention
from app.views.losses.objective import SIDES, objective, read, text_of
from app.views.losses.queries.fit import working
from app.views.losses.scene import SHOWS, VIEWS, Scene, ads_of
from kdcore.data.pairs import UNLABELLED

# two objectives worth comparing, offered where neither of the present ones can be drawn in a view
USUAL = {
    "logits": ("response", "response:loss=mse_logits"),
    "ads": ("ranking", "ranking:loss=list_kl"),
    "vectors": ("feature", "relation"),
    "attention": ("internal", "internal:loss=minilm"),
}
# question -> view, objective A, objective B
QUESTIONS = {
    "KL or MSE?": ("logits", "response", "response:loss=mse_probabilities"),
    "Soft label or hard label?": ("logits", "response", "hard"),
    "Soft label, or half of each?": ("logits", "response:loss=ce", "label_aware"),
    "Low or high temperature?": (
        "logits",
        "response:temperature=1",
        "response:temperature=8",
    ),
    "Score gaps or order?": ("ads", "ranking", "ranking:loss=ranknet"),
    "Scale or shape?": ("ads", "ranking:loss=list_kl", "ranking:loss=pearson"),
    "Positions or distances?": ("vectors", "feature", "relation"),
    "What does the student attend to?": ("attention", "internal:heads=mix", "internal:loss=minilm"),
}
_ASK = "losses_question"


def draw_view(maps: Attention | None) -> None:
    """What both objectives are drawn on, and questions that set view and objectives at once."""
    with st.container(horizontal=True, vertical_alignment="center", key="losses_view"):
        controls.choose("losses.view", "Drawn on", VIEWS, on_change=_view)
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
    _offer(state.now().losses.view, maps)


def _view() -> None:
    """Another view of the same objectives: its student begins at its own numbers."""
    view = st.session_state.get("w_lview")
    if view in VIEWS:
        state.change(losses={"view": view, "start": (), "axes": (), "steps": 0})


def _offer(view: str, maps: Attention | None) -> None:
    """Two objectives for a view that can draw no term of the present ones; one click away."""
    if any(part.name in SHOWS[view] for side in SIDES for part in objective(side)):
        return
    now = state.now().losses
    parts = [working(read(text, now.T), maps) for text in USUAL[view]]
    terms = {side: text_of([part]) for side, part in zip(SIDES, parts, strict=True)}
    st.button(
        f"Put {parts[0].named} in A and {parts[1].named} in B",
        key="losses_usual",
        help="In place of the present terms, which stay until you change them.",
        on_click=state.change,
        kwargs={"losses": {**terms, "steps": 0}},
    )


def _ask() -> None:
    question, st.session_state[_ASK] = st.session_state.get(_ASK), None
    if question in QUESTIONS:
        view, a, b = QUESTIONS[question]
        state.change(losses={"view": view, "a": a, "b": b, "start": (), "axes": (), "steps": 0})


def draw(scene: Scene) -> None:
    """The pair as a card with its buttons."""
    row = scene.pairs.frame.iloc[scene.row]
    with st.container(border=True, key="losses_pair", gap="xsmall"):
        _of_the_lesson(scene)
        st.caption(f"Pair {pair_number(scene.row)} of {len(scene.pairs):,}: query and ad")
        st.markdown(f"**{md(row['query'])}**")
        st.markdown(f"**{md(row['title'])}**  \n{md(row['description'])}")
        st.caption(f"Hard label: {_label(scene)}")
        _shown(scene)
        with st.container(horizontal=True, key="losses_steps"):
            count = len(scene.pairs)
            _button("Previous pair", ":material/arrow_back:", (scene.row - 1) % count)
            _button("Next pair", ":material/arrow_forward:", (scene.row + 1) % count)
            other = (scene.row + random.randrange(1, max(count, 2))) % count  # never the same
            _button("Surprise me", ":material/shuffle:", other)


def _of_the_lesson(scene: Scene) -> None:
    """The way back to the pair of which this page's lesson speaks, from any other one."""
    if state.now().lesson != "losses" or scene.row == scene.opening:
        return
    number = pair_number(scene.opening)
    st.caption(f":material/school: The lesson speaks of pair {number}, not of this one.")
    _button(f"Go back to pair {number}", ":material/undo:", scene.opening)


def _shown(scene: Scene) -> None:
    """The ads or vectors of the picture by their titles, where it shows several."""
    if scene.view == "vectors" and scene.picture and scene.picture.invented:
        st.caption("Points p, q, r and s: four invented vectors, not this pair's.")
    elif scene.view in ("ads", "vectors"):
        points = scene.view == "vectors"
        label = f"The {len(scene.rows)} {'pairs' if points else 'ads'} in the picture"
        with st.expander(label, expanded=points):
            marks = scene.points if points else range(1, len(scene.rows) + 1)
            grades = [f", {scene.pairs.scheme.grades[g]}" if g >= 0 else "" for g in scene.grades]
            lines = zip(marks, scene.names, grades, strict=True)
            st.caption("  \n".join(f"**{mark}** {md(name + grade)}" for mark, name, grade in lines))
            st.caption(_chosen(scene))


def _chosen(scene: Scene) -> str:
    """Which ads of the query the picture shows."""
    count, shown = len(ads_of(scene.pairs, scene.row)), len(scene.rows)
    if shown == count:
        return f"All {count} ads of this query."
    return (
        f"The pair above and {shown - 1} more of this query's {count} ads, at even steps from the "
        "teacher's highest score to its lowest."
    )


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
