"""What retrieval costs: time of towers and models, of indexes at each effort, fewer bits."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.models.build import load_model
from kdcore.retrieval.ads import Ads
from kdcore.retrieval.codes import WAYS, coded_top, encode
from kdcore.retrieval.embed import ad_vectors, embed_queries, scores_by, two_towers
from kdcore.retrieval.exact import cosines_of, exact_top
from kdcore.retrieval.index import AnnIndex
from kdcore.retrieval.measuring.study import Search
from kdcore.retrieval.recall import mean_with_interval, recall
from kdcore.retrieval.timing import recall_curve, time_search
from kdcore.retrieval.vectors import AdVectors, Vectors
from kdcore.runs.store import Run

K = 10
SAMPLE = 1000  # ads on which the time of embedding is measured
CODES_UP_TO = 200_000  # ads up to which ways to store vectors are compared


def searches_of(index: AnnIndex, queries: Vectors) -> list[Search]:
    """An index at each of its efforts, timed."""
    size = index.megabytes
    return [
        Search(index.recipe, point.effort, *point.time, index.build_seconds, size)
        for point in recall_curve(index, queries, K)
    ]


def exact_search(vectors: AdVectors, queries: Vectors) -> Search:
    """Exact search, timed."""
    flat = AnnIndex(vectors, "Flat", 0.0, None)
    spent = time_search(lambda some: flat.search(some, K), queries)
    return Search("Flat", 0, *spent, 0.0, vectors.vectors.nbytes / 1e6)


def embedding_ms(run: Run, ads: Ads) -> float:
    """Milliseconds per ad of the ad tower, on the first ads."""
    model, titles = two_towers(run), ads.titles[:SAMPLE]
    ad_vectors(model, titles[:10], ads.descriptions[:10])  # warm up
    began = time.perf_counter()
    ad_vectors(model, titles, ads.descriptions[:SAMPLE])
    return 1000 * (time.perf_counter() - began) / len(titles)


def query_ms(run: Run, queries: Sequence[str]) -> float:
    """Median milliseconds to embed one typed query, after warm-up."""
    model, spent = two_towers(run), []
    for query in [*queries[:3], *queries[:20]]:
        began = time.perf_counter()
        embed_queries(model, [query])
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent[min(3, len(queries)) :]))


def pair_ms(
    run: Run, queries: Sequence[str], lists: Sequence[NDArray[np.int64]], ads: Ads
) -> float:
    """Median milliseconds per pair where a model scores 100 ads of one query, after warm-up."""
    model, spent = load_model(run.require_model().model_folder), []
    for query, ids in zip(queries[:21], lists[:21], strict=True):
        began = time.perf_counter()
        scores_by(model, [query], [ids[:100]], ads)
        spent.append(1000 * (time.perf_counter() - began) / max(1, len(ids[:100])))
    return float(np.median(spent[1:] or spent))


def storage(vectors: Vectors, queries: Vectors) -> list[dict[str, Any]]:
    """Recall@10 of exact search over vectors in fewer bits, with and without rescoring 40."""
    if len(vectors) > CODES_UP_TO:
        return []
    best = exact_top(vectors, queries, K)[1]
    rows = []
    for way, words in WAYS.items():
        codes = encode(vectors, way)  # type: ignore[arg-type]
        row: dict[str, Any] = {"way": way, "words": words, "bytes": codes.bytes_per_ad}
        for name, again in (("recall", 0), ("rescored", 40)):
            ids, _ = coded_top(codes, vectors, queries, K, again)
            cosines = cosines_of(ids, vectors, queries)
            row[name] = list(mean_with_interval(recall(ids, cosines + 1e-6, best)))
        rows.append(row)
    return rows
