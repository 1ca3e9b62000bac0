"""The lesson beside the page: what to see, what to do, and a tick when it is done."""

from dataclasses import replace

import streamlit as st

from app import state
from app.components.spotlight import spotlight
from app.lessons import Lesson, Step, lesson, lessons
from kdcore.errors import UnknownNameError

_DONE = "kd_lesson_done"
_BEGUN = "kd_lesson_begun"


def draw() -> None:
    """The present step, when a lesson is open; it stays beside the page and can be shut."""
    now = state.now()
    if not now.lesson:
        return
    try:
        taught = lesson(now.lesson)
    except UnknownNameError as cause:
        state.ignore(f"lesson: {cause}")
        state.correct(lesson="", step=0)
        return
    waiting = _present(taught)[1].check is not None and not _is_done(taught)
    with st.bottom.container(key="lesson"):
        # a rail's release reruns only its own part of the page: look every second until it is done
        st.fragment(_panel, run_every=1.0 if waiting else None)(taught, waiting)


def begin(name: str, place: int = 0) -> None:
    """Open a step: its page, its link state."""
    taught = lessons()[name]
    place = min(place, len(taught.steps) - 1)
    step = taught.steps[place]
    opened = replace(step.state(), lesson=name, step=place, data=state.now().data)
    st.session_state[_BEGUN] = (name, place, opened)
    state.correct(**vars(opened))
    st.switch_page(f"views/{step.page}.py")


def _panel(taught: Lesson, waiting: bool) -> None:
    place, step = _present(taught)
    done = _is_done(taught)
    if waiting and done:
        st.rerun()  # so that the timer stops
    text, buttons = st.columns([3, 1], vertical_alignment="center", gap="medium")
    with text:
        st.markdown(f"**{step.title}** · {taught.title}, step {place + 1} of {len(taught.steps)}")
        st.write(step.text)
        icon = ":material/check_circle:" if done else ":material/arrow_circle_right:"
        st.markdown(f"{icon} **{step.task}**")
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        _buttons(taught, place, done)
    spotlight(step.target, f"{taught.name}-{place}")


def _buttons(taught: Lesson, place: int, done: bool) -> None:
    if place and st.button("Back", key="lesson_back"):
        begin(taught.name, place - 1)
    last = place == len(taught.steps) - 1
    label = "Finish" if last else ("Next" if done else "Skip")
    if st.button(label, key="lesson_next", type="primary" if done else "secondary"):
        if last:
            _leave()
        begin(taught.name, place + 1)
    if not last and st.button("Close the lesson", key="lesson_close", type="tertiary"):
        _leave()


def _leave() -> None:
    state.change(lesson="", step=0)
    st.rerun()


def _present(taught: Lesson) -> tuple[int, Step]:
    place = min(state.now().step, len(taught.steps) - 1)
    return place, taught.steps[place]


def _is_done(taught: Lesson) -> bool:
    place, step = _present(taught)
    if step.check is None:
        return True
    done: set[tuple[str, int]] = st.session_state.setdefault(_DONE, set())
    named, at, begun = st.session_state.get(_BEGUN, ("", -1, step.state()))
    if (named, at) != (taught.name, place):
        begun = step.state()
    if step.check.holds(state.now(), begun):
        done.add((taught.name, place))
    return (taught.name, place) in done
