"""The start: the button, what stands in its way, and the command that does the same."""

import streamlit as st

from app import services, state
from app.kit import error_box
from app.services.draft import Draft
from app.state import keys
from app.views.distill.form import yaml_text
from app.views.distill.queries import runs
from kdcore.errors import LabError
from kdcore.experiments.command_line import command_of


def draw(now: Draft) -> None:
    """Draw the start button; where it cannot be pressed, it is disabled and says why."""
    train_twin = state.now().distill.train_twin
    why = _why_not(now)
    pressed = st.button(
        "Start student and twin" if train_twin else "Start the student",
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(why),
        help=why or None,
        key="distill_start",
        width="stretch",
    )
    if why:
        st.caption(f":material/lock: {why}" if services.public() else why)
    if pressed and now.config is not None:
        _start(now, train_twin)


def draw_command(now: Draft) -> None:
    """Draw the command line that starts the same run."""
    if now.config is not None:
        with st.expander("Command line", icon=":material/terminal:"):
            st.code(command_of(now.config), language="bash", wrap_lines=True)


def begun() -> str:
    """The run that this visitor has just started, once: the page leads him to it."""
    return str(st.session_state.pop(keys.RUN_BEGUN, ""))


def _why_not(now: Draft) -> str:
    if services.public():
        return services.PUBLIC_REASON
    if yaml_text.is_unfinished():
        return "What you typed as YAML is unfinished: fix it or discard it."
    if count := len(now.problems):
        return (
            f"{count} setting{'s are' if count > 1 else ' is'} invalid: see the message beside "
            f"{'them' if count > 1 else 'it'}."
        )
    return ""


def _start(now: Draft, train_twin: bool) -> None:
    assert now.config is not None
    try:
        with st.spinner("Putting it in the queue…"):
            run = runs.start(now.config, now.preset, train_twin)
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    st.session_state[keys.RUN_BEGUN] = run.id
    state.change(distill={"run": run.id})
    st.rerun()
