"""The pairs with which a file of predictions is aligned: texts and, row by row, grades."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.sheet import Sheet
from kdcore.data.pairs import PairTable

Keys = Mapping[str, list[str]]
Rows = NDArray[np.int64]
_LOOKED_AT = 200  # rows whose texts tell an unnamed column
_ENOUGH = 0.9  # of them are texts of the data


@dataclass(frozen=True)
class Expected:
    """The pairs that should be answered. asked: their positions in the table."""

    pairs: PairTable
    asked: Rows

    def grades_of(self, keys: Keys, rows: int) -> Rows:
        """(rows,) the data's grade of the pair of each row of a file, -1 where it is not known."""
        pairs = self.pairs
        for targets in (np.arange(len(pairs)), self.asked):
            if rows == len(targets) and agree(keys, pairs, targets):
                return pairs.grades[targets]
        if not {"query", "title"} <= set(keys):
            return np.full(rows, -1)
        names = list(keys)
        texts = spelled([pairs.frame[name].tolist() for name in names])
        grade_of: dict[tuple[str, ...], int] = {}
        for key, grade in zip(texts, pairs.grades.tolist(), strict=True):
            grade_of[key] = grade if grade_of.get(key, grade) == grade else -1
        rows_texts = spelled([keys[name] for name in names])
        return np.array([grade_of.get(key, -1) for key in rows_texts], dtype=np.int64)

    def by_their_texts(
        self, sheet: Sheet, wanted: Sequence[str], taken: set[int]
    ) -> dict[str, int]:
        """Query, title or description -> the free column whose texts are those of the data."""
        found: dict[str, int] = {}
        for ours in wanted:
            texts = {_plain(text) for text in self.pairs.frame[ours]} - {""}
            for place in range(len(sheet.header)):
                if place in taken or place in found.values():
                    continue
                cells = [_plain(row[place]) for _, row in sheet.rows[:_LOOKED_AT]]
                full = [cell for cell in cells if cell]
                if full and sum(cell in texts for cell in full) >= _ENOUGH * len(full):
                    found[ours] = place
                    break
        return found


def agree(keys: Keys, pairs: PairTable, targets: Rows) -> bool:
    """Whether the texts of a file are those of these pairs, in their order."""
    frame = pairs.frame.iloc[targets]
    return all(list(map(_plain, frame[c])) == list(map(_plain, t)) for c, t in keys.items())


def spelled(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The texts of each row as a key, alike for other blanks and Unicode normal forms."""
    return list(zip(*([_plain(text) for text in column] for column in columns), strict=True))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
