"""Measure retrieval with a student, its twin and a teacher: embed, index, search, score, judge."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from kdcore.predictions import model_hash
from kdcore.retrieval.ads import ads_named
from kdcore.retrieval.embed import embed_ads, embed_queries, metric_note, rescored, two_towers
from kdcore.retrieval.index import AnnIndex, stored_index
from kdcore.retrieval.measuring.costs import (
    embedding_ms,
    exact_search,
    pair_ms,
    query_ms,
    searches_of,
    storage,
)
from kdcore.retrieval.measuring.pool import Columns, Side, Tell, judge, pool, teacher_alone
from kdcore.retrieval.measuring.questions import Questions
from kdcore.retrieval.measuring.study import VERSION, Study
from kdcore.retrieval.vectors import AdVectors
from kdcore.runs.machine import machine_mark
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

QUERIES = 100  # of the test split
GRAPH_UP_TO = 200_000  # ads up to which a graph is built as well: it takes minutes above


def measure(
    student: Run,
    teacher: Run,
    data: str,
    workspace: Workspace,
    *,
    twin: Run | None = None,
    queries: int = QUERIES,
    tell: Tell = lambda step, share: None,
) -> Study:
    """Measure retrieval over the ads of a data set; vectors and indexes are kept in the workspace.

    ConfigError where the student has no vectors of ads, or the data are not known.
    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else None
    questions = Questions.of(data, queries, workspace)
    sides = _sides([run for run in (student, twin) if run is not None], questions, workspace, tell)
    tell("building and timing indexes", 0.4)
    indexes = indexes_of(sides[0].ads, workspace)
    searches = [list(each) for index in indexes for each in searches_of(index, sides[0].queries)]
    tell("pooling what was found", 0.5)
    columns = pool(sides, indexes)
    tell(f"the teacher scores {len(columns['ad']):,} pairs", 0.55)
    note = metric_note(two_towers(student))
    columns["teacher"] = _scores(teacher, columns, questions)
    columns["score"] = _scores(student, columns, questions) if note else columns["cosine"]
    tell("judging by the truth", 0.65)
    curves = judge(columns, sides, questions)
    curves |= teacher_alone(teacher, questions, lambda s, share: tell(s, 0.7 + 0.25 * share))
    tell("timing the models", 0.95)
    card = {
        "version": VERSION,
        **_names(student, teacher, twin, questions),
        "note": note,
        "searches": searches,
        "exact": list(exact_search(sides[0].ads, sides[0].queries)),
        "times": _times(student, teacher, columns, questions, note),
        "codes": storage(sides[0].ads.vectors, sides[0].queries),
        "width": int(sides[0].queries.shape[1]),
        "machine": machine_mark(),
        "load": load,
        "when": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    tell("finished", 1.0)
    return Study(card, **columns, **curves)


def embed(
    student: Run, data: str, workspace: Workspace, tell: Tell = lambda step, share: None
) -> None:
    """Embed and index the ads of a data set, and keep both in the workspace."""
    words = f"embedding the ads of {data}"
    ads = ads_named(data, workspace)
    vectors = embed_ads(student, ads, workspace, watch=lambda done, all: tell(words, done / all))
    tell("building indexes", 0.99)
    indexes_of(vectors, workspace)


def indexes_of(vectors: AdVectors, workspace: Workspace) -> list[AnnIndex]:
    """Lists (IVF), 8 bits, 1 bit, and a graph (HNSW) where it is built in seconds.

    They come from the cache, or are built and stored there.
    """
    lists = 2 ** max(2, round(np.log2(4 * np.sqrt(len(vectors)))))
    recipes = [f"IVF{lists}" if lists <= len(vectors) else "IVF1", "SQ8", "Bits"]
    if len(vectors) <= GRAPH_UP_TO:
        recipes.append("HNSW16")
    folder = workspace.cache_folder("indexes")
    return [stored_index(folder, vectors, each) for each in recipes]


def _sides(
    towers: Sequence[Run], questions: Questions, workspace: Workspace, tell: Tell
) -> list[Side]:
    """The vectors of all ads and queries by each model."""
    sides = []
    for place, run in enumerate(towers):
        words = f"embedding {len(questions.ads):,} ads with {run.shown_title}"

        def watch(done: int, total: int, words: str = words, place: int = place) -> None:
            tell(words, (place + done / total) * 0.4 / len(towers))

        vectors = embed_ads(run, questions.ads, workspace, watch=watch)
        sides.append(Side(vectors, embed_queries(two_towers(run), questions.texts)))
    return sides


def _lists(columns: Columns) -> list[Any]:
    """The ads of the rows, query by query."""
    ends = np.flatnonzero(np.diff(columns["query"])) + 1
    return np.split(columns["ad"].astype(np.int64), ends)


def _scores(run: Run, columns: Columns, questions: Questions) -> Any:
    """(rows,) the ranking scores of a run's model."""
    scores = rescored(run, questions.texts, _lists(columns), questions.ads)
    return np.concatenate(scores).astype(np.float32)


def _names(student: Run, teacher: Run, twin: Run | None, questions: Questions) -> dict[str, Any]:
    return {
        "queries": list(questions.texts),
        "ads": len(questions.ads),
        "data": questions.ads.name,
        "truth": questions.truth,
        "student": student.id,
        "teacher": teacher.id,
        "twin": twin.id if twin else "",
        "models": [model_hash(run.model_folder) if run else "" for run in (student, teacher, twin)],
    }


def _times(
    student: Run, teacher: Run, columns: Columns, questions: Questions, note: str
) -> dict[str, float]:
    """Milliseconds: per ad, per query, and per pair of the teacher and of a student that reads."""
    texts, ads, lists = questions.texts, questions.ads, _lists(columns)
    return {
        "ad_ms": embedding_ms(student, ads),
        "query_ms": query_ms(student, texts),
        "teacher_pair_ms": pair_ms(teacher, texts, lists, ads),
        "student_pair_ms": pair_ms(student, texts, lists, ads) if note else 0.0,
    }
