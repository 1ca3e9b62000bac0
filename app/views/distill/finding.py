"""The sentence at the top: what would happen, what is happening, or what came of it."""

from collections.abc import Callable

import streamlit as st

from app import services, state
from app.services import draft
from app.services.draft import Draft
from app.services.live import run as live
from app.shell import frame
from app.views.distill import estimate
from app.views.distill.queries import runs
from app.views.distill.queries.runs import LIVE, doing
from kdcore.errors import LabError
from kdcore.experiments.presets import PRESETS
from kdcore.runs.store import Run

_EVERY = 2.0
_MINE, _THEIRS = "validation_roc_auc", "teacher_validation_roc_auc"
_ROLES = {"twin": "The twin", "cell": "The student", "student": "The student"}


def draw(run: Run | None, now: Draft, judged: Callable[[str], str]) -> None:
    """The sentence; it follows the run while that lives."""
    lives = run is not None and run.status().state in LIVE
    st.fragment(_say, run_every=_EVERY if lives else None)(run, now, judged)


def _say(run: Run | None, now: Draft, judged: Callable[[str], str]) -> None:
    frame.finding(sentence(run, now, judged))


def sentence(run: Run | None, now: Draft, judged: Callable[[str], str]) -> str:
    """What the page says first; judged tells the verdict on a finished run."""
    if (
        run is None or not state.now().distill.run
    ):  # the bundled one is shown, and nobody asked for it
        return _plan(now, state.now().distill.train_twin)
    status = run.status()
    if status.state == "finished":
        try:
            return f"{runs.name_of(run)}: {judged(run.id)}"
        except (LabError, OSError) as error:
            return f"{runs.name_of(run)} is finished; {_plain(error)}"
    if status.state in LIVE:
        return _at_work(run)
    ended = {"stopped": "is paused", "failed": "failed", "lost": "was lost"}
    how = ended.get(status.state, "cannot be read")
    return f"{runs.name_of(run)} {how}: what was saved is shown below."


def _plain(error: Exception) -> str:
    """The cause in words; what the system says of a file names paths, so it stays out."""
    return (
        str(error)
        if isinstance(error, LabError) and not services.public()
        else "some of its files cannot be read."
    )


def _plan(now: Draft, train_twin: bool) -> str:
    about = PRESETS[now.preset]
    kept = about.title if not draft.beyond(now) else f"{about.title}, changed"
    cost = estimate.sentence(now, train_twin)
    beside = " and set it against its twin" if train_twin else ", without a twin to judge it by"
    return f"What if? “{kept}” would train a student{beside}{cost and f': {cost}'}."


def _at_work(run: Run) -> str:
    status = run.status()
    who = _ROLES.get(run.about.role, "The student")
    if not status.total_steps:
        return f"{who} is queued or just starting."
    if beside := doing(status.stage):
        return f"{who} is running: {beside}."
    told = f"{who} is at step {status.step:,} of {status.total_steps:,}"
    lines = live.lines_of(run)
    mine = next((v for x in reversed(lines) if (v := x.get(_MINE)) is not None), None)
    theirs = next((v for x in lines if (v := x.get(_THEIRS)) is not None), None)
    if mine is None:
        return f"{told}; not validated yet."
    told += f": validation ROC-AUC {mine:.3f}"
    return f"{told}, the teacher's is {theirs:.3f}." if theirs is not None else f"{told}."
