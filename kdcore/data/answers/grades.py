"""Find one column per grade: by number (logit_0), by name (p_exact), or named by the caller."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import AnswerColumns, ColumnChoice, listed, mapped
from kdcore.data.answers.sheet import Sheet, number
from kdcore.errors import DataError, phrase
from kdcore.labels import LabelScheme

FAMILIES = {
    "logits": ("logit", "logits", "logp", "logprob", "log_prob"),
    "probabilities": ("prob", "probs", "p", "probability", "probabilities", "proba", "softmax"),
    "": ("", "score", "scores", "label", "class", "grade", "pred", "prediction", "output"),
}
SUM_SLACK = 0.01  # rounded probabilities of a file need not sum to 1


def names_of(kind: str, scheme: LabelScheme) -> str:
    """Name the columns of a kind: logit_0 .. logit_3."""
    stem = FAMILIES[kind][0]
    return f"{stem}_0 .. {stem}_{len(scheme) - 1}"


def by_hand(
    sheet: Sheet,
    per_grade: Mapping[int, str],
    scheme: LabelScheme,
    choice: ColumnChoice,
    keys: Mapping[str, int],
    label: int,
) -> AnswerColumns:
    """Use the columns that the caller named, grade by grade; every grade needs one."""
    missing = [c for c in per_grade.values() if c not in sheet.header]
    if missing:
        what = f"no column is called {listed(missing)}; it has {listed(sheet.header)}"
        raise sheet.refused(what, "use one of these names")
    lacking = [scheme.grades[k] for k in range(len(scheme)) if k not in per_grade]
    if lacking:
        what = f"columns are named for {len(per_grade)} of {len(scheme)} grades"
        template = "name them: " + " and ".join("{}" for _ in lacking)
        cure = phrase(template, *map(mapped, lacking))
        raise sheet.refused(f"{what}; {', '.join(lacking)} have none", cure)
    places = tuple(sheet.header.index(per_grade[k]) for k in range(len(scheme)))
    if len(set(places)) < len(places):
        raise sheet.refused("one column is named for two grades", "name a different one for each")
    return AnswerColumns(_kind(sheet, places, choice), places, keys, label)


def by_grade(
    sheet: Sheet,
    scheme: LabelScheme,
    choice: ColumnChoice,
    keys: Mapping[str, int],
    grades_of_rows: NDArray[np.int64],
) -> AnswerColumns | None:
    """Find the columns of all grades by the grades' numbers or names; None without any.

    Raises DataError when the file has numbered logits or probabilities of another count of grades.
    """
    free = [p for p in range(len(sheet.header)) if p not in keys.values()]
    wrong = None
    for family, stems in FAMILIES.items():
        if choice.kind not in ("auto", family) and family:
            continue
        for stem in stems:
            place_of = _of_stem(sheet, free, stem, scheme)
            places = tuple(place_of[k] for k in sorted(place_of))
            other = _other_count(sheet, family, stem, free, scheme)
            wrong = wrong or other
            if other is None and sorted(place_of) == list(range(len(scheme))):
                if _one_hot_labels(sheet, places, grades_of_rows):
                    continue
                kind = family or _kind(sheet, places, choice)
                return AnswerColumns(kind, places, keys)
    one = _relevant_alone(sheet, scheme, free, keys) if choice.kind == "auto" else None
    if one is None and wrong is not None:
        raise wrong
    if one is None and choice.kind in ("logits", "probabilities"):
        what = f"no columns {names_of(choice.kind, scheme)}; it has {listed(sheet.header)}"
        cure = phrase("name them so, or map each grade's column ({})", mapped(scheme.grades[-1]))
        raise sheet.refused(what, cure)
    return one


def _kind(sheet: Sheet, places: Sequence[int], choice: ColumnChoice) -> str:
    """Return the caller's kind, else probabilities where each row is in 0..1 and sums to 1."""
    if choice.kind in ("logits", "probabilities"):
        return choice.kind
    rows = [[number(row[place]) for place in places] for _, row in sheet.rows]
    values = np.array([row for row in rows if None not in row], dtype=np.float64)
    if not len(values):
        return "logits"
    inside = (values >= 0).all() and (values <= 1).all()
    totals = np.abs(values.sum(axis=1) - 1) <= SUM_SLACK
    return "probabilities" if inside and totals.all() else "logits"


def _spelled(text: str) -> str:
    return re.sub(r"[\W_]+", "_", text.strip().casefold()).strip("_")


def _of_stem(sheet: Sheet, free: Sequence[int], stem: str, scheme: LabelScheme) -> dict[int, int]:
    """Map grades to columns that are named by this stem and the grade's number or name."""
    names = {_spelled(sheet.header[place]): place for place in reversed(free)}
    places: dict[int, int] = {}
    for grade, name in enumerate(scheme.grades):
        spelled = _spelled(name)
        ways = [f"{stem}_{spelled}", f"{spelled}_{stem}", f"{stem}_{grade}", f"{stem}{grade}"]
        ways = ways if stem else [spelled, str(grade)]
        place = next((names[way] for way in ways if way in names), None)
        if place is not None:
            places[grade] = place
    return places


def _other_count(
    sheet: Sheet, family: str, stem: str, free: Sequence[int], scheme: LabelScheme
) -> DataError | None:
    """Make the error for numbered logits or probabilities that are not one per grade."""
    pattern = re.compile(rf"{stem}_?(\d{{1,3}})")
    matches = (pattern.fullmatch(_spelled(sheet.header[place])) for place in free)
    numbers = sorted({int(match[1]) for match in matches if match})
    if not family or len(numbers) < 2 or numbers == list(range(len(scheme))):
        return None
    shown = ", ".join(map(str, numbers))
    what = f"it has {family} numbered {shown} where the data has {len(scheme)} grades"
    return sheet.refused(what, f"bring {names_of(family, scheme)}, one per grade, worst first")


def _one_hot_labels(sheet: Sheet, places: Sequence[int], grades_of_rows: NDArray[np.int64]) -> bool:
    """Return whether the columns are the data's own labels, written as 0 and 1."""
    rows = np.flatnonzero(grades_of_rows >= 0)
    cells = [[sheet.rows[row][1][place] for place in places] for row in rows]
    values = [[number(cell) for cell in row] for row in cells]
    return bool(rows.size) and all(
        row == [float(k == grade) for k in range(len(places))]
        for row, grade in zip(values, grades_of_rows[rows].tolist(), strict=True)
    )


def _relevant_alone(
    sheet: Sheet, scheme: LabelScheme, free: Sequence[int], keys: Mapping[str, int]
) -> AnswerColumns | None:
    """Find the probability of the relevant grade (p_1, p_good), enough where there are two."""
    if len(scheme) != 2:
        return None
    for stem in FAMILIES["probabilities"]:
        place_of = _of_stem(sheet, free, stem, scheme)
        if list(place_of) == [1]:
            return AnswerColumns("relevance", (place_of[1],), keys)
    return None
