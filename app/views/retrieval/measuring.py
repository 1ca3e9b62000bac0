"""Measuring retrieval in the background: what is missing, progress, cancel, what there is."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import services, state
from app.kit.texts import duration, md
from app.services import Board, access
from app.views.retrieval import queries
from kdcore.data.library import WORLD
from kdcore.retrieval.ads import CORPUS
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import ALONE, ALONE_PAIRS, Study

BUSY = 0.5  # processes at work per core, before the measuring began
FOUND = 40_000  # pairs, about, that searches find for the queries of a study


def offer_towers(board: Board) -> str:
    """Say why there is nothing to search with, and offer a student that has vectors."""
    offered = services.sources_on(board.all_pairs)
    able = [s for s in offered if queries.is_separable(s.run) and queries.has_weights(s.run)]
    reason = _lacking(board)
    for source in able[:1] if reason.startswith("The student") or not reason else []:
        st.button(
            f"Show {md(source.title)}",
            on_click=_choose,
            args=(source.key,),
            key="retrieval_able",
        )
    student = board.student.title if board.student else ""
    return reason or (
        f"{student} reads query and ad together, so no vector of an ad can be stored: "
        "it would have to read every ad again for each query."
    )


def _lacking(board: Board) -> str:
    """Which of student and teacher has no model here, and which control changes that."""
    lacks = []
    for role, cannot in (("student", "embed ads"), ("teacher", "re-rank")):
        model = board.models.get(role)
        if model is None:
            lacks.append(f"The {role} is not chosen: choose one above.")
            continue
        whole = queries.has_weights(model.run)
        if whole or (role == "student" and model.run and not queries.is_separable(model.run)):
            continue  # a cross-encoder lacks nothing: it cannot embed ads at all
        how = "is here by its predictions only" if model.run else "was imported as a file"
        lacks.append(
            f"The {role}, {model.title}, {how}, without a model that could {cannot}: choose "
            f"another {role} above."
        )
    return " ".join(lacks)


def draw(request: Request) -> str:
    """The button that measures, or the progress of the measuring; returns the finding."""
    st.fragment(_watch, run_every=1.0 if _state(request) == "running" else None)(request)
    return f"Retrieval with {request.student.shown_title} over these ads is not measured here yet."


def standing(board: Board, request: Request, study: Study) -> None:
    """Where and when it was measured; a way to do it on this machine."""
    card, here = study.card, queries.is_measured_here(request)
    where = "here" if here else "for the bundled example, on another machine"
    truth, origin = md(card["truth"]), queries.origin(board)
    st.caption(
        f"Measured {where}, {card['when']}: {len(study.queries):,} queries {origin} over "
        f"{study.ads:,} ads. Truth: {truth}. Times are of one query at a time{_load(card)}."
    )
    if not here:
        if _state(request) in ("running", "failed", "lost"):
            st.fragment(_watch, run_every=1.0 if _state(request) == "running" else None)(request)
        else:
            _start_button(request, "Measure on this machine")


def _load(card: Mapping[str, Any]) -> str:
    """That the machine had other work, where it had: then times are too long."""
    load = card.get("load")
    if load is None:
        return ", on a machine whose load is not known: they may be too long"
    if load < BUSY:
        return ""
    return f", on a machine that was busy (load {load:.1f} per core): they are too long"


def _watch(request: Request) -> None:
    progress = jobs.job_of(request, access.home()).progress()
    if progress.state == "finished":
        st.rerun()
    if progress.state == "running":
        with st.container(horizontal=True, vertical_alignment="center", key="retrieval_job"):
            st.progress(progress.share, text=md(progress.step))
            st.button("Cancel", on_click=_cancel, args=(request,), key="retrieval_cancel")
        return
    if progress.message:
        st.error(md(progress.message))
    _start_button(request, "Measure retrieval here")


def _start_button(request: Request, label: str) -> None:
    ads = _count(request)
    st.caption(f"{estimate(request, ads)} {_reading(request, ads)}")
    help = (
        "Embeds the ads, builds indexes, lets the teacher score what was found and, for some "
        "queries, every ad, and times it all, in a process of its own: you can leave the page."
    )
    if st.button(label, key="retrieval_start", **access.unless_public(help)):
        access.refuse_public()
        jobs.start(jobs.job_of(request, access.home()), request, access.home())
        st.rerun()


def _reading(request: Request, ads: int) -> str:
    """How many pairs the teacher reads, nearly all of the time, and how long that takes."""
    full = min(ALONE, ALONE_PAIRS // ads)
    pairs = full * ads + FOUND
    words = f"The teacher then reads about {pairs:,} pairs: those found for 100 queries" + (
        f", and all ads for {full} of them" if full else ""
    )
    card = queries.bundled_card()
    if card is None or card["models"][1] != request.models[1]:
        return f"{words}."
    spent = duration(pairs * card["times"]["teacher_pair_ms"] / 1000)
    return f"{words} ({spent} at the speed of the bundled measurement)."


def _count(request: Request) -> int:
    """How many ads are searched; those of the world are not generated for it."""
    name, _, size = request.data.partition(":ads=")
    if name != WORLD:
        return len(queries.ads_of(request.data, request.data_hash))
    return int(size or CORPUS)


def estimate(request: Request, ads: int) -> str:
    """What the vectors of so many ads cost, where the bundled measurement is of this model."""
    card = queries.bundled_card()
    if card is None or card["models"][0] != request.models[0]:
        return f"{ads:,} ads; how long this student takes for an ad was not measured here."
    ms, megabytes = card["times"]["ad_ms"], ads * 4 * card["width"] / 1e6
    return (
        f"{ads:,} ads: the student's vectors take about {duration(ads * ms / 1000)} (at "
        f"{ms:.2f} ms per ad, as in the bundled measurement) and {megabytes:,.0f} MB of memory; "
        "the start and the index come on top, and other work on this machine makes it longer."
    )


def _state(request: Request) -> str:
    return jobs.job_of(request, access.home()).progress().state


def _cancel(request: Request) -> None:
    jobs.job_of(request, access.home()).cancel()


def _choose(key: str) -> None:
    state.change(student=key)
