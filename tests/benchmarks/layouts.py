"""UMAP as page Map draws it, beside umap-learn with its defaults: CPU, memory, neighbors kept.

    PYTHONPATH=. python tests/benchmarks/layouts.py [--points N] [--plain] [--seed S]

Draws two spaces of N invented points (clusters in 128 dimensions; the second shares a half with the
first) as a job of page Map does. --plain also lets umap-learn draw the first with its defaults, and
says the neighbors that each map keeps: the goal is a fifth of its CPU at equal neighbors kept.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from kdcore.projection.layout import NEIGHBORS, first_layout, second_layout
from kdcore.projection.neighbors import nearest
from kdcore.projection.quality import overlap
from kdcore.projection.spaces import Space

Result = TypeVar("Result")

WIDTH, CENTERS = 128, 200
K = 15


def spaces(points: int, seed: int) -> tuple[Space, Space]:
    """Two spaces whose points share their cluster and a part of their place in it."""
    draw = np.random.default_rng(seed)
    topic = draw.integers(0, CENTERS, points)
    inside = draw.normal(size=(points, 12)) @ draw.normal(size=(12, WIDTH)) / 3
    one = draw.normal(size=(CENTERS, WIDTH))[topic] + inside
    other = one + 0.5 * draw.normal(size=(points, WIDTH))
    return Space(one.astype(np.float32), "first"), Space(other.astype(np.float32), "second")


def timed(name: str, work: Callable[[], Result]) -> tuple[Result, float]:
    """Run it, print what it cost, and return its result with its CPU seconds."""
    began, wall = time.process_time(), time.perf_counter()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time() - began
    print(f"| {name} | {cpu:.1f} | {time.perf_counter() - wall:.1f} | {peak:,.0f} |", flush=True)
    return result, cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    first, second = spaces(args.points, args.seed)
    few = spaces(500, 1)[0]
    print("| step | CPU s | wall s | peak MB |\n|---|---|---|---|")
    timed("compile (500 points)", lambda: first_layout(few, nearest(few, NEIGHBORS)))
    graph, a = timed("neighbors, first", lambda: nearest(first, NEIGHBORS))
    places, b = timed("layout, first", lambda: first_layout(first, graph, args.seed))
    other, _ = timed("neighbors, second", lambda: nearest(second, NEIGHBORS))
    timed("layout, second", lambda: second_layout(second, other, places, args.seed))
    maps = {"ours": (places, a + b)}
    if args.plain:
        import umap

        plain = umap.UMAP(random_state=args.seed, n_jobs=1)
        maps["umap-learn"] = timed(
            "umap-learn's defaults, first", lambda: plain.fit_transform(first.features)
        )
    exact = nearest(first, K)[0]
    for name, (drawn, cpu) in maps.items():
        on_map = nearest(Space(np.asarray(drawn, dtype=np.float32), name), K)[0]
        share = float(overlap(on_map, exact, K).mean())
        print(f"{name}: first map {cpu:.1f} CPU s, keeps {share:.3f} of {K} neighbors")


if __name__ == "__main__":
    main()
