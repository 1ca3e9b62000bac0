"""What is not measured of the shown runs: a few differences by themselves, the rest by a button."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from app import services, state, texts
from app.services import runs_measured
from app.services.runs_list import MOST, Scene
from app.services.runs_measured import Job
from kdcore.errors import LabError
from kdcore.runs.listing import Row

BY_ITSELF = 10  # differences that nobody needs to ask for
_TRIED, _DRAWN = "kd_runs_tried", "kd_runs_drawn"


def draw(scene: Scene, twins: Mapping[Path, Row]) -> None:
    """A line with what is lacking; nothing when all is there.

    twins: the own twin of a folded run, by its folder.
    """
    wanted = [e for e in (scene.chosen or scene.shown) if e.key not in scene.apart]
    jobs = runs_measured.lacking([e.row for e in wanted], scene.base_row, twins)[:MOST]
    tried = st.session_state.setdefault(_TRIED, set())
    easy = [j for j in jobs if j.row.test.metrics and j.name not in tried]
    alone = bool(easy) and len(jobs) <= BY_ITSELF and not services.public()
    if alone:
        st.session_state[_DRAWN] = True
    st.fragment(_by_themselves, run_every=0.5 if alone else None)(easy if alone else [])
    under_way = {j.name for j in easy} if alone else set()
    if rest := [j for j in jobs if j.name not in under_way]:
        _asked(scene, rest)


def _by_themselves(jobs: Sequence[Job]) -> None:
    """One difference a run of this fragment, so that the page stays free between two."""
    if not jobs:
        return
    tried = st.session_state[_TRIED]
    left = [job for job in jobs if job.name not in tried]
    share = 1 - len(left) / len(jobs)
    who = texts.md(left[0].row.run.title or left[0].row.id) if left else ""
    st.progress(share, f"Measuring {len(jobs) - len(left) + 1} of {len(jobs)}: {who}")
    if st.session_state.pop(_DRAWN, False):
        return  # the page itself is being drawn: it never waits for a measurement
    if left:
        tried.add(left[0].name)
        try:
            runs_measured.measure(left[:1], lambda share, who: None)
        except LabError:
            tried.discard(left[0].name)  # another window measures: once more in a moment
            return
    if len(left) < 2:
        st.rerun()


def _asked(scene: Scene, jobs: Sequence[Job]) -> None:
    """How much is lacking, and the button that measures it."""
    closed, runs = services.public(), {job.row.run.folder for job in jobs}
    with st.container(horizontal=True, vertical_alignment="center", key="runs_missing"):
        word = "run lacks its" if len(runs) == 1 else "runs lack their"
        st.caption(
            f"{len(runs)} {word} test or difference to the baseline, or to the own twin: "
            "1,000 draws of queries and up to 10,000 trades a run.",
            width="content",
        )
        if st.button(
            "Measure now",
            key="runs_measure",
            icon=":material/straighten:",
            disabled=closed,
            help=services.PUBLIC_REASON if closed else None,
        ):
            _measure(scene, jobs)


def _measure(scene: Scene, jobs: Sequence[Job]) -> None:
    bar, began = st.progress(0.0, "Measuring…"), time.monotonic()

    def told(share: float, who: str) -> None:
        spent = time.monotonic() - began
        left = f", {spent * (1 - share) / share:.0f} s left" if share > 0 else ""
        bar.progress(share, texts.md(f"Measuring {who}{left}") if who else "Done")

    if scene.base is not None:  # a better twin among the new numbers must not take its place
        state.change(rbase=scene.base.key)
    try:
        problems = runs_measured.measure(jobs, told)
    except LabError as cause:
        bar.empty()
        st.error(texts.md(str(cause)))
        return
    if problems:
        st.error("Not measured:\n" + "\n".join(f"- {texts.md(p)}" for p in problems))
    else:
        st.rerun()
