"""Filters over judged pairs: one predicate, and what each option would leave under the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.analysis.outcomes import CELLS, OUTCOME_TITLES, OUTCOMES, outcome_of
from kdcore.analysis.tags import TAGS, Bools, known
from kdcore.errors import ConfigError

Box = tuple[float, float, float, float]
LONGEST_SEARCH = 80


@dataclass(frozen=True)
class Filters:
    """Which pairs are shown; what is empty lets everything pass. Raises ConfigError at birth.

    search: every word occurs in query, title or description. tags: the pair carries all of them.
    grades: one of them (-1 = unlabelled). outcomes and cells: it stands in one of either. box: x0,
    x1, y0, y1, both ends included, of teacher_p (x) and student_p (y).
    """

    search: str = ""
    tags: tuple[str, ...] = ()
    grades: tuple[int, ...] = ()
    outcomes: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    box: Box | None = None

    def __post_init__(self) -> None:
        problems = [
            *_unknown("tags", self.tags, TAGS),
            *_unknown("outcomes", self.outcomes, OUTCOMES),
            *_unknown("cells", self.cells, CELLS),
        ]
        if self.box is not None and not (
            0 <= self.box[0] <= self.box[1] <= 1 and 0 <= self.box[2] <= self.box[3] <= 1
        ):
            problems.append(f"box: {self.box} is not x0 <= x1, y0 <= y1 inside 0..1")
        if problems:
            raise ConfigError("These filters cannot be used:", problems)

    def __bool__(self) -> bool:
        return self != Filters()

    @property
    def all_cells(self) -> tuple[str, ...]:
        """The cells that are let through, those of the outcomes included; () = every one."""
        return tuple(c for c in CELLS if c in self.cells or outcome_of(c) in self.outcomes)

    def mask(self, judged: pd.DataFrame) -> Bools:
        """(pairs,) whether each pair passes; reads what `outcomes.judge` gives."""
        keep = np.ones(len(judged), dtype=bool)
        for name in self.tags:
            keep &= judged[name].to_numpy()
        if self.grades:
            keep &= np.isin(judged["grade"].to_numpy(), self.grades)
        if cells := self.all_cells:
            keep &= np.isin(judged["cell"].cat.codes.to_numpy(), [CELLS.index(c) for c in cells])
        if self.box is not None:
            x, y = judged["teacher_p"].to_numpy(), judged["student_p"].to_numpy()
            x0, x1, y0, y1 = self.box
            keep &= (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        return keep & self._found(judged, keep)

    def _found(self, judged: pd.DataFrame, candidates: Bools) -> Bools:
        """Candidates whose texts hold every word that is searched; the others are not read."""
        rows = np.flatnonzero(candidates)
        for word in self.search.lower()[:LONGEST_SEARCH].split():
            texts = judged["text"].iloc[rows]
            rows = rows[texts.str.contains(word, regex=False).to_numpy(dtype=bool)]
        found = np.zeros(len(judged), dtype=bool)
        found[rows] = True
        return found


@dataclass(frozen=True)
class Option:
    """What choosing an option would leave: n pairs, and of the labelled who is right on how many.

    n = 0 means that it is impossible under the other filters.
    """

    key: str
    title: str
    n: int
    labelled: int
    teacher_right: int
    student_right: int
    chosen: bool


def option_counts(
    judged: pd.DataFrame,
    filters: Filters,
    grades: tuple[str, ...],
    within: Bools | None = None,
) -> dict[str, tuple[Option, ...]]:
    """Options of each group ("outcomes", "tags", "grades") under all other filters.

    Outcomes and grades exclude each other, so their own group is left out; tags add up, so a tag
    is counted among the pairs that carry the other chosen tags as well. within: (pairs,) counts
    these pairs only.
    """
    named = dict(enumerate(grades)) | {-1: "unlabelled"}
    outcome = judged["outcome"].cat.codes.to_numpy()
    grade = judged["grade"].to_numpy()
    groups: dict[str, tuple[Filters, list[tuple[str, str, Bools, bool]]]] = {
        "outcomes": (
            replace(filters, outcomes=(), cells=()),
            [
                (k, OUTCOME_TITLES[k], outcome == i, k in filters.outcomes)
                for i, k in enumerate(OUTCOMES)
            ],
        ),
        "tags": (
            filters,
            [
                (k, t.title, judged[k].to_numpy(), k in filters.tags)
                for k, t in TAGS.items()
                if t.needs in judged or k in filters.tags  # without it no pair can carry the tag
            ],
        ),
        "grades": (
            replace(filters, grades=()),
            [(str(g), name, grade == g, g in filters.grades) for g, name in named.items()],
        ),
    }
    everything = np.ones(len(judged), dtype=bool) if within is None else within
    return {
        name: _options(judged, np.flatnonzero(everything & others.mask(judged)), options)
        for name, (others, options) in groups.items()
    }


def _options(
    judged: pd.DataFrame, rows: NDArray[np.intp], options: list[tuple[str, str, Bools, bool]]
) -> tuple[Option, ...]:
    labelled = known(judged)[rows]
    teacher, student = (judged[f"{w}_right"].to_numpy()[rows] for w in ("teacher", "student"))
    found = []
    for key, title, carried, chosen in options:
        has = carried[rows]
        n, judged_n, t, s = (
            int(np.count_nonzero(x)) for x in (has, has & labelled, has & teacher, has & student)
        )
        found.append(Option(key, title, n, judged_n, t, s, chosen))
    return tuple(found)


def _unknown(
    name: str, given: Iterable[str], valid: Mapping[str, object] | Iterable[str]
) -> list[str]:
    return [f"{name}: {x!r} is none of {', '.join(valid)}" for x in given if x not in set(valid)]
