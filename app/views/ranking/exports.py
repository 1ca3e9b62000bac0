"""Run and qrels files of what is shown, for trec_eval and whatever else reads TREC."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from app.services import Board
from app.views.ranking import models
from app.views.ranking.models import Side
from kdcore.evaluation.curves import GAIN_NAMES
from kdcore.evaluation.exports import write_qrels, write_trec_run
from kdcore.labels import OWN


def draw(board: Board, gain: str) -> None:
    """A button a model for its run, and one for the judgments with the gain that is shown."""
    st.subheader("TREC files", anchor=False)
    with st.container(horizontal=True, key="trec"):
        for role, side in models.sides_of(board).items():
            st.download_button(
                f"{models.ROLES[role]}'s run",
                data=partial(trec_run, board, side),
                file_name=f"{role}.run",
                mime="text/plain",
                key=f"trec_{role}",
                on_click="ignore",
            )
        st.download_button(
            "Qrels",
            data=partial(qrels, board, gain),
            file_name=f"{gain}.qrels",
            mime="text/plain",
            key="trec_qrels",
            on_click="ignore",
        )
    variant = f"ndcg_cut of the gain {GAIN_NAMES[gain]}"
    if gain == OWN:
        variant += " (in the qrels times a power of 10, since they hold whole numbers)"
    st.caption(
        f"`trec_eval -J -m ndcg_cut qrels run` gives these numbers where no scores are equal: "
        f"{variant}. A run lists ads of equal score by a hash of their texts; nDCG here is the "
        "mean over their orders."
    )


def trec_run(board: Board, side: Side) -> bytes:
    """The run file of one model."""
    return _written(write_trec_run, board.pairs, side.answers.predictions)


def qrels(board: Board, gain: str) -> bytes:
    """The judgments, worth what the shown gain gives them."""
    return _written(write_qrels, board.pairs, gain)


def _written(write: Callable[..., None], *args: object) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write(path, *args)
        return path.read_bytes()
