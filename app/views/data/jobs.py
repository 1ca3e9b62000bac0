"""Scoring at work: progress, speed, cancel; the pages follow by themselves when it is done."""

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.services import Board, scoring
from app.services.scoring import Job
from app.state import keys
from kdcore.errors import LabError

_WORDS = {"stopped": "was cancelled", "failed": "failed", "lost": "was lost", "broken": "is broken"}


def draw(board: Board) -> None:
    """The scoring runs of these data: a line each while they work, a word when they ended badly."""
    live = any(job.live for job in scoring.jobs(board.data))
    st.session_state[keys.SCORINGS_LIVE] = live
    st.fragment(_watch, run_every=1.0 if live else None)(board)


def _watch(board: Board) -> None:
    jobs = scoring.jobs(board.data)
    if st.session_state.get(keys.SCORINGS_LIVE) and not any(job.live for job in jobs):
        st.session_state[keys.SCORINGS_LIVE] = False
        _follow(board)
        st.rerun()
    for job in jobs:
        if job.live:
            _line(job)
        elif job.state in _WORDS:
            _ended_badly(job)


def _follow(board: Board) -> None:
    """Let the pages show the models that were requested, now that they have answered."""
    services.sources.clear()
    asked = st.session_state.pop(keys.SCORED_FOR, ())
    held = {source.key for source in services.sources_on(board.all_pairs)}
    if len(asked) == 3 and asked[0] == board.data.key:
        roles = dict(zip(("teacher", "student"), asked[1:], strict=True))
        state.change(**{role: key for role, key in roles.items() if key in held})


def _line(job: Job) -> None:
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    speed = f" · {job.rate:,.0f} a second" if job.rate == job.rate else ""
    left = (job.total - job.done) / job.rate if job.rate == job.rate and job.rate else 0
    wait = f" · about {left:,.0f} s left" if left >= 1 else ""
    told = f"{job.done:,} of {job.total:,} pairs" if job.total else "reading the model and the data"
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{job.id}"):
        st.progress(share, text=f"{md(job.title)}: {told}{speed}{wait}")
        st.button("Cancel", key=f"cancel_{job.id}", on_click=_do, args=("cancel", job.id))


def _ended_badly(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{job.id}"):
        st.caption(f":material/cancel: {md(job.title)} {_WORDS[job.state]}: {md(job.message)}")
        st.button("Remove", key=f"forget_{job.id}", on_click=_do, args=("forget", job.id))


def _do(what: str, run_id: str) -> None:
    try:
        (scoring.cancel if what == "cancel" else scoring.forget)(run_id)
    except LabError as error:
        st.toast(md(error_box.words(error)[0]))
