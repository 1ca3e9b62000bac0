"""The start: the button, what stands in its way, and the command that does the same."""

import streamlit as st

from app import services, state
from app.kit import error_box
from app.services.draft import Draft
from app.state import keys
from app.views.distill.form import yaml_text
from app.views.distill.queries import cost, runs
from kdcore.experiments.command_line import command_of


def draw(now: Draft) -> None:
    """Draw the start button, or why it cannot be pressed, and the command line of the same run."""
    train_twin = state.now().distill.train_twin
    why = _why_not(now)
    pressed = st.button(
        _label(now, train_twin),
        type="primary",
        icon=":material/play_arrow:",
        disabled=bool(why),
        help=why or None,
        key="distill_start",
        width="stretch",
    )
    if why:
        st.caption(f":material/lock: {why}" if services.public() else why)
    if now.config is None:
        return
    if pressed:
        with error_box.guard():
            with st.spinner("Putting it in the queue…"):
                run = runs.start(now.config, now.preset, train_twin)
            st.session_state[keys.RUN_BEGUN] = run.id
            state.change(distill={"run": run.id})
            st.rerun()
    with st.expander("Command line", icon=":material/terminal:"):
        st.code(command_of(now.config), language="bash", wrap_lines=True)


def _label(now: Draft, train_twin: bool) -> str:
    """What the button will start."""
    total = cost.cost(now.config, train_twin) if now.config is not None and train_twin else None
    if total is not None and total.twin_exists:
        return "Start the student (its twin exists)"
    no_twin = not train_twin or (total is not None and total.no_twin)
    return "Start the student" if no_twin else "Start student and twin"


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
