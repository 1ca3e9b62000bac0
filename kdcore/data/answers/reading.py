"""Read a file of a model's answers: numbers beside the pairs' texts.

CSV, TSV, JSON lines or Parquet. Beside query, title and description, if the file has them, stand
one column for each grade (logits `logit_0`, `logit_1`, ...; probabilities `p_irrelevant`, ...), one
number (`score`, `relevance`, `logit`), or the label that a pipeline chose and its score.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import (
    BY_NAME,
    PARTIAL,
    AnswerColumns,
    AnswerFile,
    ColumnChoice,
    ReadColumns,
    named,
)
from kdcore.data.answers.columns import answer_columns, key_columns
from kdcore.data.answers.labels import one_row_per_pair
from kdcore.data.answers.sheet import (
    Sheet,
    has_decimal_comma,
    is_blank,
    number,
    read_sheet,
    why_no_number,
)
from kdcore.data.answers.texts import Expected, Keys
from kdcore.data.files.problems import Problem, quoted, refusal
from kdcore.data.files.trec import COLUMNS as RUN_COLUMNS
from kdcore.errors import phrase


@dataclass(frozen=True)
class Answers:
    """The rows of a file of answers.

    kind: logits, probabilities, relevance, logit, score or grade. values: (rows, width), width 1
    for the last four; nan where a row holds no number, which only a partial reading allows. keys:
    query, title, description -> the texts, of those that the file has. lines: (rows,) where each
    stands. columns: what was read as what. notes: how, a sentence each.
    """

    file: str
    kind: str
    values: NDArray[np.float64]
    keys: Keys
    lines: NDArray[np.int64]
    columns: ReadColumns
    unit: str = "line"
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.values)

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(rows,) whether each row holds its numbers."""
        return np.asarray(~np.isnan(self.values).any(axis=1))

    def problem(self, row: int, what: str, cure: str) -> Problem:
        """Make a problem of one row, named by its line."""
        return Problem(self.file, int(self.lines[row]), what, cure, unit=self.unit)


def read_answers(
    path: Path,
    expected: Expected,
    choice: ColumnChoice = BY_NAME,
    *,
    partial: bool = False,
    file: str = "",
) -> Answers:
    """Read the answers of one file; DataError lists every bad row at once.

    expected: the pairs; a column that follows their grades is a label, and one of their titles
    holds the title whatever it is called. partial: a row whose number is missing is read as no
    answer. file: what the file is called; by default its own name.
    """
    sheet = read_sheet(path, file)
    keys = key_columns(sheet, choice)
    keys |= expected.by_their_texts(sheet, keys, choice)
    if not {"query", "title"} <= set(keys):
        keys = expected.by_ids(sheet) or keys
    if sheet.header == list(RUN_COLUMNS):  # a score of any size and sign, even between 0 and 1
        kind = "score" if choice.kind == "auto" else choice.kind
        choice = replace(choice, kind=kind, column=choice.column or "score")
    wide = one_row_per_pair(sheet, keys)
    if wide is not sheet:
        mapping = {ours: c for ours, c in choice.mapping.items() if ours != "label"}
        names = {ours: sheet.header[place] for ours, place in keys.items()}
        sheet, choice = wide, replace(choice, column="", mapping=mapping)
        keys = {ours: sheet.header.index(name) for ours, name in names.items()}
    texts = {ours: sheet.column(place) for ours, place in keys.items()}
    grades = expected.grades_of(texts, len(sheet.rows))
    columns = answer_columns(AnswerFile(sheet, keys, expected.pairs.scheme, choice, grades))
    values, problems = _numbers(sheet, columns, choice, partial)
    if problems or sheet.problems:
        every = sorted([*sheet.problems, *problems], key=lambda problem: problem.line)
        count = f"{len(every):,} problem{'s'[: len(every) > 1]}"
        raise refusal(f"{sheet.file} cannot be read ({count}):", every)
    kind, values, notes = _settled(sheet, columns, values, choice)
    lines = np.array([line for line, _ in sheet.rows], dtype=np.int64)
    read = named(sheet.header, columns, columns.kind if columns.grade_of else kind)
    notes = (*sheet.notes, *columns.notes, *notes)
    return Answers(sheet.file, kind, values, texts, lines, read, sheet.unit, notes)


def _numbers(
    sheet: Sheet, columns: AnswerColumns, choice: ColumnChoice, partial: bool
) -> tuple[NDArray[np.float64], list[Problem]]:
    values = np.full((len(sheet.rows), len(columns.values)), np.nan)
    problems = []
    for at, (line, row) in enumerate(sheet.rows):
        for k, place in enumerate(columns.values):
            value = _value(row[place], columns)
            if value is not None:
                values[at, k] = value
                continue
            missing = is_blank(row[place])
            if not (partial and missing):
                what, cure = _why_none(row[place], columns)
                if missing:
                    cure = phrase("{}, or {} to leave such pairs out", cure, PARTIAL)
                name = quoted(sheet.header[place])
                cause = f"have a decimal comma in {name}" if has_decimal_comma(row[place]) else ""
                if columns.kind == "grade" and not missing:
                    cause = f"hold no grade of the data in {name}"
                problems.append(
                    Problem(sheet.file, line, f"{name}: {what}", cure, "", sheet.unit, cause)
                )
            values[at] = np.nan
            break
    return values, problems


def _value(text: str, columns: AnswerColumns) -> float | None:
    """Read a cell as a number, or as the number of the grade that it names; None where it fails."""
    return columns.grade_of.get(text.strip()) if columns.kind == "grade" else number(text)


def _why_none(text: str, columns: AnswerColumns) -> tuple[str, str]:
    """Return (what is wrong with a cell, what to do)."""
    if columns.kind != "grade" or is_blank(text):
        return why_no_number(text)
    return (
        f"{quoted(text)} is not a grade of the data",
        "give a grade's name or number, or leave the cell out",
    )


def _settled(
    sheet: Sheet, columns: AnswerColumns, values: NDArray[np.float64], choice: ColumnChoice
) -> tuple[str, NDArray[np.float64], tuple[str, ...]]:
    """Decide the kind that names leave open from the values; return kind, values and notes."""
    if columns.kind == "label_score":
        grades = [columns.grade_of[row[columns.label].strip()] for _, row in sheet.rows]
        chosen = np.array(grades, dtype=np.int64)[:, None] == 1
        return "relevance", np.where(chosen, values, 1 - values), ()
    if choice.kind != "auto" or columns.kind not in ("score", "relevance"):
        return columns.kind, values, ()
    numbers = values[~np.isnan(values)]
    if (numbers < 0).any() or (numbers > 1).any():
        return "score", values, ()
    name = quoted(sheet.header[columns.values[0]])
    note = f"{name} lies between 0 and 1 and is read as P(relevant); if it is no probability, "
    return "relevance", values, (f"{note}import it as a free score",)
