"""Shown runs without an evaluation: they are evaluated in the background, with their progress."""

from collections.abc import Sequence

import streamlit as st

from app import services
from app.kit.texts import md
from app.services import access
from app.services.runs import differences, listing, seeds
from app.services.runs.listing import MOST, RunsView
from app.state.keys import MEASURING_ASKED, MEASURING_LEFT
from kdcore.judging import background
from kdcore.judging.background import Request

BY_ITSELF = 20  # measurements that begin without a button


def draw(view: RunsView) -> None:
    """Draw how many evaluations are missing, or their progress; nothing when none is."""
    requests = requests_of(view)
    failed = background.failures(requests, access.home())
    left = [each for each in requests if each.name not in failed]
    requested: set[str] = st.session_state.setdefault(MEASURING_ASKED, set())
    fresh = [each for each in left if each.name not in requested]
    if fresh and len(left) <= BY_ITSELF and not services.public():
        _request(fresh)
    waiting = background.progress(left, access.home()).left if left else 0
    st.session_state[MEASURING_LEFT] = len(left)
    st.fragment(_follow, run_every=1.0 if waiting else None)(left if waiting else [])
    if left and not waiting:
        with st.container(horizontal=True, vertical_alignment="center", key="runs_missing"):
            st.caption(f"{_count(left)} not computed yet (test or difference).", width="content")
            help = "In the background, about a second per run; you can leave this page."
            if st.button(
                "Compute now",
                key="runs_measure_evaluate",
                icon=":material/straighten:",
                **access.unless_public(help),
            ):
                _request(left)
                st.rerun()
    if failed:
        _show_failures(requests, failed)


def requests_of(view: RunsView) -> list[Request]:
    """Evaluations missing in the table and the sweeps, those of chosen runs first, 50 at most."""
    listed = [*view.chosen, *(e for e in view.shown if e not in view.chosen)]
    listed += [e for e in view.entries if e.row.run.purpose.role == "cell" and e not in listed]
    comparable = [e.row for e in listed if e.key not in view.apart]
    apart = [e.row for e in listed if e.key in view.apart]
    twins = seeds.own_twins(view)
    requests = differences.lacking(comparable, view.base_row, twins)
    return [*requests, *differences.lacking(apart, None, twins)][:MOST]


def _request(requests: Sequence[Request]) -> None:
    st.session_state[MEASURING_ASKED].update(each.name for each in requests)
    differences.measure(requests)


def _follow(requests: Sequence[Request]) -> None:
    """The progress of the background process; the page is redrawn when numbers arrive."""
    if not requests:
        return
    background.ensure_process(access.home())
    requested = {each.name for each in requests}
    view = listing.runs_view()
    still = [each for each in requests_of(view) if each.name in requested]
    now = background.progress(requests, access.home())
    share = 1 - len(still) / len(requests)
    folder = now.run.folder if now.run else None
    titles = {e.row.run.folder: e.title for e in view.entries}
    name = f": {md(titles[folder])}" if folder in titles else ""
    st.progress(
        max(0.0, min(share, 1.0)), f"{_count(requests)} being evaluated in the background{name}"
    )
    if len(still) != st.session_state[MEASURING_LEFT] or not now.left:
        st.session_state[MEASURING_LEFT] = len(still)
        st.rerun()


def _count(requests: Sequence[Request]) -> str:
    runs = len({each.run.folder for each in requests})
    return f"{runs} finished run is" if runs == 1 else f"{runs} finished runs are"


def _show_failures(requests: Sequence[Request], failed: dict[str, str]) -> None:
    """Which could not be evaluated, and why."""
    broken = [each for each in requests if each.name in failed]
    lines = [f"- {md(r.run.title or r.run.id)}: {md(failed[r.name])}" for r in broken]
    st.error("These runs could not be evaluated:\n" + "\n".join(dict.fromkeys(lines)))
    with st.container(key="runs_failed"):
        if st.button("Try again", key="runs_measure_try", disabled=services.public()):
            _request(broken)
            st.rerun()
