"""The pair on the left: its texts and label, and the ways to another one."""

import random
from collections.abc import Callable

import streamlit as st

from app import state
from app.kit.texts import md, pair_number
from app.views.temperature.scene import Scene, moved_most
from kdcore.data.pairs import UNLABELLED

MOVED = 50  # how many pairs "most changed" walks through before it starts again


def draw(scene: Scene) -> None:
    """Draw the pair and its buttons."""
    row = scene.pairs.frame.iloc[scene.row]
    with st.container(border=True, key="temperature_pair", gap="xsmall"):
        st.caption(f"Query of pair {pair_number(scene.row)} of {len(scene.pairs):,}")
        st.markdown(f"**{md(row['query'])}**")
        st.caption("Ad")
        st.markdown(f"**{md(row['title'])}**  \n{md(row['description'])}")
        st.caption("Hard label")
        st.markdown(_label(scene, int(row["grade"])))
    with st.container(horizontal=True, key="temperature_steps"):
        _button("Previous", ":material/arrow_back:", _step, scene, -1)
        _button("Next", ":material/arrow_forward:", _step, scene, 1)
        _button("Surprise me", ":material/shuffle:", _surprise, scene)
        _button(
            "Most changed by T",
            ":material/device_thermostat:",
            _next_moved,
            scene,
            help="Walks through the pairs whose teacher's soft label differs most between T = 1 "
            f"and the present T (total variation), the {MOVED} most moved first.",
        )
    st.number_input(
        "Go to pair",
        1,
        len(scene.pairs),
        value=scene.row + 1,
        key=f"temperature_goto_{scene.row}",
        on_change=_goto,
        args=(scene.row,),
    )


def _label(scene: Scene, grade: int) -> str:
    if grade == UNLABELLED:
        return "none: this pair is not labelled"
    names = scene.pairs.scheme.grades
    relevant = "relevant" if grade >= scene.pairs.scheme.relevant_from else "not relevant"
    return f"**{md(names[grade])}**, grade {grade} of 0 to {len(names) - 1}; counts as {relevant}"


def _button(
    label: str, icon: str, act: Callable[..., None], *args: object, help: str | None = None
) -> None:
    st.button(label, icon=icon, on_click=act, args=args, help=help, key=f"temperature {label}")


def _step(scene: Scene, way: int) -> None:
    state.change(pair=(scene.row + way) % len(scene.pairs))


def _goto(row: int) -> None:
    state.change(pair=int(st.session_state[f"temperature_goto_{row}"]) - 1)


def _surprise(scene: Scene) -> None:
    n = len(scene.pairs)
    state.change(pair=(scene.row + random.randrange(1, max(n, 2))) % n)  # never the same again


def _next_moved(scene: Scene) -> None:
    """The pair after the present one in the list of the most moved, else its first."""
    # at T = 1 nothing has moved yet: ask what T = 2 would move
    temperature = 2.0 if scene.temperature == 1 else scene.temperature
    rows = moved_most(scene.pairs, scene.teacher, temperature, MOVED)
    place = rows.index(scene.row) + 1 if scene.row in rows else 0
    state.change(pair=rows[place % len(rows)])
