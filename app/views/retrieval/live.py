"""A typed query or a filter: searched now, with models that the study's machine need not have."""

from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app import state
from app.kit.by_hash import by_hash
from app.kit.texts import md
from app.services import access
from app.views.retrieval import measuring
from app.views.retrieval.columns import Columns, judged_by
from kdcore.retrieval.ads import Ads, Mask
from kdcore.retrieval.funnel import Cuts
from kdcore.retrieval.measuring import jobs
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.questions import Questions
from kdcore.retrieval.measuring.study import Search, Study
from kdcore.retrieval.recall import Floats
from kdcore.retrieval.vectors import vectors_path
from kdcore.runs.store import Run

if TYPE_CHECKING:
    from kdcore.models.base import PairModel
    from kdcore.retrieval.answer import Answer
    from kdcore.retrieval.search import Searcher

_ONE_AT_A_TIME = Lock()  # a model is not asked by two visitors in the same moment
NAMED = 200  # ads of largest worth whose worth is looked up, besides those that are shown


def is_ready(request: Request, ads: Ads) -> bool:
    """Whether the student's vectors of the ads are stored here."""
    return vectors_path(access.home(), request.models[0], ads.content_hash).is_file()


def offer(request: Request, ads: int) -> None:
    """The button that embeds so many ads here, with what it costs, or its progress."""
    job = jobs.embedding_of(request, access.home())
    running = job.progress().state == "running"
    st.fragment(_watch, run_every=1.0 if running else None)(request, ads)


def _watch(request: Request, ads: int) -> None:
    job = jobs.embedding_of(request, access.home())
    progress = job.progress()
    if progress.state == "running":
        with st.container(horizontal=True, vertical_alignment="center", key="retrieval_embedding"):
            st.progress(progress.share, text=md(progress.step))
            st.button("Cancel", on_click=job.cancel, key="retrieval_embed_cancel")
        return
    if progress.state == "finished":
        st.rerun()
    if progress.message:
        st.error(md(progress.message))
    st.caption(measuring.estimate(request, ads))
    help = "The student reads every ad once, in a process of its own; then any query is answered."
    if st.button("Embed the ads here", key="retrieval_embed", **access.unless_public(help)):
        access.refuse_public()
        jobs.start(job, request, access.home())
        st.rerun()


def columns_of(
    request: Request, study: Study, ads: Ads, search: Search, passing: Mask | None
) -> tuple[Columns, "Answer"]:
    """Search now, with the chosen index, cuts and filters; the truth where it knows the query."""
    access.refuse_public()
    now = state.now().retrieval
    text = now.typed.strip() or study.queries[now.query]
    cuts = Cuts(now.candidates, min(now.reordered, now.candidates))
    answer = _answer(request, search, text, now.k, cuts, passing)
    worth = {}
    if not now.typed.strip():
        gains = _gains(request, len(study.queries), now.query)
        gains = gains if passing is None else np.where(passing, gains, 0)
        best = np.argsort(-gains, kind="stable")[:NAMED].tolist()
        ids = {*best, *answer.exact, *answer.index, *answer.reranked}
        worth = {ad: float(gains[ad]) for ad in sorted(ids)}
    return judged_by(worth, (answer.exact, answer.index, answer.reranked), now.k), answer


@by_hash(
    most=200,
    spinner="Searching…",
    on=lambda request, search, *rest: (request.key, search.recipe, search.effort, rest),
)
def _answer(
    request: Request, search: Search, text: str, k: int, cuts: Cuts, passing: Mask | None
) -> "Answer":
    from kdcore.retrieval.answer import answer

    with _ONE_AT_A_TIME:
        searcher = _searcher(f"{request.key}-{search.recipe}", partial(_open, request, search))
        teacher = _teacher(request.teacher.model_folder, _changed(request.teacher))
        return answer(searcher, teacher, text, k, cuts, effort=search.effort, passing=passing)


def _open(request: Request, search: Search) -> "Searcher":
    from kdcore.retrieval.search import Searcher

    return Searcher.open(request.student, request.data, access.home(), recipe=search.recipe)


@by_hash(most=3, on=lambda key, load: key)
def _searcher(key: str, load: "partial[Searcher]") -> "Searcher":
    return load()


@by_hash(most=2)
def _teacher(folder: Path, changed: int) -> "PairModel":
    from kdcore.retrieval.answer import reader

    return reader(folder)


def _changed(run: Run) -> int:
    return run.model_folder.stat().st_mtime_ns


@by_hash(most=20, on=lambda request, count, query: (request.data, request.data_hash, count, query))
def _gains(request: Request, count: int, query: int) -> Floats:
    return _questions(request, count).gains(query)


@by_hash(most=2, on=lambda request, count: (request.data, request.data_hash, count))
def _questions(request: Request, count: int) -> Questions:
    return Questions.of(request.data, count, access.home())
