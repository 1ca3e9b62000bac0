"""Detect which columns of a file of answers hold texts, labels and the model's numbers.

A label is never read as an answer: a column that is named like a label, or that follows the labels
of the data, is not read unless the caller names it. Where several columns of numbers could be the
answer, an error asks which one.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from kdcore.data.answers.choice import (
    COLUMN,
    PER_GRADE,
    TEXTS,
    AnswerColumns,
    AnswerFile,
    ColumnChoice,
    grade_lookup,
    mapped,
)
from kdcore.data.answers.grades import by_grade, by_hand
from kdcore.data.answers.labels import (
    LABEL_NAMES,
    follows_labels,
    read_grades,
    read_label_score,
)
from kdcore.data.answers.sheet import Sheet, is_blank, looks_numeric, number
from kdcore.data.files.cells import NAMES
from kdcore.data.files.problems import listed, quoted
from kdcore.data.pairs import TEXT_COLUMNS
from kdcore.errors import DataError, phrase

ONE_NUMBER_NAMES = {
    "relevance": ("relevance", "p_relevant", "probability", "prob", "p", "proba", "confidence"),
    "logit": ("logit", "margin", "log_odds"),
    "score": ("score", "prediction", "pred", "similarity", "cosine", "bm25"),
}
_ENDINGS = {"relevance": ("_prob", "_probability", "_proba"), "logit": ("_logit",),
            "score": ("_score", "_similarity", "_prediction", "_pred")}  # fmt: skip
_NO_ANSWER = re.compile(
    r"|index|rank|row|unnamed: ?\d+|(.*[ _.-])?id|split|fold|lang(uage)?|locale"
)
_SAMPLE = 1000  # rows from which a column of numbers is detected


def key_columns(sheet: Sheet, choice: ColumnChoice) -> dict[str, int]:
    """Find query, title and description: the mapped columns, else those with common names.

    Raises DataError when the mapping or `column` names a column that the file lacks.
    """
    named = [choice.column, *(choice.mapping.get(ours, "") for ours in TEXTS)]
    sheet.require(filter(None, named))
    keys: dict[str, int] = {}
    for ours in TEXT_COLUMNS:
        if ours in choice.mapping:
            if choice.mapping[ours]:
                keys[ours] = sheet.header.index(choice.mapping[ours])
            continue
        place = next((sheet.plain.index(n) for n in NAMES[ours] if n in sheet.plain), -1)
        taken = {choice.column, *choice.mapping.values()}
        if place >= 0 and sheet.header[place] not in taken:
            keys[ours] = place
    return keys


def answer_columns(file: AnswerFile) -> AnswerColumns:
    """Decide which columns hold the answers, and what kind of numbers they are.

    Raises DataError, with what the caller can do, when that cannot be decided.
    """
    sheet, scheme, choice = file.sheet, file.scheme, file.choice
    label = _label_column(file)
    grades = grade_lookup(scheme)
    mapped = {g: c for g, c in choice.mapping.items() if g not in TEXTS}
    unknown = [g for g in mapped if g.strip().casefold() not in grades]
    if unknown:
        what = f"the mapping names {listed(unknown)}, which is neither a part of a pair nor a grade"
        raise sheet.refused(what, f"use {', '.join((*TEXTS, *scheme.grades))}")
    per_grade = {grades[g.strip().casefold()]: c for g, c in mapped.items()}
    names_a_column = any(column in sheet.header for column in per_grade.values())
    if choice.kind == "grade":
        return read_grades(file, per_grade)
    if names_a_column and choice.kind != "label_score":
        return replace(by_hand(file, per_grade), label=label)
    if not choice.column and choice.kind in ("auto", *PER_GRADE):
        family = by_grade(file)
        if family is not None:
            return replace(family, label=label)
    one = _one_number(file, label)
    if choice.kind not in ("auto", "label_score"):
        return one
    return read_label_score(file, one, per_grade)


def _label_column(file: AnswerFile) -> int:
    sheet, choice = file.sheet, file.choice
    if "label" in choice.mapping:
        named = choice.mapping["label"]
        return sheet.header.index(named) if named else -1
    taken = {choice.column, *choice.mapping.values()}
    places = (sheet.plain.index(name) for name in LABEL_NAMES if name in sheet.plain)
    return next((p for p in places if sheet.header[p] not in taken | {*file.keys.values()}), -1)


def _one_number(file: AnswerFile, label: int) -> AnswerColumns:
    """Find the one column that holds the number; DataError asks where several could."""
    sheet, choice = file.sheet, file.choice
    notes: list[str] = []
    if choice.column:
        place = sheet.header.index(choice.column)
        if follows_labels(file, place):
            notes.append(
                f"{quoted(choice.column)} follows the labels of the data exactly: if it holds "
                "the labels and not the model's predictions, these numbers mean nothing"
            )
    else:
        place, notes = _only_candidate(file)
    kind = choice.kind if choice.kind != "auto" else _kind_of(sheet.plain[place]) or "score"
    label = label if label != place else -1
    return AnswerColumns(kind, (place,), file.keys, label, notes=tuple(notes))


def _only_candidate(file: AnswerFile) -> tuple[int, list[str]]:
    sheet = file.sheet
    kind_of = [_kind_of(name) for name in sheet.plain]
    numbers = [
        p for p in range(len(kind_of)) if _is_number(sheet, p) and p not in file.keys.values()
    ]
    follows = {p for p in numbers if follows_labels(file, p)}
    typical = [p for p in numbers if kind_of[p] and sheet.plain[p] not in LABEL_NAMES]
    typical = [p for p in typical if kind_of[p] == file.choice.kind] or typical
    unlabelled = [p for p in typical if p not in follows] or typical
    others = [p for p in numbers if p not in follows and p not in typical]
    labels = [p for p in others if sheet.plain[p] in LABEL_NAMES]
    fractional = [p for p in labels if _has_fractions(sheet, p)]
    pool = [*unlabelled, *fractional] or [p for p in others if p not in labels] or fractional
    if len(pool) != 1:
        raise _undecided(file, pool, [*follows, *labels])
    (place,) = pool
    notes = []
    if place in follows:
        notes.append(
            f"{quoted(sheet.header[place])} follows the labels of the data exactly: check that "
            "it holds the model's predictions"
        )
    for other in sorted(follows - {place}):
        notes.append(
            f"{quoted(sheet.header[other])} follows the labels of the data: not a prediction"
        )
    return place, notes


def _undecided(file: AnswerFile, pool: Sequence[int], labels: Sequence[int]) -> DataError:
    sheet = file.sheet
    if pool:
        names = listed([sheet.header[place] for place in pool])
        cure = COLUMN
        if len(pool) >= len(file.scheme) > 2:
            each = mapped(file.scheme.grades[-1])
            cure = phrase("{}, or give the column of each grade ({}, ...)", COLUMN, each)
        return sheet.refused(f"several columns could be the predictions: {names}", cure)
    if labels:
        names = listed([sheet.header[place] for place in dict.fromkeys(labels)])
        what = f"its only numbers are in {names}, which are named like labels or follow the labels "
        return sheet.refused(
            what + "of the data, and a label is not a prediction of a model",
            phrase("if it is the prediction, {}; else add a column 'score'", COLUMN),
        )
    what = f"no column holds a number for every pair; it has {listed(sheet.header)}"
    return sheet.refused(
        what, "call it 'score' (any number), 'relevance' (0 to 1), or give logit_0, logit_1, ..."
    )


def _is_number(sheet: Sheet, place: int) -> bool:
    if _NO_ANSWER.fullmatch(sheet.plain[place]):
        return False
    cells = [row[place] for _, row in sheet.rows[:_SAMPLE]]
    if _kind_of(sheet.plain[place]):
        return any(map(looks_numeric, cells))
    return all(map(looks_numeric, cells)) and not all(map(is_blank, cells))


def _has_fractions(sheet: Sheet, place: int) -> bool:
    values = [number(row[place]) for _, row in sheet.rows]
    return any(value is not None and not value.is_integer() for value in values)


def _kind_of(plain: str) -> str:
    """Return the kind of number that a column's name suggests; "" when it suggests none."""
    for kind, names in ONE_NUMBER_NAMES.items():
        if plain in names:
            return kind
    return next((kind for kind, ends in _ENDINGS.items() if plain.endswith(ends)), "")
