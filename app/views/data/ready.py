"""Score with a ready classifier: a reranker of another tool, by its folder or its hub id."""

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import md
from app.services import Answers, Board, draft, scoring
from app.services.boards import TEST
from app.state.keys import SCORED_FOR
from kdcore.data.answers.imported import LEAST_TO_FIT
from kdcore.errors import ConfigError

_PLACE = (
    "The folder of a sequence classifier of transformers, or of a CrossEncoder of "
    "sentence-transformers, or its hub id. Its own head is kept and nothing is trained. Only "
    "safetensors are read, and no code of the model is run."
)
_LABELS = (
    "Which grade each label of its head is, in the head's own order, separated by commas. Leave it "
    "empty where its config.json names the labels as the grades, or where it has one logit."
)

_FIRST = "What the model reads first, with {query} in it, such as `search: {query}`."
_SECOND = (
    "What it reads second, with {title} in it and, where it read them, {description}: such as "
    "`{title} | {description}`."
)


def draw(board: Board, closed: bool) -> None:
    """Ask for the model and its labels; a button starts it in the background."""
    with st.expander("Score with a ready reranker or classifier", icon=":material/input:"):
        place = st.text_input(
            "Folder or hub id",
            key="data_ready_place",
            help=_PLACE,
            placeholder="path/to/folder or owner/name",
            disabled=closed,
        )
        grades = ",".join(board.pairs.scheme.grades)
        labels = st.text_input(
            "Labels of its head",
            key="data_ready_labels",
            help=_LABELS,
            placeholder=f"empty, or for example {grades}",
            disabled=closed,
        )
        texts = _texts(closed)
        why = _uncalibrated(board)
        calibrate = st.checkbox(
            f"Calibrate on validation{f': {why}' if why else ''}",
            key=f"data_ready_calibrate_{bool(why)}",
            help="Fits T and a bias of its logits on the labelled validation pairs; the run says "
            "what that changed. Its order stays, unless its head has three labels or more.",
            disabled=closed or bool(why),
        )
        st.caption(
            "It scores the validation and test pairs in the background, as a run that compares, "
            "ranks and teaches; the box above scores other splits with it later."
        )
        if st.button("Score with it", key="data_ready_start", disabled=closed):
            with error_box.guard():
                if not place.strip():
                    raise ConfigError("Name the folder of a model, or its hub id.")
                params = {"labels": labels, **texts}
                run_id = scoring.start_ready(place.strip(), board.data, params, calibrate)
                st.session_state[SCORED_FOR] = (board.data.key, run_id)
                st.rerun()


def _uncalibrated(board: Board) -> str:
    """Why these data cannot calibrate a model; "" where they can."""
    whole = services.whole_data(board.data, TEST)  # as a run cuts it
    relevant = whole.relevant[(whole.frame["split"] == "validation") & (whole.grades >= 0)]
    few = min(int(relevant.sum()), int((~relevant).sum()))
    if few >= LEAST_TO_FIT:
        return ""
    return (
        f"needs {LEAST_TO_FIT} relevant and {LEAST_TO_FIT} other labelled validation pairs; the "
        f"data have {int(relevant.sum()):,} and {int((~relevant).sum()):,}"
    )


def _texts(closed: bool) -> dict[str, str]:
    """How a pair becomes the two texts that the model reads; only what is filled in."""
    fields = {
        "query_text": ("First text", "its own prompt, then {query}", _FIRST),
        "ad_text": ("Second text", "{title} {description}", _SECOND),
    }
    texts: dict[str, str] = {}
    places = st.columns(2, gap="small")
    for place, (name, (label, usual, help)) in zip(places, fields.items(), strict=True):
        text = place.text_input(
            label,
            key=f"data_ready_{name}",
            help=help,
            placeholder=usual,
            max_chars=1000,
            disabled=closed,
        )
        texts |= {name: text} if text.strip() else {}
    return texts


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
