"""Find one column per grade: by number (logit_0), by name (p_exact), or named by the caller."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from kdcore.data.answers.choice import PER_GRADE, AnswerColumns, AnswerFile, mapped
from kdcore.data.answers.sheet import number
from kdcore.data.files.problems import listed
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


def by_hand(file: AnswerFile, per_grade: Mapping[int, str]) -> AnswerColumns:
    """Use the columns that the caller named, grade by grade; every grade needs one."""
    sheet, grades = file.sheet, file.scheme.grades
    sheet.require(per_grade.values())
    lacking = [name for k, name in enumerate(grades) if k not in per_grade]
    if lacking:
        what = f"columns are named for {len(per_grade)} of {len(grades)} grades"
        template = "name them: " + " and ".join("{}" for _ in lacking)
        cure = phrase(template, *map(mapped, lacking))
        raise sheet.refused(f"{what}; {', '.join(lacking)} have none", cure)
    places = tuple(sheet.header.index(per_grade[k]) for k in range(len(grades)))
    if len(set(places)) < len(places):
        raise sheet.refused("one column is named for two grades", "name a different one for each")
    return AnswerColumns(_kind(file, places), places, file.keys)


def by_grade(file: AnswerFile) -> AnswerColumns | None:
    """Find the columns of all grades by the grades' numbers or names; None without any.

    Raises DataError when the file has numbered logits or probabilities of another count of grades.
    """
    sheet, scheme, kind = file.sheet, file.scheme, file.choice.kind
    wrong = None
    for family, stems in FAMILIES.items():
        if kind not in ("auto", family) and family:
            continue
        for stem in stems:
            place_of = _of_stem(file, stem)
            places = tuple(place_of[k] for k in sorted(place_of))
            other = _other_count(file, family, stem)
            wrong = wrong or other
            whole = other is None and sorted(place_of) == list(range(len(scheme)))
            if whole and not _one_hot_labels(file, places):
                return AnswerColumns(family or _kind(file, places), places, file.keys)
    one = _relevant_alone(file) if kind == "auto" else None
    if one is None and wrong is not None:
        raise wrong
    if one is None and kind in PER_GRADE:
        what = f"no columns {names_of(kind, scheme)}; it has {listed(sheet.header)}"
        cure = phrase("name them so, or map each grade's column ({})", mapped(scheme.grades[-1]))
        raise sheet.refused(what, cure)
    return one


def _kind(file: AnswerFile, places: Sequence[int]) -> str:
    """Return the caller's kind, else probabilities where each row is in 0..1 and sums to 1."""
    if file.choice.kind in PER_GRADE:
        return file.choice.kind
    rows = [[number(row[place]) for place in places] for _, row in file.sheet.rows]
    values = np.array([row for row in rows if None not in row], dtype=np.float64)
    if not len(values):
        return "logits"
    inside = (values >= 0).all() and (values <= 1).all()
    totals = np.abs(values.sum(axis=1) - 1) <= SUM_SLACK
    return "probabilities" if inside and totals.all() else "logits"


def _spelled(text: str) -> str:
    return re.sub(r"[\W_]+", "_", text.strip().casefold()).strip("_")


def _free(file: AnswerFile) -> list[int]:
    """Return the places of the columns that hold no text of a pair."""
    return [p for p in range(len(file.sheet.header)) if p not in file.keys.values()]


def _of_stem(file: AnswerFile, stem: str) -> dict[int, int]:
    """Map grades to columns that are named by this stem and the grade's number or name."""
    names = {_spelled(file.sheet.header[place]): place for place in reversed(_free(file))}
    places: dict[int, int] = {}
    for grade, name in enumerate(file.scheme.grades):
        spelled = _spelled(name)
        ways = [f"{stem}_{spelled}", f"{spelled}_{stem}", f"{stem}_{grade}", f"{stem}{grade}"]
        ways = ways if stem else [spelled, str(grade)]
        place = next((names[way] for way in ways if way in names), None)
        if place is not None:
            places[grade] = place
    return places


def _other_count(file: AnswerFile, family: str, stem: str) -> DataError | None:
    """Make the error for numbered logits or probabilities that are not one per grade."""
    scheme, pattern = file.scheme, re.compile(rf"{stem}_?(\d{{1,3}})")
    matches = (pattern.fullmatch(_spelled(file.sheet.header[place])) for place in _free(file))
    numbers = sorted({int(match[1]) for match in matches if match})
    if not family or len(numbers) < 2 or numbers == list(range(len(scheme))):
        return None
    shown = ", ".join(map(str, numbers))
    what = f"it has {family} numbered {shown} where the data has {len(scheme)} grades"
    cure = f"bring {names_of(family, scheme)}, one per grade, worst first"
    return file.sheet.refused(what, cure)


def _one_hot_labels(file: AnswerFile, places: Sequence[int]) -> bool:
    """Return whether the columns are the data's own labels, written as 0 and 1."""
    rows = np.flatnonzero(file.grades >= 0)
    cells = [[file.sheet.rows[row][1][place] for place in places] for row in rows]
    values = [[number(cell) for cell in row] for row in cells]
    return bool(rows.size) and all(
        row == [float(k == grade) for k in range(len(places))]
        for row, grade in zip(values, file.grades[rows].tolist(), strict=True)
    )


def _relevant_alone(file: AnswerFile) -> AnswerColumns | None:
    """Find the probability of the relevant grade (p_1, p_good), enough where there are two."""
    if len(file.scheme) != 2:
        return None
    for stem in FAMILIES["probabilities"]:
        place_of = _of_stem(file, stem)
        if list(place_of) == [1]:
            return AnswerColumns("relevance", (place_of[1],), file.keys)
    return None
