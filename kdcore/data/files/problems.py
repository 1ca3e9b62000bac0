"""What is wrong with the rows of a file: problems with file, line and cure, and errors of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from kdcore.errors import Cure, DataError, on_page

SHOWN = 20  # problems in one error; the rest is a number
FIRST_LINES = 5  # of many rows with one problem, the lines that its sentence names


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. `line` counts from 1, 0 means the file as a whole.

    cause: what is wrong with every row that has the same problem ("have a decimal comma"); an
    error tells such rows as one problem. "" where each row has a problem of its own.
    """

    file: str
    line: int
    what: str
    cure: str
    raw: str = ""
    unit: str = "line"  # Parquet has rows
    cause: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, {self.unit} {self.line}" if self.line else self.file
        return f"{where}: {self.what}; {self.cure}"

    def sentence(self) -> Cure:
        """The problem as a sentence, its cure in the words of each place."""
        said = str(self)
        return Cure(said, said.removesuffix(self.cure) + on_page(self.cure))


def refusal(headline: str, problems: Sequence[Problem]) -> DataError:
    """A DataError that shows the first problems and counts the rest; one cause is one problem."""
    same = by_cause(problems)
    texts: list[str] = [as_one(alike) for alike in same[:SHOWN]]
    if rest := sum(map(len, same[SHOWN:])):
        texts.append(f"... and {rest:,} more")
    return DataError(headline, texts)


def by_cause(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Problems of one cause together, in the order of the first of each."""
    same: dict[object, list[Problem]] = {}
    for place, problem in enumerate(problems):
        key = (problem.file, problem.cause) if problem.cause else place
        same.setdefault(key, []).append(problem)
    return list(same.values())


def as_one(alike: Sequence[Problem]) -> Cure:
    """Problems of one cause as a sentence: how many rows, the first of them, one cure."""
    first = alike[0]
    if len(alike) == 1:
        return first.sentence()
    lines = ", ".join(str(problem.line) for problem in alike[:FIRST_LINES])
    more = ", ..." if len(alike) > FIRST_LINES else ""
    what = f"{len(alike):,} {first.unit}s {first.cause} ({first.unit}s {lines}{more})"
    return Problem(first.file, 0, what, first.cure).sentence()
