"""Check a table of pairs: its content, what is unusual, and the scores of a random order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kdcore.data.check.cuts import default_cut_findings
from kdcore.data.pairs import TEXT_COLUMNS, UNLABELLED, PairTable
from kdcore.data.splits import query_keys
from kdcore.metrics.ranking import ndcg_random, ndcg_worst

DEPTHS = (1, 3, 5, 10)
EXAMPLES = 3


@dataclass(frozen=True)
class Spread:
    """The distribution of a count: smallest, median, mean, 90th percentile, largest."""

    low: float
    median: float
    mean: float
    p90: float
    high: float


@dataclass(frozen=True)
class ChanceLine:
    """nDCG@k without any skill, mean over queries that have some gain.

    random: the exact mean over all orders; worst: the order with the best ads last.
    """

    gain: str
    depth: int
    random: float
    worst: float


@dataclass(frozen=True)
class SplitReport:
    """The content of one split. Shares are of its pairs; lengths are in words.

    label_shares: by grade name, of the labelled pairs; prior: their relevant share.
    duplicates: rows that repeat an earlier one in every column; conflicts: (query, ad) with more
    than one grade. rankable: queries with two different grades, on which an order can matter.
    auc_step: the smallest difference in ROC-AUC that is likely to be detected, or nan.
    """

    split: str
    pairs: int
    queries: int
    unlabelled: int
    ads_per_query: Spread
    label_shares: dict[str, float]
    prior: float
    words: dict[str, Spread]
    languages: dict[str, int]
    empty_descriptions: int
    duplicates: int
    conflicts: int
    rankable: int
    chance: tuple[ChanceLine, ...]
    auc_step: float


@dataclass(frozen=True)
class SharedQueries:
    """Queries that are in two splits, with examples; case, blanks and Unicode form are ignored."""

    splits: tuple[str, str]
    queries: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class DataReport:
    """The check of a table, split by split; findings are sentences on what is unusual."""

    name: str
    source: str
    content_hash: str
    pairs: int
    queries: int
    grades: tuple[str, ...]
    splits: tuple[SplitReport, ...]
    shared: tuple[SharedQueries, ...]
    notes: tuple[str, ...]
    findings: tuple[str, ...]


def check(
    pairs: PairTable, count: Callable[[Sequence[str]], NDArray[np.int64]] | None = None
) -> DataReport:
    """Check a whole table; a million pairs take seconds.

    count: gives the (texts,) numbers of tokens; None counts words and marks.
    """
    keys = query_keys(pairs)
    splits = tuple(_check_split(pairs.split(name)) for name in pairs.splits)
    shared = _shared_queries(pairs, keys)
    return DataReport(
        name=pairs.name,
        source=pairs.source,
        content_hash=pairs.content_hash,
        pairs=len(pairs),
        queries=len(np.unique(pairs.query_ids)),
        grades=pairs.scheme.grades,
        splits=splits,
        shared=shared,
        notes=pairs.notes,
        findings=(
            *_shared_findings(shared),
            *(f for s in splits for f in _findings(s, splits)),
            *(
                f
                for name in pairs.splits
                for f in default_cut_findings(pairs.split(name), name, count)
            ),
        ),
    )


def _check_split(pairs: PairTable) -> SplitReport:
    frame, grades = pairs.frame, pairs.grades
    counts = np.bincount(grades[grades != UNLABELLED], minlength=len(pairs.scheme))
    labelled = int(counts.sum())
    shares = counts / labelled if labelled else np.full(len(counts), np.nan)
    relevant = int(counts[pairs.scheme.relevant_from :].sum())
    sizes = np.bincount(pairs.query_ids)
    ad_ids = _row_ids(frame, TEXT_COLUMNS)
    rows = pd.DataFrame({"ad": ad_ids, "grade": grades, "language": _codes(frame["language"])})
    return SplitReport(
        split=pairs.splits[0],
        pairs=len(pairs),
        queries=len(sizes),
        unlabelled=len(pairs) - labelled,
        ads_per_query=_spread(sizes),
        label_shares=dict(zip(pairs.scheme.grades, map(float, shares), strict=True)),
        prior=relevant / labelled if labelled else np.nan,
        words={column: _spread(word_counts(frame[column])) for column in TEXT_COLUMNS},
        languages={str(k): int(v) for k, v in frame["language"].value_counts().items()},
        empty_descriptions=int((frame["description"] == "").sum()),
        duplicates=int(rows.duplicated().sum()),
        conflicts=_mixed(ad_ids, grades),
        rankable=_mixed(pairs.query_ids, grades),
        chance=_chance(pairs),
        auc_step=auc_step(relevant, labelled - relevant),
    )


def auc_step(relevant: int, other: int, auc: float = 0.8) -> float:
    """Return the ROC-AUC difference that a 5 % test of two models detects with 80 % power.

    2.8 standard errors of the difference. One area's error is Hanley & McNeil's (1982,
    doi:10.1148/radiology.143.1.7063747) at `auc`; two models' areas are taken to correlate at
    0.5, so the difference has the same error. Pairs count as independent, which is optimistic:
    ads of one query depend on each other. nan without both kinds of pairs.
    """
    if not relevant or not other:
        return float("nan")
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (relevant - 1) * (q1 - auc**2) + (other - 1) * (q2 - auc**2)
    return float(2.8 * np.sqrt(spread / (relevant * other)))


def _chance(pairs: PairTable) -> tuple[ChanceLine, ...]:
    labelled = pairs.grades != UNLABELLED
    grades, queries = pairs.grades[labelled], pairs.query_ids[labelled]
    lines = []
    for kind in pairs.scheme.gain_kinds:
        gains = pairs.scheme.gains(kind)[grades]
        random = ndcg_random(gains, queries, max(DEPTHS))
        worst = ndcg_worst(gains, queries, max(DEPTHS))
        lines += [
            ChanceLine(kind, k, _mean(random[:, k - 1]), _mean(worst[:, k - 1])) for k in DEPTHS
        ]
    return tuple(lines)


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of the defined values; nan when there is none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _spread(counts: NDArray[Any]) -> Spread:
    low, median, p90, high = np.percentile(counts, [0, 50, 90, 100])
    return Spread(float(low), float(median), float(np.mean(counts)), float(p90), float(high))


def word_counts(texts: "pd.Series[str]") -> NDArray[np.int64]:
    """Count (pairs,) words of each text, cut at blanks."""
    column = pa.array(texts, pa.large_string())
    return np.asarray(pc.count_substring_regex(column, r"\S+"), dtype=np.int64)


def _codes(column: "pd.Series[Any]") -> NDArray[np.int64]:
    return pd.factorize(column)[0].astype(np.int64)


def _row_ids(frame: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.int64]:
    """Return (pairs,) a number for each different combination of values."""
    ids = np.zeros(len(frame), dtype=np.int64)
    for column in columns:
        codes = _codes(frame[column])
        # renumbered after each column, so that the product stays far below 2^63
        ids = pd.factorize(ids * (int(codes.max()) + 1) + codes)[0].astype(np.int64)
    return ids


def _mixed(ids: NDArray[np.int64], grades: NDArray[np.int64]) -> int:
    """Count ids with more than one grade; unlabelled pairs do not count."""
    labelled = grades != UNLABELLED
    both = pd.DataFrame({"id": ids[labelled], "grade": grades[labelled]}).drop_duplicates()
    return int((np.bincount(both["id"].to_numpy(dtype=np.int64)) > 1).sum()) if len(both) else 0


def _shared_queries(pairs: PairTable, keys: NDArray[np.int64]) -> tuple[SharedQueries, ...]:
    splits = pairs.frame["split"].to_numpy(dtype=object)
    queries_of = {
        split: np.unique(keys[splits == split], return_index=True) for split in pairs.splits
    }
    shared = []
    for a, b in combinations(pairs.splits, 2):
        (keys_a, first), (keys_b, _) = queries_of[a], queries_of[b]
        both = np.isin(keys_a, keys_b)
        if both.any():
            rows = np.flatnonzero(splits == a)[np.sort(first[both])[:EXAMPLES]]
            examples = tuple(pairs.frame["query"].iloc[rows])
            shared.append(SharedQueries((a, b), int(both.sum()), examples))
    return tuple(shared)


def _shared_findings(shared: tuple[SharedQueries, ...]) -> list[str]:
    return [
        f"{s.queries:,} queries are in both {s.splits[0]} and {s.splits[1]}"
        + ("" if "log" in s.splits else ": scores on them are too optimistic for every model")
        for s in shared
    ]


def _findings(split: SplitReport, splits: tuple[SplitReport, ...]) -> list[str]:
    """Describe what is unusual about a split, which is named where there are several."""
    repeats, mixed = split.duplicates, split.conflicts
    blank = split.unlabelled if split.split != "log" else 0
    findings = {
        f"{repeats:,} {'row repeats' if repeats == 1 else 'rows repeat'} another one": repeats,
        f"{mixed:,} query-ad {'pair has' if mixed == 1 else 'pairs have'} different grades": mixed,
        "every description is empty: models see titles only": (
            split.empty_descriptions == split.pairs
        ),
        "no query has two different grades: nDCG says nothing here": (
            not split.rankable and split.unlabelled < split.pairs
        ),
        "only one kind of label: no ROC-AUC": split.prior in (0.0, 1.0),
        f"{blank:,} of {split.pairs:,} pairs have no grade": 0 < blank < split.pairs,
        "no pair has a grade": blank == split.pairs,
    }
    name = f"{split.split}: " if len(splits) > 1 else ""
    return [f"{name}{sentence}" for sentence, applies in findings.items() if applies]
