"""Score with a ready classifier: a reranker of another tool, by its folder or its hub id."""

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import md
from app.services import Answers, Board, draft, scoring
from app.state.keys import SCORED_FOR

_PLACE = (
    "The folder of a sequence classifier of transformers, or of a CrossEncoder of "
    "sentence-transformers, or its hub id. Its own head is kept and nothing is trained. Only "
    "safetensors are read, and no code of the model is run."
)
_LABELS = (
    "Which grade each label of its head is, in the head's own order, separated by commas. Leave it "
    "empty where its config.json names the labels as the grades, or where it has one logit."
)


def draw(board: Board, closed: bool) -> None:
    """Ask for the model and its labels; a button starts it in the background."""
    with st.expander("Score with a ready reranker or classifier", icon=":material/input:"):
        place = st.text_input(
            "Folder or hub id", key="data_ready_place", help=_PLACE, disabled=closed
        )
        grades = ",".join(board.pairs.scheme.grades)
        labels = st.text_input(
            "Labels of its head",
            key="data_ready_labels",
            help=_LABELS,
            placeholder=f"empty, or for example {grades}",
            disabled=closed,
        )
        calibrate = st.checkbox(
            "Calibrate on validation",
            key="data_ready_calibrate",
            help="Fits T and a bias of its logits on the labelled validation pairs; the run says "
            "what that changed. Its order stays, unless its head has three labels or more.",
            disabled=closed,
        )
        st.caption(
            "It scores the validation and test pairs in the background, as a run that compares, "
            "ranks and teaches; the box above scores other splits with it later."
        )
        ready = bool(place.strip())
        if st.button("Start", key="data_ready_start", disabled=closed or not ready):
            with error_box.guard():
                run_id = scoring.start_ready(place.strip(), board.data, labels, calibrate)
                st.session_state[SCORED_FOR] = (board.data.key, run_id)
                st.rerun()


def understood(teacher: Answers | None) -> None:
    """Show how a ready teacher is read, and lead to a student that learns from it."""
    run = teacher.run if teacher else None
    if run is None or run.stage != "teach":
        return
    with st.container(border=True, key="data_ready_understood"):
        st.markdown(f"**{md(run.shown_title)}** scores with its own head. How it is read:")
        st.markdown("\n".join(f"- {md(note)}" for note in run.notes))
        if not services.public() and st.button(
            "Distill with this teacher", key="data_ready_distill", icon=":material/arrow_forward:"
        ):
            draft.fill({"teacher": run.id})
            st.switch_page("views/distill/page.py")
