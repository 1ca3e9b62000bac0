"""The sentence at the top: what would happen, what is happening, or what came of it."""

import streamlit as st

from app import services, state
from app.services import draft
from app.services.draft import Draft
from app.services.live import run as live
from app.shell import frame
from app.views.distill import estimate
from app.views.distill.queries import runs
from app.views.distill.queries.runs import LIVE
from app.views.distill.verdict import judge
from kdcore.errors import LabError
from kdcore.experiments.presets import PRESETS
from kdcore.runs.store import Run

_EVERY = 2.0
_ENDS = {"stopped": "is paused", "failed": "failed", "lost": "was lost"}


def draw(run: Run | None, now: Draft) -> None:
    """Draw the sentence; it follows the run while that or its twin is live."""
    pair = [run, live.twin_of(run)] if run is not None else []
    is_live = any(each is not None and each.status().state in LIVE for each in pair)
    st.fragment(_say, run_every=_EVERY if is_live else None)(run, now)


def _say(run: Run | None, now: Draft) -> None:
    # without a run in the link the bundled one is shown, which the visitor did not ask for
    if run is None or not state.now().distill.run:
        frame.finding(_plan(now, state.now().distill.train_twin))
    else:
        frame.finding(_of_run(run))


def _of_run(run: Run) -> str:
    status = run.status()
    if status.state in LIVE:
        return _progress(run)
    if status.state != "finished":
        end = _ENDS.get(status.state, "cannot be read")
        return f"{runs.name_of(run)} {end}: what was saved is shown below."
    try:
        return f"{runs.name_of(run)}: {judge.finding(run.id)}"
    except (LabError, OSError) as error:
        # what the system says of a file names its folder, so it stays out
        cause = str(error) if isinstance(error, LabError) and not services.public() else ""
        cause = cause or "some of its files cannot be read."
        return f"{runs.name_of(run)} is finished; {cause}"


def _plan(now: Draft, train_twin: bool) -> str:
    title = PRESETS[now.preset].title + (", changed" if draft.beyond(now) else "")
    time = estimate.sentence(now, train_twin)
    twin = " and set it against its twin" if train_twin else ", without a twin to judge it by"
    return f"What if? “{title}” would train a student{twin}{time and f': {time}'}."


def _progress(run: Run) -> str:
    status = run.status()
    subject = f"The {run.role if run.role in ('teacher', 'twin') else 'student'}"
    name, title = "validation_roc_auc", "validation ROC-AUC"
    if not run.gives_grades:
        subject, name = "The pretraining", "validation_masked_accuracy"
        title = "share of hidden validation words right"
    if not status.total_steps:
        return f"{subject} is queued or just starting."
    if activity := runs.activity(status):
        return f"{subject} is running: {activity}."
    step = f"{subject} is at step {status.step:,} of {status.total_steps:,}"
    lines = live.lines_of(run)
    own = next((v for line in reversed(lines) if (v := line.get(name)) is not None), None)
    if own is None:
        return f"{step}; not validated yet."
    teachers = (line.get(f"teacher_{name}") for line in lines)
    teacher = next((value for value in teachers if value is not None), None)
    beside_teacher = f", the teacher's is {teacher:.3f}" if teacher is not None else ""
    return f"{step}: {title} {own:.3f}{beside_teacher}."
