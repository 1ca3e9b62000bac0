"""Three ways in, and what runs here."""

import os

import psutil
import streamlit as st

from app import services, state
from app.kit.by_hash import by_hash
from app.parts import lead_to
from app.services import Board, draft
from app.shell import lesson
from app.shell.lessons import lessons
from kdcore.runs.machine import gpus


def doors() -> None:
    """Show me, explain my model, try an idea: each a button that opens a finished place."""
    first, second, third = st.columns(3)
    with first.container(border=True, height="stretch"):
        st.subheader("Show me", anchor=False)
        st.write("A guided lesson: what does a student see that a label hides?")
        first_title = lessons()["soft-labels"].title
        if st.button(f"Start the lesson: {first_title}", type="primary", key="door_lesson"):
            lesson.begin("soft-labels")
        others = [each for each in lessons().values() if each.name != "soft-labels"]
        for other in others:
            if st.button(f"{other.title} ({other.length})", key=f"door_{other.name}_lesson"):
                lesson.begin(other.name)
    with second.container(border=True, height="stretch"):
        st.subheader("Explain my model", anchor=False)
        st.write(
            "Your pairs and your predictions, or a model from here: where did it lose, and why?"
        )
        if st.button("Bring data", key="door_data"):
            state.correct(data={"tab": "bring"})
            st.switch_page("views/data/page.py")
        if st.button("Look at the bundled student", key="door_compare"):
            st.switch_page("views/compare/page.py")
    with third.container(border=True, height="stretch"):
        st.subheader("Try an idea", anchor=False)
        st.write("What if? Train a student of your own, rewrite an ad, or price a defect.")
        if st.button("Train a student", key="door_distill"):
            state.correct(distill={"preset": draft.FIRST, "settings": ""})
            st.switch_page("views/distill/page.py")
        if st.button("Rewrite an ad", key="door_edit"):
            state.correct(compare={"tab": "edit"})
            lead_to.on_next_page(".st-key-edit_fields", ".st-key-w_etitle input")
            st.switch_page("views/compare/page.py")
        if st.button("Price a defect", key="door_auction"):
            state.correct(ranking={"tab": "auction"})
            st.switch_page("views/ranking/page.py")


def what_runs_here(board: Board) -> None:
    """Device, data and its terms, and who may do what."""
    labelled = int((board.pairs.grades >= 0).sum())
    truth = "its truth is known" if board.pairs.truth is not None else "its truth is unknown"
    lines = [
        f"**Machine:** {_machine()}.",
        f"**Data:** {len(board.pairs):,} pairs, {labelled:,} labelled, "
        f"{board.pairs.query_ids.max(initial=-1) + 1:,} queries; {board.data.badge}; {truth}.",
        "**Network:** nothing leaves this machine; nothing is fetched unless you name a hub model.",
    ]
    if services.public():
        lines.append(f"**Visitors:** {services.PUBLIC_REASON}")
    st.subheader("What runs here", anchor=False)
    st.markdown("\n".join(f"- {line}" for line in lines))


@by_hash(most=1, seconds=600)
def _machine() -> str:
    """Cores, memory and GPU of this machine."""
    memory = psutil.virtual_memory().total / 2**30
    gpu = next((f"GPU: {gpu.title}" for gpu in gpus()), "no GPU found; everything runs on the CPU")
    return f"{os.cpu_count() or 1} CPU cores, {memory:.0f} GiB of memory; {gpu}"
