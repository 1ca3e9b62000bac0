"""What is not evaluated of the shown runs: it is done in the background, and its progress shown."""

from collections.abc import Sequence

import streamlit as st

from app import services
from app.kit import texts
from app.services.runs import listing, measured, seeds
from app.services.runs.listing import MOST, Scene
from app.services.runs.measured import Job

BY_ITSELF = 20  # measurements that begin without a button
_ASKED, _LEFT = "kd_runs_asked", "kd_runs_left"


def draw(scene: Scene) -> None:
    """A line with what is missing, or the progress of its evaluation; none when all is there."""
    jobs = jobs_of(scene)
    failed = measured.failures(jobs)
    left = [job for job in jobs if job.wanted.name not in failed]
    asked: set[str] = st.session_state.setdefault(_ASKED, set())
    fresh = [job for job in left if job.wanted.name not in asked]
    if fresh and len(left) <= BY_ITSELF and not services.public():
        _ask(fresh)
    waiting = measured.progress(left).left if left else 0
    st.session_state[_LEFT] = len(left)
    st.fragment(_follow, run_every=1.0 if waiting else None)(left if waiting else [])
    if left and not waiting:
        _button(left, f"{_count(left)} not evaluated yet.", "Evaluate now")
    if failed:
        _tell_failures(jobs, failed)


def jobs_of(scene: Scene) -> list[Job]:
    """Evaluations missing in the table and the sweeps, 50 at most."""
    wanted = list(scene.chosen or scene.shown)
    wanted += [e for e in scene.entries if e.row.about.role == "cell" and e not in wanted]
    twins = seeds.own_twins(scene)
    beside = [e.row for e in wanted if e.key not in scene.apart]
    apart = [e.row for e in wanted if e.key in scene.apart]
    jobs = measured.lacking(beside, scene.base_row, twins)
    return [*jobs, *measured.lacking(apart, None, twins)][:MOST]


def _ask(jobs: Sequence[Job]) -> None:
    st.session_state[_ASKED].update(job.wanted.name for job in jobs)
    measured.measure(jobs)


def _follow(jobs: Sequence[Job]) -> None:
    """The progress of the background process; the page is redrawn when numbers arrive."""
    if not jobs:
        return
    measured.keep_going()
    wanted = {job.wanted.name for job in jobs}
    scene = listing.scene()
    still = [job for job in jobs_of(scene) if job.wanted.name in wanted]
    now = measured.progress(jobs)
    share = 1 - len(still) / len(jobs)
    folder = now.run.folder if now.run else None
    titles = {e.row.run.folder: e.title for e in scene.entries}
    who = f": {texts.md(titles[folder])}" if folder in titles else ""
    st.progress(max(0.0, min(share, 1.0)), f"{_count(jobs)} being evaluated in the background{who}")
    if len(still) != st.session_state[_LEFT] or not now.left:
        st.session_state[_LEFT] = len(still)
        st.rerun()


def _count(jobs: Sequence[Job]) -> str:
    runs = len({job.row.run.folder for job in jobs})
    return f"{runs} finished run is" if runs == 1 else f"{runs} finished runs are"


def _button(jobs: Sequence[Job], sentence: str, label: str) -> None:
    closed = services.public()
    with st.container(horizontal=True, vertical_alignment="center", key="runs_missing"):
        st.caption(sentence, width="content")
        pressed = st.button(
            label,
            key=f"runs_measure_{label.split()[0].lower()}",
            icon=":material/straighten:",
            disabled=closed,
            help=services.PUBLIC_REASON
            if closed
            else "In the background, about a second per run; you can leave this page.",
        )
    if pressed:
        _ask(jobs)
        st.rerun()


def _tell_failures(jobs: Sequence[Job], failed: dict[str, str]) -> None:
    """Which could not be evaluated, and why."""
    broken = [job for job in jobs if job.wanted.name in failed]
    lines = [
        f"- {texts.md(job.row.run.title or job.row.id)}: {texts.md(failed[job.wanted.name])}"
        for job in broken
    ]
    st.error("These runs could not be evaluated:\n" + "\n".join(dict.fromkeys(lines)))
    with st.container(key="runs_failed"):
        if st.button("Try again", key="runs_measure_try", disabled=services.public()):
            _ask(broken)
            st.rerun()
