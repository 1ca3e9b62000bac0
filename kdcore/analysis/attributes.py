"""Describe pairs by named conditions that do not depend on a student.

A slice is a conjunction of conditions; its name, `query=parkas&grade=2`, fits into a link.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError
from kdcore.labels import LabelScheme

Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
WORD = re.compile(r"\w+")

# kind -> (lowest value of a band, its name); a band reaches to the next one's start
BANDS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "query_words": ((0, "0-1"), (2, "2"), (3, "3"), (4, "4"), (5, "5+")),
    "title_words": ((0, "0-3"), (4, "4-6"), (7, "7-9"), (10, "10+")),
    "description_words": ((0, "0"), (1, "1-5"), (6, "6-10"), (11, "11-20"), (21, "21+")),
    "overlap": ((0, "0"), (1e-9, "1-49"), (0.5, "50-99"), (1, "100")),
    "teacher": ((0, "0-49"), (0.5, "50-69"), (0.7, "70-89"), (0.9, "90-100")),
}
SENTENCES: Mapping[str, str] = {
    "query": "the query says “{}”",
    "title": "the title says “{}”",
    "query_words": "the query has {} words",
    "title_words": "the title has {} words",
    "description_words": "the description has {} words",
    "overlap": "{} % of the query's words are in the ad",
    "teacher": "the teacher is {} % sure of a grade",
    "grade": "the grade is {}",
    "language": "the language is {}",
    "tag": "it is tagged “{}”",
}
# tags that read the student's answer, or teacher and label together: a slice of a loss
# difference on one of them would only find the tag's own definition
CIRCULAR = frozenset(
    {
        "student_flips_teacher",
        "lost_by_distillation",
        "gained",
        "label_suspect",
        "label_against_truth",  # a good teacher loses where the truth would
        "both_wrong_sure",
        "student_unsure",
        "teacher_unsure",  # the band of the teacher's confidence says it already
    }
)


@dataclass(frozen=True, order=True)
class Condition:
    """A property of a pair: its kind (a key of SENTENCES) and a value."""

    kind: str
    value: str

    @property
    def name(self) -> str:
        """`kind=value`, the value quoted as in an address, so that any text can be one."""
        return f"{self.kind}={quote(self.value, safe='+')}"

    def sentence(self, scheme: LabelScheme) -> str:
        """Return the condition in words."""
        value = self.value
        if self.kind == "tag" and value in TAGS:
            value = TAGS[value].title
        if self.kind == "grade" and value in map(str, range(len(scheme))):
            value = scheme.grades[int(value)]
        return SENTENCES[self.kind].format(value)


@dataclass(frozen=True)
class Attributes:
    """The conditions that hold for each pair.

    conditions: in the order of the columns; holds: (pairs, conditions) sparse 0 or 1;
    query_ids: (pairs,) the query of each pair.
    """

    conditions: tuple[Condition, ...]
    holds: sparse.csc_array
    query_ids: Rows

    @cached_property
    def places(self) -> dict[Condition, int]:
        """The column of each condition."""
        return {condition: place for place, condition in enumerate(self.conditions)}

    def mask(self, name: str) -> Bools:
        """Return (pairs,) whether each pair is in the slice of this name; see `parse`."""
        inside = np.ones(self.holds.shape[0], dtype=bool)
        for condition in parse(name):
            column = np.zeros(len(inside), dtype=bool)
            if condition in self.places:
                place = self.places[condition]
                start, end = self.holds.indptr[place : place + 2]
                column[self.holds.indices[start:end]] = True
            inside &= column
        return inside


def words(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case, in order."""
    return WORD.findall(text.lower())


def parse(name: str) -> tuple[Condition, ...]:
    """Read the conditions of a slice's name; ConfigError when it is not a slice's name."""
    conditions = []
    for part in name.split("&"):
        kind, _, value = part.partition("=")
        if kind not in SENTENCES or not value:
            raise ConfigError(
                f"{part[:80]!r} does not name a slice; write kind=value, the kind one of "
                f"{', '.join(SENTENCES)}"
            )
        conditions.append(Condition(kind, unquote(value)))
    return tuple(conditions)


def join(conditions: Iterable[Condition]) -> str:
    """Name a conjunction, independent of the order of its conditions."""
    return "&".join(condition.name for condition in sorted(conditions))


def describe(name: str, scheme: LabelScheme) -> str:
    """Put a slice's name into words."""
    return " and ".join(condition.sentence(scheme) for condition in parse(name))


def attributes(
    pairs: PairTable,
    confidence: NDArray[np.floating] | None = None,
    tags: Mapping[str, Bools] | None = None,
) -> Attributes:
    """Collect the conditions of the pairs: words, lengths, overlap, grade, language, teacher, tags.

    confidence: (pairs,) the teacher's greatest probability. tags: (pairs,) booleans by name;
    those in CIRCULAR are left out.
    """
    texts = {c: _split(pairs.frame[c].tolist()) for c in ("query", "title", "description")}
    columns = _words("query", texts["query"]) | _words("title", texts["title"])
    for kind in ("query", "title", "description"):
        counts = np.fromiter(map(len, texts[kind]), np.float64, len(pairs))
        columns |= _banded(f"{kind}_words", counts)
    columns |= _banded("overlap", _overlap(**texts))
    if confidence is not None:
        columns |= _banded("teacher", np.asarray(confidence, dtype=np.float64))
    for grade in range(len(pairs.scheme)):
        columns[Condition("grade", str(grade))] = np.flatnonzero(pairs.grades == grade)
    if (pairs.grades == UNLABELLED).any():
        columns[Condition("grade", "none")] = np.flatnonzero(pairs.grades == UNLABELLED)
    language = pairs.frame["language"].to_numpy()
    for code in sorted(set(language.tolist())):
        columns[Condition("language", code)] = np.flatnonzero(language == code)
    for tag in sorted((tags or {}).keys() - CIRCULAR):
        columns[Condition("tag", tag)] = np.flatnonzero((tags or {})[tag])
    return _packed(columns, pairs.query_ids, len(pairs))


def _split(texts: list[str]) -> list[list[str]]:
    words_of = {text: words(text) for text in dict.fromkeys(texts)}
    return [words_of[text] for text in texts]


def _words(kind: str, texts: list[list[str]]) -> dict[Condition, Rows]:
    rows_of: dict[str, list[int]] = {}
    for row, words_here in enumerate(texts):
        for word in dict.fromkeys(words_here):
            rows_of.setdefault(word, []).append(row)
    return {Condition(kind, w): np.array(rows, np.int64) for w, rows in sorted(rows_of.items())}


def _overlap(
    query: list[list[str]], title: list[list[str]], description: list[list[str]]
) -> NDArray[np.float64]:
    shares = np.zeros(len(query))
    for row, (query_words, *ad) in enumerate(zip(query, title, description, strict=True)):
        unique = set(query_words)
        shares[row] = len(unique.intersection(*ad[:1]) | unique.intersection(*ad[1:])) / max(
            len(unique), 1
        )
    return shares


def _banded(kind: str, values: NDArray[np.float64]) -> dict[Condition, Rows]:
    starts = np.array([start for start, _ in BANDS[kind]])
    band = np.searchsorted(starts, values, side="right") - 1
    return {
        Condition(kind, name): np.flatnonzero(band == place)
        for place, (_, name) in enumerate(BANDS[kind])
    }


def _packed(columns: dict[Condition, Rows], query_ids: Rows, pairs: int) -> Attributes:
    filled = {condition: rows for condition, rows in columns.items() if len(rows)}
    sizes = np.fromiter(map(len, filled.values()), np.int64, len(filled))
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    indices = np.concatenate([*filled.values(), np.zeros(0, np.int64)])
    holds = sparse.csc_array((np.ones(len(indices)), indices, indptr), shape=(pairs, len(filled)))
    return Attributes(tuple(filled), holds, query_ids)
