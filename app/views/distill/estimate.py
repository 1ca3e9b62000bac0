"""What the draft would cost: time, memory, the teacher's share; and what that rests on."""

import streamlit as st

from app import services
from app.kit.texts import duration, md
from app.services import standing
from app.services.draft import Draft
from app.views.distill.queries import cost
from app.views.distill.queries.cost import Cost

_UNKNOWN = (
    "No time estimate yet: it appears after the first run, or once the idle machine has been "
    "benchmarked."
)


def draw(now: Draft, train_twin: bool) -> None:
    """Time with its range, memory, the teacher's answers; or why nothing can be foreseen."""
    with st.container(border=True, gap="xsmall", key="distill_estimate"):
        st.markdown(":material/timer: **Before you start**")
        if now.config is None:
            st.caption("The estimate follows when the settings can be run.")
            return
        found = cost.cost(now.config, train_twin)
        if found.student is None:
            st.warning(md(found.why))
            return
        if time := _time(found):
            st.markdown(time)
        cut = md(standing.cut_in_words(services.chosen_data()))
        told = (_pairs(found), cut, _teacher(found), _memory(found))
        lines = [line for line in told if line]
        st.caption("  \n".join(lines))
        st.caption(f"Estimated {md(found.student.basis)}." if _known(found) else _UNKNOWN)


def sentence(now: Draft, train_twin: bool) -> str:
    """How long it would take, as the end of a sentence; an empty text when nobody knows."""
    if now.config is None:
        return ""
    found = cost.cost(now.config, train_twin)
    return f"about {duration(found.seconds[0])} on this machine" if _known(found) else ""


def _known(found: Cost) -> bool:
    return found.student is not None and found.seconds[0] == found.seconds[0]


def _time(found: Cost) -> str:
    if not _known(found):
        return ""
    expected, low, high = found.seconds
    both = " for both, one after the other" if found.twin else ""
    return f"**About {duration(expected)}**{both}: {duration(low)} to {duration(high)}"


def _pairs(found: Cost) -> str:
    assert found.student is not None
    twin = "; its twin exists and is reused" if found.reused else ""
    if found.no_twin:
        twin = f"; no twin: {md(found.no_twin)}"
    return f"{found.student.pairs:,} pairs, {found.student.steps:,} steps per student{twin}"


def _teacher(found: Cost) -> str:
    assert found.student is not None
    if found.student.teacher_cached:
        return "The teacher has scored these pairs before, so its predictions cost no time"
    if found.student.teacher_seconds == found.student.teacher_seconds:
        return (
            f"Of that, {duration(found.student.teacher_seconds)} for the teacher to score the "
            "pairs, once"
        )
    return "The teacher has to score these pairs first, once"


def _memory(found: Cost) -> str:
    assert found.student is not None
    size = found.student.memory_mb
    if size != size:
        return ""
    told = f"{size / 1024:,.1f} GiB" if size >= 1024 else f"{size:,.0f} MiB"
    return f"About {told} of memory on the {'GPU' if found.student.device == 'cuda' else 'CPU'}"
