"""Scoring at work: progress, speed, cancel; the pages follow by themselves when it is done."""

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, scoring
from app.services.scoring import Job
from app.state import keys
from kdcore.errors import LabError

_ENDS = {"stopped": "was cancelled", "failed": "failed", "lost": "was lost", "broken": "is broken"}


def draw(board: Board) -> None:
    """The scoring runs of these data: a line each while live, and for each that ended badly."""
    live = any(job.live for job in scoring.jobs(board.data))
    st.fragment(_watch, run_every=1.0 if live else None)(board, live)


def _watch(board: Board, live: bool) -> None:
    """live: whether one ran when the page was drawn; a short one may end before that."""
    jobs = scoring.jobs(board.data)
    if (live or keys.SCORED_FOR in st.session_state) and not any(job.live for job in jobs):
        _show_answers(board)
        st.rerun()
    for job in jobs:
        if job.live or job.state in _ENDS:
            with st.container(horizontal=True, vertical_alignment="center", key=f"job_{job.id}"):
                _line(job)


def _show_answers(board: Board) -> None:
    """Let the pages show the models that were requested, now that they have answered."""
    services.sources.clear()
    data_set, *models = st.session_state.pop(keys.SCORED_FOR, ("",))
    answered = {source.key for source in services.sources_on(board.all_pairs)}
    if data_set == board.data.key:
        roles = zip(("teacher", "student"), models, strict=False)  # a ready model stands alone
        state.change(**{role: key for role, key in roles if key in answered})


def _line(job: Job) -> None:
    if not job.live:
        st.caption(f":material/cancel: {md(job.title)} {_ENDS[job.state]}: {md(job.message)}")
        _button("Remove", "forget", job)
        return
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    text = f"{job.done:,} of {job.total:,} pairs" if job.total else "reading the model and the data"
    if job.rate == job.rate:
        text += f" · {job.rate:,.0f} a second"
        left = (job.total - job.done) / job.rate if job.rate else 0
        text += f" · about {left:,.0f} s left" if left >= 1 else ""
    st.progress(share, text=f"{md(job.title)}: {text}")
    _button("Cancel", "cancel", job)


def _button(label: str, action: str, job: Job) -> None:
    st.button(label, key=f"{action}_{job.id}", on_click=_act, args=(action, job.id))


def _act(action: str, run_id: str) -> None:
    try:
        (scoring.cancel if action == "cancel" else scoring.forget)(run_id)
    except LabError as error:
        st.toast(md(error_box.words(error)[0]))
