"""Filter pairs: one predicate, and how many pairs each further option would leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.analysis.outcomes import CELLS, OUTCOME_TITLES, OUTCOMES, outcome_of
from kdcore.analysis.tags import TAGS, Bools, is_labelled
from kdcore.errors import ConfigError

Box = tuple[float, float, float, float]
LONGEST_SEARCH = 80


@dataclass(frozen=True)
class Filters:
    """Which pairs are shown; an empty filter lets every pair pass. Raises ConfigError at birth.

    search: every word occurs in query, title or description. tags: the pair carries all of them.
    grades: one of them (-1 = unlabelled). outcomes and cells: it is in one of either. box: x0,
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
        """The cells that pass, those of the outcomes included; () = every one."""
        return tuple(c for c in CELLS if c in self.cells or outcome_of(c) in self.outcomes)

    def mask(self, frame: pd.DataFrame) -> Bools:
        """Return (pairs,) whether each pair passes; frame: of `outcomes.add_outcomes`."""
        keep = np.ones(len(frame), dtype=bool)
        for name in self.tags:
            keep &= frame[name].to_numpy()
        if self.grades:
            keep &= np.isin(frame["grade"].to_numpy(), self.grades)
        if cells := self.all_cells:
            keep &= np.isin(frame["cell"].cat.codes.to_numpy(), [CELLS.index(c) for c in cells])
        if self.box is not None:
            x, y = frame["teacher_p"].to_numpy(), frame["student_p"].to_numpy()
            x0, x1, y0, y1 = self.box
            keep &= (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        return keep & self._matching(frame, keep)

    def _matching(self, frame: pd.DataFrame, candidates: Bools) -> Bools:
        """Return the candidates whose texts hold every searched word; only they are read."""
        rows = np.flatnonzero(candidates)
        for word in self.search.lower()[:LONGEST_SEARCH].split():
            texts = frame["text"].iloc[rows]
            rows = rows[texts.str.contains(word, regex=False).to_numpy(dtype=bool)]
        matches = np.zeros(len(frame), dtype=bool)
        matches[rows] = True
        return matches


@dataclass(frozen=True)
class Option:
    """How many pairs an option would leave, and how many labelled ones each model gets right.

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
    frame: pd.DataFrame,
    filters: Filters,
    grades: tuple[str, ...],
    within: Bools | None = None,
) -> dict[str, tuple[Option, ...]]:
    """Count the options of each group ("outcomes", "tags", "grades") under all other filters.

    Outcomes and grades exclude each other, so their own group is left out; tags combine, so a tag
    is counted among the pairs that have the other chosen tags as well.

    within: (pairs,) counts these pairs only.
    """
    named = dict(enumerate(grades)) | {-1: "unlabelled"}
    outcome = frame["outcome"].cat.codes.to_numpy()
    grade = frame["grade"].to_numpy()
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
                (k, t.title, frame[k].to_numpy(), k in filters.tags)
                for k, t in TAGS.items()
                if t.needs in frame or k in filters.tags  # without it no pair can have the tag
            ],
        ),
        "grades": (
            replace(filters, grades=()),
            [(str(g), name, grade == g, g in filters.grades) for g, name in named.items()],
        ),
    }
    everything = np.ones(len(frame), dtype=bool) if within is None else within
    return {
        name: _options(frame, np.flatnonzero(everything & others.mask(frame)), options)
        for name, (others, options) in groups.items()
    }


def _options(
    frame: pd.DataFrame, rows: NDArray[np.intp], options: list[tuple[str, str, Bools, bool]]
) -> tuple[Option, ...]:
    labelled = is_labelled(frame)[rows]
    teacher, student = (frame[f"{w}_right"].to_numpy()[rows] for w in ("teacher", "student"))
    counts = []
    for key, title, carried, chosen in options:
        has = carried[rows]
        n, labelled_n, t, s = (
            int(np.count_nonzero(x)) for x in (has, has & labelled, has & teacher, has & student)
        )
        counts.append(Option(key, title, n, labelled_n, t, s, chosen))
    return tuple(counts)


def _unknown(
    name: str, given: Iterable[str], valid: Mapping[str, object] | Iterable[str]
) -> list[str]:
    return [f"{name}: {x!r} is not one of {', '.join(valid)}" for x in given if x not in set(valid)]
