"""Compare the texts of a file of answers with those of the pairs that should be answered."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.sheet import Sheet
from kdcore.data.files.cells import PAIR_IDS
from kdcore.data.files.trec import COLUMNS as RUN_COLUMNS
from kdcore.data.pairs import ID_COLUMNS, PAIR_ID, TEXT_COLUMNS, PairTable, pair_ids

Keys = Mapping[str, list[str]]
Rows = NDArray[np.int64]
ID_NAMES = (
    ("query_id", "query-id", "qid"),
    ("ad_id", "doc_id", "docid", "docno", "document_id", "corpus-id", "product_id", "pid"),
)
_SAMPLE = 200  # rows from which a column without a known name is detected
_ENOUGH = 0.9  # of them are texts of the data


@dataclass(frozen=True)
class Expected:
    """The pairs that should be answered. requested: their positions in the table."""

    pairs: PairTable
    requested: Rows

    @cached_property
    def with_ids(self) -> PairTable:
        """The pairs with ids by which a file can name them."""
        return with_ids(self.pairs, self.requested)

    def grades_of(self, keys: Keys, rows: int) -> Rows:
        """Return (rows,) the data's grade of each row's pair, -1 where it is unknown."""
        pairs = self.with_ids if set(ID_COLUMNS) <= set(keys) else self.pairs
        for targets in (np.arange(len(pairs)), self.requested):
            if rows == len(targets) and agree(keys, pairs, targets):
                return pairs.grades[targets]
        if not names_pairs(keys):
            return np.full(rows, -1)
        names = list(keys)
        texts = spelled([pairs.frame[name].tolist() for name in names])
        grade_of: dict[tuple[str, ...], int] = {}
        for key, grade in zip(texts, pairs.grades.tolist(), strict=True):
            grade_of[key] = grade if grade_of.get(key, grade) == grade else -1
        rows_texts = spelled([keys[name] for name in names])
        return np.array([grade_of.get(key, -1) for key in rows_texts], dtype=np.int64)

    def by_ids(self, sheet: Sheet) -> dict[str, int]:
        """Find columns of ids: a run's, two of usual names that hold ids of these pairs, or one."""
        if sheet.header == list(RUN_COLUMNS):
            return {name: RUN_COLUMNS.index(name) for name in ID_COLUMNS}
        plain = sheet.plain
        near = [[n for n in names if n in plain] for names in ID_NAMES]
        if not all(near):
            return self._by_pair_id(sheet)
        query, ad = (plain.index(names[0]) for names in near)
        ids = set(zip(*(self.with_ids.frame[name] for name in ID_COLUMNS), strict=True))
        if not any((row[query].strip(), row[ad].strip()) in ids for _, row in sheet.rows):
            return self._by_pair_id(sheet)
        return dict(zip(ID_COLUMNS, (query, ad), strict=True))

    def _by_pair_id(self, sheet: Sheet) -> dict[str, int]:
        """Find the column that holds the pairs' own ids, where the data keep such."""
        if PAIR_ID not in self.pairs.frame:
            return {}
        ids = {_plain(text) for text in self.pairs.frame[PAIR_ID]}
        for place in (sheet.plain.index(name) for name in PAIR_IDS if name in sheet.plain):
            if any(_plain(row[place]) in ids for _, row in sheet.rows):
                return {PAIR_ID: place}
        return {}

    def by_their_texts(
        self, sheet: Sheet, keys: Mapping[str, int], choice: ColumnChoice
    ) -> dict[str, int]:
        """Find columns of texts without a common name: their content is the texts of the data."""
        chosen = {choice.column, *choice.mapping.values()}
        taken = {*keys.values(), *(p for p, name in enumerate(sheet.header) if name in chosen)}
        place_of: dict[str, int] = {}
        for ours in TEXT_COLUMNS:
            if ours in keys or ours in choice.mapping:
                continue
            texts = {_plain(text) for text in self.pairs.frame[ours]} - {""}
            for place in range(len(sheet.header)):
                if place in taken or place in place_of.values():
                    continue
                cells = [_plain(row[place]) for _, row in sheet.rows[:_SAMPLE]]
                full = [cell for cell in cells if cell]
                if full and sum(cell in texts for cell in full) >= _ENOUGH * len(full):
                    place_of[ours] = place
                    break
        return place_of


def with_ids(pairs: PairTable, requested: Rows) -> PairTable:
    """Return the pairs with ids by which a file can name them.

    Pairs without ids of their own get those that `evaluation.exports` writes for the requested
    ones; the others then have none.
    """
    if set(ID_COLUMNS) <= set(pairs.frame.columns):
        return pairs
    columns = {}
    for name, ids in zip(ID_COLUMNS, pair_ids(pairs.take(requested)), strict=True):
        column = np.full(len(pairs), "", dtype=object)
        column[requested] = ids
        columns[name] = column
    return replace(pairs, frame=pairs.frame.assign(**columns))


def names_pairs(keys: Keys) -> bool:
    """Return whether the texts or ids of a file say of each row which pair it is."""
    return {"query", "title"} <= set(keys) or set(ID_COLUMNS) <= set(keys) or PAIR_ID in keys


def agree(keys: Keys, pairs: PairTable, targets: Rows) -> bool:
    """Return whether the texts of a file are those of these pairs, in their order."""
    frame = pairs.frame.iloc[targets]
    return all(list(map(_plain, frame[c])) == list(map(_plain, t)) for c, t in keys.items())


def spelled(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the texts of each row as a key, independent of blanks and Unicode normal form."""
    return list(zip(*([_plain(text) for text in column] for column in columns), strict=True))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
