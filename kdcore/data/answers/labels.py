"""Read labels in a file of answers: the data's own, or those a classification pipeline chose."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kdcore.data.answers.choice import (
    COLUMN,
    AnswerColumns,
    AnswerFile,
    as_kind,
    grade_lookup,
    mapped,
)
from kdcore.data.answers.sheet import Sheet, number
from kdcore.data.files.cells import NAMES
from kdcore.data.files.problems import listed, quoted
from kdcore.errors import DataError, phrase
from kdcore.labels import LabelScheme

PREDICTED = ("predicted_label", "pred_label", "label", "predicted_class")  # as pipelines call it
LABEL_NAMES = (
    *PREDICTED,
    *(name for name in NAMES["grade"] if name != "label"),
    *("gold", "truth", "target", "rating", "judgement", "judgment", "human_label", "esci_label"),
    *("y", "y_true", "annotation", "median_relevance"),
)
_OF_A_PIPELINE = ("score", "confidence", "probability", "prob", "proba")
_NUMBERED = re.compile(r"label[_ ]?(\d{1,3})")
_MOST = 64  # different labels of a file
_FEW = 10  # labels of other names that may still be those of a classifier


def follows_labels(file: AnswerFile, place: int) -> bool:
    """Return whether a column is the data's label in some spelling: one value for each grade.

    Two grades or more must occur, one of them more than once; else the answer is no.
    """
    value_of: dict[int, str] = {}
    rows = np.flatnonzero(file.grades >= 0)
    for row, grade in zip(rows.tolist(), file.grades[rows].tolist(), strict=True):
        cell = file.sheet.rows[row][1][place].strip().casefold()
        if value_of.setdefault(grade, cell) != cell:
            return False
    return len(set(value_of.values())) > 1 and len(rows) > len(value_of)


def one_row_per_pair(sheet: Sheet, keys: Mapping[str, int]) -> Sheet:
    """Give the sheet a column per label, where every pair has a row for each of its labels.

    That is how all scores of a text-classification pipeline look as a table. Any other sheet is
    returned unchanged.
    """
    label = next((sheet.plain.index(n) for n in PREDICTED if n in sheet.plain), -1)
    value = next((sheet.plain.index(n) for n in _OF_A_PIPELINE if n in sheet.plain), -1)
    if label < 0 or value < 0 or not {"query", "title"} <= set(keys) or sheet.problems:
        return sheet
    places = list(keys.values())
    scores: dict[tuple[str, ...], dict[str, str]] = {}
    first: dict[tuple[str, ...], int] = {}
    for line, row in sheet.rows:
        pair = tuple(row[place] for place in places)
        first.setdefault(pair, line)
        scores.setdefault(pair, {}).setdefault(row[label].strip(), row[value])
    names = list(dict.fromkeys(name for each in scores.values() for name in each))
    whole = all(len(each) == len(names) for each in scores.values())
    if not 1 < len(names) <= _MOST or not whole or len(sheet.rows) != len(scores) * len(names):
        return sheet
    note = f"one row per pair and label: each label's {quoted(sheet.header[value])} is its column"
    return replace(
        sheet,
        header=[*(sheet.header[place] for place in places), *names],
        rows=[
            (first[pair], [*pair, *(each[name] for name in names)]) for pair, each in scores.items()
        ],
        notes=(*sheet.notes, note),
    )


def read_label_score(
    file: AnswerFile, one: AnswerColumns, texts: Mapping[int, str]
) -> AnswerColumns:
    """Read a number as the score of the label beside it, where it is one.

    A text-classification pipeline gives the most likely label and its probability: with two grades
    that is enough for P(relevant), with more the other probabilities are lost: DataError.

    texts: grade -> the text of its label, as the caller says.
    """
    sheet, scheme = file.sheet, file.scheme
    requested = file.choice.kind == "label_score"
    typical = sheet.plain[one.label] in PREDICTED and sheet.plain[one.values[0]] in _OF_A_PIPELINE
    if one.label < 0 or not (requested or typical):
        if requested:
            raise sheet.refused("it has no column of labels", "call it 'label'")
        return one
    labels = [row[one.label].strip() for _, row in sheet.rows]
    grade_of = _grades_of(labels, texts, scheme)
    numbered = all(_NUMBERED.fullmatch(text.casefold()) for text in labels)
    own = not numbered and follows_labels(file, one.label)
    different = len(set(labels))
    few = 1 < different <= _FEW and _winner(sheet, one, different)
    if grade_of is None and not (requested or numbered or few):
        return one  # labels of something else: a column that is not used
    if grade_of is None:
        raise _unknown_labels(sheet, labels, scheme)
    if not requested and own and not _winner(sheet, one, len(scheme)):
        return one  # the data's labels, beside a number that is no winner's score
    label, value = (quoted(sheet.header[place]) for place in (one.label, one.values[0]))
    if not requested and (own or not _winner(sheet, one, len(scheme))):
        raise _ambiguous(sheet, label, value, own)
    if len(scheme) > 2:
        what = f"{label} holds one of {len(scheme)} grades and {value} the score of that one: what "
        what += "the model gave to the other grades is lost"
        raise sheet.refused(what, "give the scores of all labels (top_k=None in a pipeline)")
    relevant = listed(sorted(text for text, grade in grade_of.items() if grade == 1))
    note = f"{value} is read as the score of the label in {label}: P(relevant) where that is "
    note += f"{relevant}, else 1 minus it"
    return replace(one, kind="label_score", grade_of=grade_of, notes=(*one.notes, note))


def read_grades(file: AnswerFile, texts: Mapping[int, str]) -> AnswerColumns:
    """Read a column of grades as the answer: their names, their numbers, or other texts for them.

    Of several columns that are named like a label, it is the first that does not follow the labels.
    texts: grade -> what the file calls it. Raises DataError where no column has such a name; a cell
    that is no grade is refused later.
    """
    sheet = file.sheet
    places = [sheet.plain.index(name) for name in LABEL_NAMES if name in sheet.plain]
    if file.choice.column:
        places = [sheet.header.index(file.choice.column)]
    if not places:
        raise sheet.refused("no column is named like a grade", COLUMN)
    place = next((p for p in places if not follows_labels(file, p)), places[0])
    notes: tuple[str, ...] = ()
    if follows_labels(file, place):
        name = quoted(sheet.header[place])
        notes = (f"{name} follows the labels of the data exactly: check that it is not the labels",)
    different = dict.fromkeys(row[place].strip() for _, row in sheet.rows)
    one_by_one = (_grades_of([text], texts, file.scheme) or {} for text in different)
    grade_of = {text: grade for each in one_by_one for text, grade in each.items()}
    return AnswerColumns("grade", (place,), file.keys, -1, grade_of, notes)


def _grades_of(
    labels: list[str], texts: Mapping[int, str], scheme: LabelScheme
) -> dict[str, int] | None:
    """Map labels to grades: as the caller says, by the grades' names, or LABEL_0, LABEL_1, ..."""
    lookup = grade_lookup(scheme) | {text.casefold(): grade for grade, text in texts.items()}
    grade_of: dict[str, int] = {}
    for text in dict.fromkeys(labels):
        match = _NUMBERED.fullmatch(text.casefold())
        grade = lookup.get(text.casefold(), int(match[1]) if match else -1)
        if not 0 <= grade < len(scheme) or len(grade_of) >= _MOST:
            return None
        grade_of[text] = grade
    return grade_of


def _winner(sheet: Sheet, one: AnswerColumns, classes: int) -> bool:
    """Return whether every score can be the largest probability of so many classes."""
    values = [number(row[one.values[0]]) for _, row in sheet.rows]
    least = 1 / classes - 1e-6
    return all(least <= value <= 1 for value in values if value is not None)


def _unknown_labels(sheet: Sheet, labels: list[str], scheme: LabelScheme) -> DataError:
    names = sorted(dict.fromkeys(labels))
    what = f"the labels {listed(names, 6)} are not the grades of the data "
    what += f"({', '.join(scheme.grades)}), so it cannot be known what their scores mean"
    cure = phrase(
        "say which label is which grade ({}), or, if the scores are P(relevant), {}",
        mapped(scheme.grades[-1], "ITS LABEL"),
        as_kind("relevance"),
    )
    return sheet.refused(what, cure)


def _ambiguous(sheet: Sheet, label: str, value: str, own: bool) -> DataError:
    why = f"some {value} are too small for a label that won, or above 1"
    if own:
        why = f"{label} follows the labels of the data, and no {value} is below an even share"
    what = f"it cannot be known whether {value} is P(relevant) or the score of {label}: {why}"
    kinds = map(as_kind, ("relevance", "label_score"))
    return sheet.refused(what, phrase("for P(relevant) {}; for the score of the label {}", *kinds))
