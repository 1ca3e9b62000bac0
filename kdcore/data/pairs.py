"""PairTable: query-ad pairs as one immutable table, with checks, splits, a hash and storage."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kdcore.data.drawing import query_by_query, whole_queries
from kdcore.errors import DataError
from kdcore.labels import LabelScheme

PAIR_ID = "pair_id"  # of pairs that a file names by an id of their own, each once
TEXT_COLUMNS = ("query", "title", "description")
COLUMNS = (*TEXT_COLUMNS, "grade", "language", "split")
SPLITS = ("train", "validation", "test", "log")
ID_COLUMNS = ("query_id", "ad_id")  # of pairs that came with ids, as TREC's documents do
UNLABELLED = -1
TRUTH_PREFIX = "truth_"
ALL = "all"  # every pair, in the order of the table


@dataclass(frozen=True)
class PairTable:
    """Query-ad pairs with their grades.

    frame: columns query, title, description (str, never missing), grade (int64, -1 when
        unlabelled), language ("en"), split ("train", "validation", "test" or "log"), and, when the
        data set knows it, truth_0 .. truth_{classes-1}: the exact P(grade | query, ad), or
        query_id and ad_id (str), the ids under which the source names query and ad, or pair_id.
        Extra columns travel along. The index is 0..n-1.
    name: what the data set is called; source: where it came from, one sentence, with its terms.
    non_commercial: whether these terms allow no commercial use. generated: whether a program
        invented the pairs.
    Raises DataError at birth when a column is missing or a value is impossible.
    """

    frame: pd.DataFrame
    scheme: LabelScheme
    name: str
    source: str = ""
    notes: tuple[str, ...] = field(default=())
    non_commercial: bool = False
    generated: bool = False

    def __post_init__(self) -> None:
        problems = _problems(self.frame, self.scheme)
        if problems:
            raise DataError(f"{self.name} is not a table of query-ad pairs:", problems)
        if not isinstance(self.frame.index, pd.RangeIndex) or self.frame.index.start != 0:
            object.__setattr__(self, "frame", self.frame.reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def grades(self) -> NDArray[np.int64]:
        """(pairs,) class index of each pair, -1 where it is unlabelled."""
        return self.frame["grade"].to_numpy(dtype=np.int64)

    @property
    def relevant(self) -> NDArray[np.bool_]:
        """(pairs,) whether the grade counts as relevant."""
        return self.scheme.relevant(self.grades)

    @cached_property
    def query_ids(self) -> NDArray[np.int64]:
        """(pairs,) a number for each distinct query, in order of first appearance.

        Spellings that Unicode declares equal (é as one character or as two) are one query.
        """
        codes, queries = pd.factorize(self.frame["query"])
        composed = [nfc(str(query)) for query in queries]
        return pd.factorize(np.array(composed, dtype=object))[0].astype(np.int64)[codes]

    @cached_property
    def canonical_rows(self) -> NDArray[np.int64]:
        """(pairs,) the rows by a hash of the query, then of title and description, then by grade.

        The same pairs have the same order however a file lists them.
        """
        query, ad = (_text_hash(self.frame, c) for c in (("query",), ("title", "description")))
        return np.lexsort((self.grades, ad, query))

    @cached_property
    def tiebreaks(self) -> NDArray[np.int64]:
        """(pairs,) place of each row in canonical order; of equal scores the lower goes first."""
        places = np.empty(len(self), dtype=np.int64)
        places[self.canonical_rows] = np.arange(len(self))
        return places

    @cached_property
    def query_tiebreaks(self) -> NDArray[np.int64]:
        """(queries,) place of each query, by its number, in the canonical order."""
        places = np.zeros(int(self.query_ids.max(initial=-1)) + 1, dtype=np.int64)
        places[self.query_ids[self.canonical_rows]] = self.canonical.query_ids
        return places

    @cached_property
    def canonical(self) -> "PairTable":
        """The same pairs in canonical order, so that no number depends on the order in a file."""
        return self.take(self.canonical_rows)

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What was computed from these pairs alone and is needed for each model, by its name."""
        return {}

    @cached_property
    def truth(self) -> NDArray[np.float64] | None:
        """(pairs, classes) exact P(grade | query, ad); None unless the data set knows it."""
        columns = [f"{TRUTH_PREFIX}{k}" for k in range(len(self.scheme))]
        if not set(columns) <= set(self.frame.columns):
            return None
        return self.frame[columns].to_numpy(dtype=np.float64)

    @cached_property
    def content_hash(self) -> str:
        """16 hex digits that change when any pair, grade, split or label name changes."""
        digest = hashlib.sha256(json.dumps(self.scheme.to_dict()).encode())
        for column in (*TEXT_COLUMNS, "language", "split"):
            for buffer in pa.array(self.frame[column].tolist(), pa.large_string()).buffers()[1:]:
                digest.update(buffer)
        digest.update(np.ascontiguousarray(self.grades).tobytes())
        return digest.hexdigest()[:16]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits with at least one pair, in the usual order."""
        present = set(self.frame["split"].unique())
        return tuple(s for s in SPLITS if s in present)

    def split(self, name: str) -> "PairTable":
        """Return the pairs of one split, in order."""
        return self.only((name,))

    def only(self, splits: Sequence[str]) -> "PairTable":
        """Return the pairs of these splits, in order; DataError when one of them is empty."""
        for name in splits:
            if name not in self.splits:
                has = ", ".join(self.splits) or "no pairs"
                raise DataError(f"{self.name} has no split {name!r}; it has {has}")
        return self.take(np.flatnonzero(self.frame["split"].isin(splits).to_numpy()))

    def take(self, rows: NDArray[np.int64]) -> "PairTable":
        """Return the pairs at these positions, in this order."""
        return replace(self, frame=self.frame.iloc[rows].reset_index(drop=True))

    def labelled(self) -> "PairTable":
        """Return the pairs that have a grade."""
        return self.take(np.flatnonzero(self.grades != UNLABELLED))

    def limit(self, pairs: int, seed: int = 0, whole: tuple[str, ...] = ()) -> "PairTable":
        """Return at most `pairs` pairs of every split, whole queries drawn at random (seeded).

        whole: splits that stay as they are.
        """
        size = {split: len(self) if split in whole else pairs for split in self.splits}
        rows = [self._limited_rows(split, size[split], seed) for split in self.splits]
        return self.take(np.sort(np.concatenate(rows))) if rows else self

    def _limited_rows(self, split: str, pairs: int, seed: int) -> NDArray[np.int64]:
        rows = self.drawn_rows(split, seed)
        return rows[: whole_queries(self.query_ids[rows], pairs)]

    def drawn_rows(self, split: str, seed: int = 0) -> NDArray[np.int64]:
        """Return the rows of a split, query by query in a seeded random order."""
        rows = np.flatnonzero((self.frame["split"] == split).to_numpy())
        return rows[query_by_query(self.query_ids[rows], seed)]

    def with_splits(self, splits: Sequence[str] | NDArray[Any]) -> "PairTable":
        """Return the same pairs under other split names."""
        return replace(self, frame=self.frame.assign(split=np.asarray(splits, dtype=object)))

    def save(self, folder: Path) -> None:
        """Write pairs.parquet and dataset.json into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(self.frame), folder / "pairs.parquet")
        card = {
            "name": self.name,
            "source": self.source,
            "notes": list(self.notes),
            "non_commercial": self.non_commercial,
            "generated": self.generated,
            "scheme": self.scheme.to_dict(),
            "pairs": len(self),
            "content_hash": self.content_hash,
        }
        (folder / "dataset.json").write_text(json.dumps(card, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "PairTable":
        """Read what `save` wrote; DataError when it is damaged or its hash differs."""
        try:
            card = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
            frame = pq.read_table(folder / "pairs.parquet").to_pandas()
        except (OSError, ValueError, pa.ArrowException) as cause:
            raise DataError(
                f"{folder} is not a data set of the lab ({cause}); import the source again"
            ) from cause
        table = cls(
            frame,
            LabelScheme.from_dict(card["scheme"]),
            card["name"],
            card["source"],
            tuple(card["notes"]),
            **flags_of(card),
        )
        if table.content_hash != card["content_hash"]:
            raise DataError(f"{folder} was changed after its import; import the source again")
        return table


def flags_of(card: Mapping[str, Any]) -> dict[str, bool]:
    """The flags of a data set's card; of an earlier version's card, off its sentences."""
    earlier = " ".join([str(card.get("source", "")), *map(str, card.get("notes", ()))])
    return {
        "non_commercial": bool(card.get("non_commercial", "non-commercial" in earlier.lower())),
        "generated": bool(card.get("generated", "Generated by KD Lab" in earlier)),
    }


def nfc(text: str) -> str:
    """Return a text in Unicode's composed form NFC, in which equal texts have equal characters."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)


def pair_ids(pairs: PairTable) -> tuple[list[str], list[str]]:
    """Return (pairs,) ids of the queries and of the ads, for files that name pairs by ids.

    Without ids of their own, queries are q0, q1, ... by their number and ads ad0, ad1, ... by row.
    """
    if set(ID_COLUMNS) <= set(pairs.frame.columns):
        queries, ads = (pairs.frame[column].astype(str).tolist() for column in ID_COLUMNS)
        return queries, ads
    return [f"q{query}" for query in pairs.query_ids], [f"ad{row}" for row in range(len(pairs))]


def part_of(pairs: PairTable, split: str) -> PairTable:
    """Return the pairs of a split, or with "all" the whole table."""
    return pairs if split == ALL else pairs.split(split)


def make_frame(
    query: Sequence[str],
    title: Sequence[str],
    description: Sequence[str],
    grade: Sequence[int] | NDArray[np.integer[Any]],
    split: str | Sequence[str] = "train",
    language: str | Sequence[str] = "en",
) -> pd.DataFrame:
    """Make a frame with the columns of a PairTable from plain sequences of equal length."""
    return pd.DataFrame(
        {
            "query": query,
            "title": title,
            "description": description,
            "grade": np.asarray(grade, dtype=np.int64),
            "language": language,
            "split": split,
        }
    )


def _text_hash(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.uint64]:
    """Return (pairs,) hashes of the texts of these columns."""
    texts = frame[list(columns)].astype(object)
    return np.asarray(pd.util.hash_pandas_object(texts, index=False), dtype=np.uint64)


def _problems(frame: pd.DataFrame, scheme: LabelScheme) -> list[str]:
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        has = ", ".join(map(str, frame.columns))
        return [f"no column {c!r}; it has {has}" for c in missing]
    problems = [
        f"column {c!r} has {n} missing values; use an empty text"
        for c in (*TEXT_COLUMNS, "language", "split")
        if (n := int(frame[c].isna().sum()))
    ]
    if not pd.api.types.is_integer_dtype(frame["grade"]):
        problems.append(f"column 'grade' is {frame['grade'].dtype}, not whole numbers")
    elif len(frame) and not frame["grade"].between(UNLABELLED, len(scheme) - 1).all():
        low, high = frame["grade"].min(), frame["grade"].max()
        problems.append(f"grades {low}..{high} do not fit {scheme.grades}; use 0 or more, or -1")
    unknown = sorted(set(frame["split"].dropna().unique()) - set(SPLITS))
    if unknown:
        problems.append(f"splits {unknown} are unknown; use {', '.join(SPLITS)}")
    return problems
