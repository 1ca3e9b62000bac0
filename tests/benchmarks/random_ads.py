"""Why does the funnel beat the teacher over all ads? Two teachers, one of which saw random ads.

    PYTHONPATH=. .venv/bin/python tests/benchmarks/random_ads.py [--json FILE] [--quick]

Both go on from the bundled teacher for the same steps at the same rate: "labelled only" on --pairs
labelled pairs of the world, "with random ads" on the first two thirds of them and, in the place of
the rest, queries of theirs with ads drawn at random, graded as the world grades every pair. Then
each reads every ad of a corpus (--ads, none of which is among the random ones) for --queries test
queries, in bf16 where the hardware has it. Funnel: the bundled student's first 100, in the order
of the teacher. Truth: the exact grades of every ad. Differences are paired over queries.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from kdcore import lab
from kdcore.config import ModelConfig, TrainingConfig
from kdcore.data.names import named_pairs
from kdcore.data.pairs import PairTable, make_frame
from kdcore.data.world.corpus import corpus
from kdcore.data.world.traffic import first_searches
from kdcore.data.world.truth import grade_probabilities, sample_grades, utility
from kdcore.models.build import load_model
from kdcore.models.predict import predict_table
from kdcore.retrieval.ads import Ads, world_ads
from kdcore.retrieval.embed import embed_ads, embed_queries, two_towers
from kdcore.retrieval.exact import exact_top, order_by
from kdcore.retrieval.funnel import ndcg_of
from kdcore.retrieval.measuring.change import Change, change_of
from kdcore.retrieval.recall import Estimate, mean_with_interval
from kdcore.retrieval.truth import JudgedQueries
from kdcore.runs.store import Run, RunStore
from kdcore.scores import ranking_score
from kdcore.workspace import Workspace

STUDENT, TEACHER = "twinbert_cos-kd", "teacher"
LABELLED, RANDOM = "labelled only", "with random ads"
SHARE = 3  # one in so many pairs is replaced by a random one
OTHER = 1  # seed of the corpus from which random ads are drawn; the searched one has 0
DEPTH, HANDED = 5, 100
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    """Pairs to train on, ads to search, queries to judge by, pairs of the test split."""

    pairs: int
    ads: int
    queries: int
    tested: int


def main() -> None:
    """Train both teachers, let them read every ad, and print what came out."""
    asked = _arguments()
    sizes = Sizes(96, 200, 4, 100) if asked.quick else Sizes(asked.pairs, asked.ads, asked.queries,
                                                             asked.tested)  # fmt: skip
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {words}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        result = study(sizes, Workspace(Path(folder)), asked.threads, say)
    print("\n".join(lines_of(result)))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


def study(
    sizes: Sizes, home: Workspace, threads: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """All values with n and intervals, as plain data."""
    store = RunStore(Workspace.bundled().runs)
    judged = JudgedQueries.of(world_ads(sizes.ads), sizes.queries)
    found = candidates(store.get(STUDENT), judged, home)
    values: dict[str, Scores] = {"student": ndcg(judged, found)}
    tested = {}
    for name, table in tables(sizes).items():
        say(f"{name}: training on {len(table.split('train')):,} pairs")
        teacher = trained(store.get(TEACHER), name, table, home, threads)
        tested[name] = lab.evaluate(teacher, workspace=home).metrics["roc_auc"]
        say(f"{name}: reading {len(judged.ads):,} ads for each of {len(judged)} queries")
        scores = read_all(teacher, judged)
        everything = np.arange(len(judged.ads))
        values[f"{name}: all ads"] = ndcg(judged, [order_by(s, everything) for s in scores])
        orders = [ids[order_by(s[ids], ids)] for s, ids in zip(scores, found, strict=True)]
        values[f"{name}: funnel"] = ndcg(judged, orders)
    return {
        "sizes": vars(sizes) | {"random": sizes.pairs // SHARE, "handed": min(HANDED, sizes.ads)},
        "ndcg": {name: _plain(mean_with_interval(each)) for name, each in values.items()},
        "roc_auc": {name: [m.value, m.low, m.high, m.n] for name, m in tested.items()},
        "changes": {f"{one} − {other}": _plain(change_of(np.stack([values[one], values[other]], 1)))
                    for one, other in _pairs()},
    }  # fmt: skip


def tables(sizes: Sizes) -> Mapping[str, PairTable]:
    """The pairs of each teacher: equally many, some of them random in the second."""
    name = f"world:train={sizes.pairs},validation={sizes.tested},test={sizes.tested}"
    world = named_pairs(name)
    train = world.split("train").frame
    rest = pd.concat([world.split(each).frame for each in ("validation", "test")])
    kept, count = train.iloc[: -(sizes.pairs // SHARE)], sizes.pairs // SHARE
    mixed = pd.concat([kept, random_pairs(sorted(set(kept["query"])), count), rest])
    return {
        LABELLED: replace(world, name="labelled-only"),
        RANDOM: PairTable(mixed[list(make_frame([], [], [], []).columns)], world.scheme,
                          "with-random-ads"),
    }  # fmt: skip


def random_pairs(queries: list[str], count: int, seed: int = 0) -> pd.DataFrame:
    """Queries of the training split with ads drawn at random, graded by a draw from the truth."""
    rng, ads = np.random.default_rng(seed), corpus(OTHER, 5000)
    known = first_searches("train", len(queries), 0)
    if not set(queries) <= set(known.queries):
        raise ValueError("these are not the first queries of the training split")
    query, ad = rng.integers(0, len(known.queries), count), rng.integers(0, len(ads), count)
    truth = grade_probabilities(utility(known.needs.take(query), ads.offers.take(ad)))
    return make_frame(
        [known.queries[row] for row in query],
        [ads.titles[row] for row in ad],
        [ads.descriptions[row] for row in ad],
        sample_grades(truth, rng.random(count)),
    )


def trained(start: Run, name: str, table: PairTable, home: Workspace, threads: int) -> Run:
    """The teacher that goes on from a run with these pairs, once through."""
    data = table.name
    table.save(home.data / data)
    model: ModelConfig = replace(start.config.model, start_from=str(start.folder))  # type: ignore[union-attr]
    training = TrainingConfig(epochs=1, batch_size=64, learning_rate=3e-4)
    return lab.finetune(data, model, training=training, threads=threads, workspace=home)


def candidates(student: Run, judged: JudgedQueries, home: Workspace) -> list[NDArray[np.int64]]:
    """The student's first ads of each query, by exact search."""
    vectors = embed_ads(student, judged.ads, home).vectors
    found, _ = exact_top(vectors, embed_queries(two_towers(student), judged.queries), HANDED)
    return [ids[ids >= 0] for ids in found]


def read_all(teacher: Run, judged: JudgedQueries) -> list[Scores]:
    """(ads,) the teacher's score of every ad, for each query."""
    model, ads = load_model(teacher.require_model().model_folder), judged.ads
    return [_read(model, query, ads) for query in judged.queries]


def _read(model: Any, query: str, ads: Ads) -> Scores:
    ungraded = np.full(len(ads), -1)
    pairs = make_frame([query] * len(ads), ads.titles, ads.descriptions, ungraded)
    table = PairTable(pairs, model.scheme, "all ads")
    answers = predict_table(model, table, torch.device("cpu"), name="all ads", precision="auto")
    return ranking_score(answers.logits)


def ndcg(judged: JudgedQueries, orders: list[NDArray[np.int64]]) -> Scores:
    """(queries,) nDCG@5 by the truth, against the best order of all ads."""
    values = []
    for query, order in enumerate(orders):
        gains = judged.gains(query)
        values.append(ndcg_of(gains[order], np.sort(gains)[::-1], DEPTH))
    return np.array(values)


def _pairs() -> list[tuple[str, str]]:
    """What is compared: the two teachers over all ads, and each funnel with its teacher."""
    alone, funnel = "{}: all ads", "{}: funnel"
    return [
        (alone.format(RANDOM), alone.format(LABELLED)),
        (funnel.format(LABELLED), alone.format(LABELLED)),
        (funnel.format(RANDOM), alone.format(RANDOM)),
        (funnel.format(RANDOM), funnel.format(LABELLED)),
    ]


def _plain(value: Estimate | Change) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in value._asdict().items()}


def lines_of(result: dict[str, Any]) -> list[str]:
    """The result as two tables in Markdown."""
    head = f"| nDCG@{DEPTH} by the truth | mean | 95 % | n |"
    lines = [str(result["sizes"]), "", head, "|---|---|---|---|"]
    means = [(name, *v.values()) for name, v in result["ndcg"].items()]
    means += [(f"{name}: ROC-AUC, test split", *v) for name, v in result["roc_auc"].items()]
    for name, value, low, high, n in means:
        lines.append(f"| {name} | {value:.3f} | {low:.3f} to {high:.3f} | {n:,} |")
    lines += ["", "| difference, paired | | 95 % | p | verdict |", "|---|---|---|---|---|"]
    for name, v in result["changes"].items():
        gap, span = f"{v['difference']:+.3f}", f"{v['low']:+.3f} to {v['high']:+.3f}"
        lines.append(f"| {name} | {gap} | {span} | {v['p']:.3f} | {v['verdict']} |")
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=12_000, help="on which each teacher goes on")
    parser.add_argument("--ads", type=int, default=5_000, help="that are searched")
    parser.add_argument("--queries", type=int, default=40, help="for which every ad is read")
    parser.add_argument("--tested", type=int, default=3_000, help="pairs of the test split")
    parser.add_argument("--threads", type=int, default=0, help="of each training; 0: all cores")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
