"""Make missing splits from whole queries, so that no query is in two splits.

Two spellings that differ only in case, blanks or Unicode form count as one query here.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable, nfc
from kdcore.errors import DataError

SHARE = 0.1  # of the queries, for a held-out part


def query_key(text: str) -> str:
    """Return a query in small letters, with single blanks, in Unicode's form NFC."""
    return nfc(" ".join(nfc(text).casefold().split()))


def query_keys(pairs: PairTable) -> NDArray[np.int64]:
    """Return (pairs,) a number for each query, equal for queries with an equal `query_key`."""
    codes, queries = pd.factorize(pairs.frame["query"])
    plain = [query_key(str(query)) for query in queries]
    # sorted, so that the order of the rows does not change which queries are drawn
    keys = np.unique(np.array(plain, dtype=object), return_inverse=True)[1].astype(np.int64)
    return keys[codes] if len(keys) else codes.astype(np.int64)


def transfer_set(pairs: PairTable, name: str) -> PairTable:
    """The pairs that a student learns from: `train`, `log`, or `train+log`."""
    return pairs.only(name.split("+"))


def refuse_missing(pairs: PairTable, purpose: str) -> None:
    """DataError that names every split without labelled pairs, where all three are needed.

    purpose: what they are needed for, such as "a recipe".
    """
    problems = []
    for split in ("train", "validation", "test"):
        if split not in pairs.splits:
            problems.append(f"it has no split {split!r}; it has {', '.join(pairs.splits)}")
        elif not len(pairs.split(split).labelled()):
            problems.append(f"no pair of split {split!r} is labelled")
    if problems:
        raise DataError(f"{pairs.name} cannot serve {purpose}:", problems)


def with_test_split(pairs: PairTable, seed: int = 0) -> PairTable:
    """Return pairs that have train, validation and test; a note says what was done.

    Train and validation only: validation becomes the test set and about a tenth of the training
    queries the new validation set. Train and test only: the same tenth. One split only: 80 / 10 /
    10 by query. The unlabelled log, and any other combination, stays as it is. DataError when
    there are too few queries to split.
    """
    present = tuple(split for split in pairs.splits if split != "log")
    if len(present) == 1:
        return _cut_in_three(pairs, seed)
    if present == ("train", "validation"):
        splits = _splits(pairs)
        renamed = pairs.with_splits(np.where(splits == "validation", "test", splits))
        note = (
            "It came without a test split: its validation set serves as test set, and {n} "
            "training queries were set apart for validation."
        )
        return _carve_validation(renamed, seed, note)
    if present == ("train", "test"):
        note = "It came without validation: {n} training queries were set apart for it."
        return _carve_validation(pairs, seed, note)
    return pairs


def _splits(pairs: PairTable) -> NDArray[np.object_]:
    return pairs.frame["split"].to_numpy(dtype=object).copy()


def _drawn(keys: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return the distinct queries in a seeded random order."""
    return np.random.default_rng(seed).permutation(np.unique(keys))


def _carve_validation(pairs: PairTable, seed: int, note: str) -> PairTable:
    splits, keys = _splits(pairs), query_keys(pairs)
    train = splits == "train"
    # a query that is in the test set too would only move the leak
    free = np.setdiff1d(keys[train], keys[splits == "test"])
    total = len(np.unique(keys[train]))
    count = max(1, round(SHARE * total))
    candidates = free if len(free) >= count else np.unique(keys[train])
    _require_queries(pairs, total, 2)
    chosen = _drawn(candidates, seed)[:count]
    splits[train & np.isin(keys, chosen)] = "validation"
    split = pairs.with_splits(splits)
    return replace(split, notes=(*pairs.notes, note.format(n=f"{count:,}")))


def _cut_in_three(pairs: PairTable, seed: int) -> PairTable:
    splits, keys = _splits(pairs), query_keys(pairs)
    here = splits != "log"
    order = _drawn(keys[here], seed)
    _require_queries(pairs, len(order), 3)
    count = max(1, round(SHARE * len(order)))
    splits[here] = "train"
    splits[here & np.isin(keys, order[:count])] = "validation"
    splits[here & np.isin(keys, order[count : 2 * count])] = "test"
    note = (
        f"It came as one split: {count:,} of its {len(order):,} queries were set apart for "
        f"validation and {count:,} for test."
    )
    return replace(pairs.with_splits(splits), notes=(*pairs.notes, note))


def _require_queries(pairs: PairTable, queries: int, needed: int) -> None:
    if queries < needed:
        raise DataError(
            f"{pairs.name} has {queries} different training queries; a held-out part needs at "
            f"least {needed}: add rows, or give validation and test files"
        )
