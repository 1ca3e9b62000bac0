"""Retrieval beside its peers: exact search, recall at a time, and what a million ads cost.

    PYTHONPATH=. PYTHON tests/benchmarks/searches.py [--quick] [--ads N] [--parts PART ...]

PYTHON has usearch, the runner-up of faiss, beside what the lab needs (`pip install usearch`); its
rows are left out without it. One thread; --threads N builds graphs on more, and the rows say so.
A million ads: `--parts exact lists`, then `--parts peer --threads 2`, with about 5 GB of memory.

FILE of --vectors holds vectors that `kdlab index` stored in the workspace's cache/vectors. Without
one they are made: 128 dimensions whose directions matter unequally, around many centers. Made
vectors are easier than those of ads: judge an index on the ads in hand.

exact: 200 queries in one call, the best 100. approximate: the best 10, one query at a time after
warm-up; an index is timed at the efforts that the lab offers. Recall: against exact search.
"""

import argparse
import importlib.util
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure import medians, run_on_one_thread

from kdcore.retrieval.exact import cosines_of, exact_top
from kdcore.retrieval.index import AnnIndex, usual_recipe
from kdcore.retrieval.recall import recall
from kdcore.retrieval.timing import recall_curve, time_search
from kdcore.retrieval.vectors import AdVectors, Vectors

WIDTH, QUERIES, DEEP, K = 128, 200, 100, 10
FEW, MANY = 10_000, 200_000  # ads; rounds of exact search are fewer below (--quick) and above
PARTS = ("exact", "lists", "graph", "peer")
EXPANSIONS = (16, 32, 64, 128, 256)  # of usearch, as many as of our graph


def main() -> None:
    """Measure all and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--ads", type=int, default=100_000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--threads", type=int, default=1, help="on which graphs are built")
    parser.add_argument("--vectors", type=Path, help="stored vectors of ads, instead of made ones")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    run_on_one_thread()
    ads, queries = drawn(arguments.vectors, 3000 if arguments.quick else arguments.ads)
    rows = []
    if "exact" in arguments.parts:
        rows += exact(ads, queries, 7 if FEW < len(ads) <= MANY else 3)
    rows += approximate(ads, queries, arguments.parts, arguments.threads)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(f"{len(ads):,} ads × {ads.vectors.shape[1]}, {len(queries)} queries, one thread")
    for row in rows:
        print(" | ".join(f"{name} {value}" for name, value in row.items()))
    print(f"memory at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


def drawn(file: Path | None, count: int) -> tuple[AdVectors, Vectors]:
    """The vectors of ads, and queries: some of the ads a little aside."""
    rng = np.random.default_rng(0)
    if file:
        whole = AdVectors.load(file)
        ads = AdVectors(whole.vectors[:count], whole.model, whole.ads)
    else:
        spread = (1 / np.sqrt(1 + np.arange(WIDTH))).astype(np.float32)
        centers = rng.standard_normal((max(8, count // 50), WIDTH), dtype=np.float32)
        vectors = rng.standard_normal((count, WIDTH), dtype=np.float32)
        vectors += centers[rng.integers(0, len(centers), count)]
        ads = AdVectors(unit(vectors * spread), "made", f"{count}")
    near = ads.vectors[rng.choice(len(ads), QUERIES)]
    return ads, unit(near + 0.05 * rng.standard_normal(near.shape, dtype=np.float32))


def unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def exact(ads: AdVectors, queries: Vectors, rounds: int) -> list[dict[str, Any]]:
    """Our exact search, sorting with NumPy, and faiss's flat index: equal ads, other seconds."""
    import faiss

    flat = faiss.IndexFlatIP(ads.vectors.shape[1])
    flat.add(ads.vectors)

    def sort() -> Any:
        cosines = queries @ ads.vectors.T
        best = np.argpartition(-cosines, DEEP - 1, axis=1)[:, :DEEP]
        values = np.take_along_axis(cosines, best, 1)
        return np.take_along_axis(best, np.argsort(-values, axis=1, kind="stable"), 1)

    contenders = {
        "ours": lambda: exact_top(ads.vectors, queries, DEEP)[0],
        "NumPy argpartition": sort,
        "faiss flat": lambda: flat.search(queries, DEEP)[1],
    }
    same = {name: run() for name, run in contenders.items()}
    seconds = medians(contenders, rounds)
    return [
        {
            "job": "exact",
            "how": name,
            "ms per query": round(1000 * seconds[name] / len(queries), 4),
            "same ads": round(_shared(same["ours"], same[name]), 4),
            "times NumPy": round(seconds["NumPy argpartition"] / seconds[name], 2),
        }
        for name in contenders
    ]


def _shared(one: Any, other: Any) -> float:
    return float(
        np.mean([len(np.intersect1d(*pair)) / DEEP for pair in zip(one, other, strict=True)])
    )


def approximate(
    ads: AdVectors, queries: Vectors, parts: Sequence[str], threads: int
) -> list[dict[str, Any]]:
    """Our recipes and usearch: seconds to build, MB, recall@10 and milliseconds at each effort."""
    lists = usual_recipe(max(len(ads), 50_001))
    recipes = [lists, f"{lists},SQ8", "SQ8", "Bits"] if "lists" in parts else []
    if int(lists[3:]) > len(ads):
        recipes = [each for each in recipes if not each.startswith("IVF")]
    rows = []
    for recipe in recipes:
        rows += _curve(AnnIndex.build(ads, recipe), queries)
    if "graph" in parts:
        with built_on(threads):
            index = AnnIndex.build(ads, "HNSW16")
        rows += [row | {"built on": threads} for row in _curve(index, queries)]
    there = importlib.util.find_spec("usearch") is not None
    return rows + (peers(ads, queries, threads) if there and "peer" in parts else [])


def _curve(index: AnnIndex, queries: Vectors) -> list[dict[str, Any]]:
    return [
        _row(index.recipe, point.effort, point.recall.value, point.time.p50_ms,
             index.build_seconds, index.megabytes)
        for point in recall_curve(index, queries, K)
    ]  # fmt: skip


@contextmanager
def built_on(threads: int) -> Iterator[None]:
    """Let faiss use so many threads; searches are timed on one again."""
    import faiss

    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)


def peers(ads: AdVectors, queries: Vectors, threads: int) -> list[dict[str, Any]]:
    """usearch: a graph with as many neighbors, built with as much effort."""
    from usearch.index import Index

    began = time.perf_counter()
    index = Index(
        ndim=ads.vectors.shape[1], metric="ip", dtype="f32", connectivity=32, expansion_add=200
    )
    index.add(np.arange(len(ads)), ads.vectors, threads=threads)
    build = time.perf_counter() - began
    best = exact_top(ads.vectors, queries, K)[1]
    rows = []
    for expansion in EXPANSIONS:
        index.expansion_search = expansion
        search: Callable[[Vectors], Any] = partial(index.search, count=K, threads=1)
        ids = search(queries).keys.astype(np.int64)
        shares = recall(ids, cosines_of(ids, ads.vectors, queries) + 1e-6, best)
        spent = time_search(search, queries)
        size = index.serialized_length / 1e6
        row = _row("usearch", expansion, float(shares.mean()), spent.p50_ms, build, size)
        rows.append(row | {"built on": threads})
    return rows


def _row(
    how: str, effort: int, share: float, ms: float, build: float, size: float
) -> dict[str, Any]:
    return {
        "job": "approximate",
        "how": how,
        "effort": effort,
        "recall@10": round(share, 4),
        "p50 ms": round(ms, 4),
        "build s": round(build, 2),
        "MB": round(size, 1),
    }


if __name__ == "__main__":
    main()
