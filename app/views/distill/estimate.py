"""What the draft would cost: time, memory, the teacher's share; and what that rests on."""

from math import isnan

import streamlit as st

from app import services
from app.kit.texts import counted, duration, md
from app.services import standing
from app.services.draft import Draft
from app.services.runs import shards
from app.views.distill.queries import cluster, cost, scale
from app.views.distill.queries.cost import Cost
from kdcore.data.answers.teaching import scored_of
from kdcore.experiments.estimate.estimate import Estimate

UNKNOWN = (
    "No time estimate yet: it appears after the first run, or once the idle machine has been "
    "benchmarked."
)


def draw(now: Draft, train_twin: bool) -> None:
    """Time with its range, memory, the teacher's answers; or why nothing can be estimated."""
    with st.container(border=True, gap="xsmall", key="distill_estimate"):
        st.markdown(":material/timer: **Before you start**")
        if now.config is None:
            st.caption("The estimate follows when the settings can be run.")
            return
        if warning := scale.chance(now):
            st.warning(md(warning))
        total = cost.cost(now.config, train_twin)
        if total.student is None:
            st.warning(md(total.why))
            return
        if total.is_timed:
            expected, low, high = map(duration, total.seconds)
            both = " for both, one after the other" if total.twin else ""
            st.markdown(f"**About {expected}**{both}: {low} to {high}")
        cut = md(standing.cut_in_words(services.chosen_data()))
        lines = (
            _pairs(total, total.student),
            cut,
            _teacher(now, total.student),
            _shards(now),
            memory(total.student),
        )
        st.caption("  \n".join(filter(None, lines)))
        st.caption(f"Estimated {md(total.student.basis)}." if total.is_timed else UNKNOWN)
        elsewhere()


def sentence(now: Draft, train_twin: bool) -> str:
    """How long it would take, as the end of a sentence; an empty text when that is not known."""
    if now.config is None:
        return ""
    total = cost.cost(now.config, train_twin)
    if not total.is_timed:
        return ""
    place = ", but the run goes to a cluster" if cluster.present() else ""
    return f"about {duration(total.seconds[0])} on this machine{place}"


def elsewhere() -> None:
    """Say that a run goes to a cluster, where one is set, and what is known of its speed."""
    if there := cluster.present():
        st.caption(
            ":material/lan: Time and memory are estimated for this machine; "
            f"the run goes to the Ray cluster at {md(there.address)}. {there.speed}"
        )


def _pairs(total: Cost, student: Estimate) -> str:
    twin = "; its twin exists and is reused" if total.twin_exists else ""
    if total.no_twin:
        twin = f"; no twin: {md(total.no_twin)}"
    return f"{student.pairs:,} pairs, {student.steps:,} steps per student{twin}"


def _teacher(now: Draft, student: Estimate) -> str:
    if now.config is not None and now.config.teaching.files:
        text = "The scores are in a file, so the teacher costs no time"
        scores = cost.coverage_of(now)
        if scores is None or scores.scored == scores.learned:
            return text
        return f"{text}; {scored_of(scores.scored, scores.learned)}, the others only their labels"
    if student.generations > 1:
        return f"The time is of generations 2 to {student.generations}; generation 1 is the twin"
    if student.teacher_is_live:
        return (
            "The teacher runs at every step, since not all it gives is stored; the time includes it"
        )
    pairs = "the labelled pairs" if now.at("from_shards") is True else "these pairs"
    if student.teacher_cached:
        return f"The teacher has scored {pairs} before, so its predictions cost no time"
    if isnan(student.teacher_seconds):
        return f"The teacher has to score {pairs} first, once"
    return f"Of that, {duration(student.teacher_seconds)} for the teacher to score {pairs}, once"


def _shards(now: Draft) -> str:
    """How the log is read where it lies in shards; "" where it does not."""
    stored = shards.of_config(now.config) if now.config and now.config.from_shards else None
    if stored is None:
        return ""
    most = min(stored.shard_rows, stored.pairs)
    return (
        f"The log of {stored.pairs:,} pairs is scored already and lies in "
        f"{counted(stored.shards, 'shard')}; one, of {most:,} pairs at most, is in memory at a time"
    )


def memory(student: Estimate) -> str:
    """How much memory a training needs, in a few words; "" where it is not known."""
    size = student.memory_mb
    if isnan(size):
        return ""
    amount = f"{size / 1024:,.1f} GiB" if size >= 1024 else f"{size:,.0f} MiB"
    return f"About {amount} of memory on the {'GPU' if student.device == 'cuda' else 'CPU'}"
