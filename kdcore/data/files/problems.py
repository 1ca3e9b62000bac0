"""Problems in files: what is wrong on which line and how to cure it, and errors made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kdcore.errors import Cure, DataError, for_app

SHOWN = 20  # problems in one error; the rest is a number
FIRST_LINES = 5  # of many rows with one problem, the lines that its sentence names


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. `line` counts from 1, 0 means the file as a whole.

    cause: what is wrong with every row that has the same problem ("have a decimal comma"); an
    error reports such rows as one problem. "" where each row has a problem of its own.
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
        """Return the problem as a sentence, its cure in the words of each place."""
        text = str(self)
        return Cure(text, text.removesuffix(self.cure) + for_app(self.cure))


def refusal(headline: str, problems: Sequence[Problem]) -> DataError:
    """Make a DataError that shows the first problems and counts the rest, grouped by cause."""
    groups = by_cause(problems)
    texts: list[str] = [as_one(group) for group in groups[:SHOWN]]
    if rest := sum(map(len, groups[SHOWN:])):
        texts.append(f"... and {rest:,} more")
    return DataError(headline, texts)


def unreadable(file: str, what: str, cure: str, *, line: int = 0) -> DataError:
    """Make the DataError of a file that cannot be read as a whole."""
    return refusal(f"{file} cannot be read:", [Problem(file, line, what, cure)])


def by_cause(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Group problems of one cause, in the order of the first of each."""
    groups: dict[object, list[Problem]] = {}
    for place, problem in enumerate(problems):
        key = (problem.file, problem.cause) if problem.cause else place
        groups.setdefault(key, []).append(problem)
    return list(groups.values())


def as_one(group: Sequence[Problem]) -> Cure:
    """Describe problems of one cause in a sentence: how many rows, the first of them, one cure."""
    first = group[0]
    if len(group) == 1:
        return first.sentence()
    lines = ", ".join(str(problem.line) for problem in group[:FIRST_LINES])
    more = ", ..." if len(group) > FIRST_LINES else ""
    what = f"{len(group):,} {first.unit}s {first.cause} ({first.unit}s {lines}{more})"
    return Problem(first.file, 0, what, first.cure).sentence()


def quoted(value: object) -> str:
    """Quote a value for an error: printable, at most 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def listed(names: Sequence[str], most: int = 12) -> str:
    """List column names in quotes; of many the first ones and a count."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return (", ".join(map(quoted, names[:most])) or "none") + more


def shown_name(path: Path | str) -> str:
    """Return a file's own name, printable whatever bytes it is made of."""
    return (Path(path).name or str(path)).encode("utf-8", "backslashreplace").decode()
