"""How a file of answers is to be read, how it was read, and the words for both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.sheet import Sheet
from kdcore.errors import Cure
from kdcore.labels import LabelScheme

KINDS: Mapping[str, str] = {
    "auto": "decided by column names and values",
    "logits": "logits, one per grade",
    "probabilities": "probabilities, one per grade",
    "relevance": "one number: P(relevant), 0 to 1",
    "logit": "one number: the logit of P(relevant)",
    "score": "one number: a free score, higher is more relevant",
    "label_score": "a label and the score of that label",
    "grade": "one grade per pair, as a person or a language model gives it",
}
PER_GRADE = ("logits", "probabilities")
TEXTS = ("query", "title", "description", "label")  # what a mapping names beside the grades

# what to do about a question that a file leaves open, on the command line and on the page
COLUMN = Cure("name one with --column NAME", "choose it under “Column of the score”")
PARTIAL = Cure("add --partial", "tick “Use only the pairs with a prediction”")


def as_kind(kind: str) -> Cure:
    """How the kind of numbers is chosen."""
    return Cure(f"add --kind {kind}", f"choose “{KINDS[kind]}” under “Kind of numbers”")


def mapped(grade: str, other: str = "COLUMN") -> Cure:
    """How a grade is mapped to a column, or to a label of the file."""
    return Cure(f"--map {grade}={other}", f"choose it under “{grade}”")


@dataclass(frozen=True)
class ColumnChoice:
    """Which columns hold what; whatever is left out is detected from names and values.

    kind: a key of KINDS. column: the one that holds the number. mapping: query, title,
    description, label or a grade (its name or number) -> the file's column. Where the file gives
    a label and its score, a grade may also be mapped to the text of its label. smoothing: of kind
    grade, the share of the probability that is spread evenly over all grades.
    """

    kind: str = "auto"
    column: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    smoothing: float = 0.1


BY_NAME = ColumnChoice()  # everything is detected from names and values


@dataclass(frozen=True)
class AnswerFile:
    """A file of answers, and what is known when the columns of its numbers are searched.

    keys: query, title and description -> place of their column, where the file has them. scheme:
    of the data. grades: (rows,) the data's grade of the pair of each row, -1 where it is unknown.
    """

    sheet: Sheet
    keys: Mapping[str, int]
    scheme: LabelScheme
    choice: ColumnChoice
    grades: NDArray[np.int64]


@dataclass(frozen=True)
class AnswerColumns:
    """Which column of a file is what; a place counts columns from 0.

    values: places of the numbers, one, or one per grade with the worst first. keys: query, title
    and description -> place, where the file has them. label: the place of a column of labels, -1
    without. grade_of: for label_score and grade, each text of the label column -> its grade.
    """

    kind: str
    values: tuple[int, ...]
    keys: Mapping[str, int]
    label: int = -1
    grade_of: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadColumns:
    """The columns of a file by name, and how its numbers were read (a key of KINDS).

    query, title, description, label, query_id, ad_id, pair_id: "" where none was used. answer: the
    columns of the numbers, worst grade first. ignored: all others.
    """

    kind: str
    query: str = ""
    title: str = ""
    description: str = ""
    label: str = ""
    answer: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    query_id: str = ""
    ad_id: str = ""
    pair_id: str = ""


def named(header: list[str], columns: AnswerColumns, kind: str) -> ReadColumns:
    """Name the columns that were read, and those that were not."""
    keys = {ours: header[place] for ours, place in columns.keys.items()}
    used = {*columns.keys.values(), *columns.values, columns.label}
    ignored = tuple(name for place, name in enumerate(header) if place not in used)
    label = header[columns.label] if columns.label >= 0 else ""
    answer = tuple(header[place] for place in columns.values)
    return ReadColumns(kind, **keys, label=label, answer=answer, ignored=ignored)


def grade_lookup(scheme: LabelScheme) -> dict[str, int]:
    """Map names of grades in small letters, and their numbers where no name is a number."""
    lookup = {name.casefold(): grade for grade, name in enumerate(scheme.grades)}
    for grade in range(len(scheme)):
        lookup.setdefault(str(grade), grade)
    return lookup
