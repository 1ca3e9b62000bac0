"""The lesson under the page: what to see, what to do, what it showed, and a summary at the end."""

from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from app import state
from app.parts.spotlight import spotlight
from app.services import access
from app.services.live import run as live
from app.shell.lessons import Lesson, Step, lesson, lessons
from app.state import keys
from kdcore.errors import UnknownNameError


def draw() -> None:
    """The present step, when a lesson is open; it stays beside the page and can be closed."""
    now = state.now()
    if not now.lesson:
        return
    try:
        opened = lesson(now.lesson)
    except UnknownNameError as cause:
        state.ignore(f"lesson: {cause}")
        state.correct(lesson="", lesson_step=0)
        return
    with st.bottom.container(key="lesson"):
        if now.lesson_step >= len(opened.steps):
            _summary(opened)
            return
        done = _is_done(opened)
        text, buttons = st.columns([3, 1], vertical_alignment="center", gap="medium")
        with text:
            # a rail's release reruns only its own part of the page: look every second until done
            st.fragment(_panel, run_every=None if done else 1.0)(opened, done)
        # outside of the fragment, whose timer could otherwise meet a button's change of page
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            _buttons(opened, done)


def offer() -> None:
    """Every lesson with its length as a button: in the navigation of each page."""
    with st.sidebar:
        st.caption("Lessons")
        for each in lessons().values():
            if st.button(
                each.title, key=f"lesson_offer_{each.name}", type="tertiary", help=each.length
            ):
                begin(each.name)


def begin(name: str, place: int = 0) -> None:
    """Open a step on the bundled data: its page, its link state."""
    opened = lessons()[name]
    step = opened.steps[min(place, len(opened.steps) - 1)]
    now = state.now()
    if not now.lesson:
        st.session_state[keys.LESSON_DATA] = now.data_set
    opening = replace(
        state.changed(step.state(), **_own(step)),
        lesson=name,
        lesson_step=place,
        presenting=now.presenting,
        hidden_parts=now.hidden_parts,
    )
    st.session_state[keys.LESSON_BEGUN] = (name, place, opening)
    state.correct(**asdict(opening))
    st.switch_page(f"views/{step.page}/page.py")


def _own(step: Step) -> dict[str, Any]:
    """The step's own choices as the visitor has them, where the run in view is own and finished."""
    now = state.now()
    run = live.find(now.distill.run) if step.own and now.distill.run else None
    if run is None or run.folder.parent != access.home().runs or run.status().state != "finished":
        return {}
    return state.of_keys({key: state.value_of(now, state.PATHS[key]) for key in step.own})


def _panel(opened: Lesson, done: bool) -> None:
    """The step in words; draws the whole page again when the visitor has done it by now."""
    if not done and _is_done(opened):
        st.rerun()  # the timer stops, and the button says Next
    place, step = _present(opened)
    st.markdown(f"**{step.title}** · {opened.title}, step {place + 1} of {len(opened.steps)}")
    if done:
        st.markdown(f":material/check_circle: {step.task}")
        st.markdown(f"**{step.seen}**")
    else:
        st.write(step.text)
        st.markdown(f":material/arrow_circle_right: **{step.task}**")
    spotlight(step.target, step.show, f"{opened.name}-{place}")


def _buttons(opened: Lesson, done: bool) -> None:
    place, _ = _present(opened)
    if place and st.button("Back", key="lesson_back"):
        begin(opened.name, place - 1)
    last = place == len(opened.steps) - 1
    label = ("Summary" if last else "Next") if done else "Skip"
    if st.button(label, key="lesson_next", type="primary" if done else "secondary"):
        if last:
            state.change(lesson_step=place + 1)
            st.rerun()
        begin(opened.name, place + 1)
    if st.button("Close the lesson", key="lesson_close", type="tertiary"):
        _leave()


def _summary(opened: Lesson) -> None:
    """Three things to take away, and the lesson that comes next."""
    text, buttons = st.columns([3, 1], vertical_alignment="center", gap="medium")
    with text:
        st.markdown(f"**What to take away** · {opened.title}")
        st.markdown("\n".join(f"- {takeaway}" for takeaway in opened.takeaways))
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        following = lessons()[opened.next]
        if st.button("Back", key="lesson_back"):
            begin(opened.name, len(opened.steps) - 1)
        if st.button(f"Next lesson: {following.title}", key="lesson_next", type="primary"):
            begin(following.name)
        if st.button("Finish", key="lesson_close"):
            _leave()


def _leave() -> None:
    """Close the lesson and return to the data that were looked at before it."""
    before = st.session_state.pop(keys.LESSON_DATA, state.now().data_set)
    if before != state.now().data_set:
        state.stand_on(before)
    state.change(lesson="", lesson_step=0)
    st.rerun()


def _present(opened: Lesson) -> tuple[int, Step]:
    place = min(state.now().lesson_step, len(opened.steps) - 1)
    return place, opened.steps[place]


def _is_done(opened: Lesson) -> bool:
    place, step = _present(opened)
    if step.check is None:
        return True
    done: set[tuple[str, int]] = st.session_state.setdefault(keys.LESSON_DONE, set())
    named, at, begun = st.session_state.get(keys.LESSON_BEGUN, ("", -1, step.state()))
    if (named, at) != (opened.name, place):
        begun = step.state()
    if step.check.holds(state.now(), begun):
        done.add((opened.name, place))
    return (opened.name, place) in done
