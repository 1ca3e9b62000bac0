"""Match the columns of a table file with the lab's columns, and describe the result."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from kdcore.data.files.cells import NAMES, PAIR_IDS, TableFile
from kdcore.data.files.problems import Problem, listed, quoted, refusal, shown_name, unreadable
from kdcore.errors import Cure, by_import
from kdcore.labels import TASK_PREFIX

ColumnMapping = Mapping[str, str | None]
POSITIONS = ("query", "title", "description", "grade")  # of a file without a header, as QADSM's
_NAMED = 12  # columns that a sentence names


@dataclass(frozen=True)
class ColumnsRead:
    """Which columns of a table file were read as what, and how its labels were read.

    columns: our column -> the file's, None where it has none. labels: each label of the file (the
    most frequent ones) -> the grade it was read as; label_rows: in how many rows each stands.
    tasks: columns of labels of other tasks. pair_id: the column that names each pair, "" without.
    """

    file: str
    kind: str
    header: bool
    columns: Mapping[str, str | None]
    ignored: tuple[str, ...]
    labels: Mapping[str, str]
    tasks: tuple[str, ...] = ()
    label_rows: Mapping[str, int] = field(default_factory=dict)
    pair_id: str = ""

    def sentences(self) -> tuple[str, ...]:
        """Describe the columns and labels in sentences for a screen."""
        taken = [
            f"{ours} from {'' if self.header else 'column '}{quoted(theirs)}"
            for ours, theirs in self.columns.items()
            if theirs is not None
        ]
        head = "" if self.header else ", without a header"
        sentences = [f"Read as {self.kind}{head}: {', '.join(taken)}."]
        if self.tasks:
            sentences.append(f"Labels of other tasks: {listed(self.tasks, _NAMED)}.")
        if self.pair_id:
            sentences.append(f"Pairs are named by {quoted(self.pair_id)}.")
        if self.ignored:
            back = f"; join them to an exported CSV by {quoted(self.pair_id)}" * bool(self.pair_id)
            sentences.append(f"Columns not used: {listed(self.ignored, _NAMED)}{back}.")
        if self.labels:
            read = [self._label(text, grade) for text, grade in self.labels.items()]
            sentences.append(f"Labels: {', '.join(read)}.")
        return tuple(sentences)

    def _label(self, text: str, grade: str) -> str:
        rows = self.label_rows.get(text, 0)
        read_as = quoted(text) if text == grade else f"{quoted(text)} = {grade}"
        return f"{read_as} ({rows:,} row{'s' * (rows != 1)})"


def places_of(table: TableFile, mapping: ColumnMapping | None) -> dict[str, int]:
    """Find each of the lab's columns in a file; DataError when a necessary one is missing.

    mapping: our column -> the file's by name or by number from 1, or None for "there is none".
        Other columns are found by common names, in a file without a header by their place.

    Returns:
        Our column -> its place in the file, -1 where the file has none.
    """
    choices = _in_our_names(mapping or {}, table.file)
    problems = _unknown(choices, table.file)
    places: dict[str, int] = {}
    for ours in NAMES:
        if ours in choices:
            column = choices[ours]
            place = -1 if column is None else _place(table, column)
        else:
            place = _guess(table, ours, bool(choices))
            column = table.columns[place] if place >= 0 else None
        places[ours] = place
        if column is not None and place < 0:
            problems.append(_no_column(table, ours, column))
        elif column is not None and table.columns.count(column) > 1:
            problems.append(_doubled(table, ours, column))
    problems += _lacking(table, choices, places)
    if problems:
        raise refusal(f"{table.file} does not have what a table of pairs needs:", problems)
    return places


def task_places(table: TableFile) -> dict[str, int]:
    """Find the columns task_<name> of a file with a header: labels of other tasks than relevance.

    Column -> its place; of two equal names the first.
    """
    named = [c for c in table.columns if c.startswith(TASK_PREFIX) and c != TASK_PREFIX]
    return {} if table.headless else {name: table.columns.index(name) for name in named}


def id_place(table: TableFile, used: Collection[int]) -> int:
    """Find the column that names the pairs of a file with a header, beside the used ones; -1."""
    plain = [name.strip().casefold() for name in table.columns]
    places = (plain.index(name) for name in PAIR_IDS if name in plain and not table.headless)
    return next((place for place in places if place not in used), -1)


def _in_our_names(mapping: ColumnMapping, file: str) -> ColumnMapping:
    """Rename the keys of a mapping, such as `label` for `grade`, to the lab's own names."""
    ours = {alias: name for name, aliases in NAMES.items() for alias in aliases}
    renamed = {ours.get(key.strip().casefold(), key): column for key, column in mapping.items()}
    if len(renamed) < len(mapping):
        what = f"the mapping names a column twice: {', '.join(mapping)}"
        raise unreadable(file, what, "leave one out")
    return renamed


def _unknown(mapping: ColumnMapping, file: str) -> list[Problem]:
    return [
        Problem(
            file, 0, f"the mapping names {key!r}, which is no column of the lab",
            f"use {', '.join(NAMES)}",
        )
        for key in mapping.keys() - NAMES.keys()
    ]  # fmt: skip


def _place(table: TableFile, column: str) -> int:
    """Find a column by its name, else by its number from 1; -1 when there is none."""
    if column in table.columns:
        return table.columns.index(column)
    number = int(column) if column.isascii() and column.isdigit() else 0
    return number - 1 if 1 <= number <= len(table.columns) else -1


def _guess(table: TableFile, ours: str, mapped: bool) -> int:
    if table.headless:
        by_place = not mapped and len(table.columns) == len(POSITIONS) and ours in POSITIONS
        return POSITIONS.index(ours) if by_place else -1
    plain = [name.strip().casefold() for name in table.columns]
    return next((plain.index(name) for name in NAMES[ours] if name in plain), -1)


def _no_column(table: TableFile, ours: str, column: str) -> Problem:
    what = f"no column is called {column!r}; {_has(table)}"
    cure = Cure(
        f"map {ours!r} to one of them with {by_import(f'--map {ours}=COLUMN')}",
        f"choose another column under “{ours.capitalize()}”",
    )
    return Problem(table.file, 1, what, cure)


def _doubled(table: TableFile, ours: str, column: str) -> Problem:
    numbers = [str(k + 1) for k, name in enumerate(table.columns) if name == column]
    by_number = by_import(f"--map {ours}={numbers[0]}")
    cure = Cure(
        f"rename one, or name it by its number: {by_number} (or {numbers[1]})",
        "rename one and upload the file again",
    )
    return Problem(table.file, 1, f"two columns are called {column!r}", cure)


def _lacking(table: TableFile, choices: ColumnMapping, places: dict[str, int]) -> list[Problem]:
    lacking = {
        "query": places["query"] < 0,
        "title or description": places["title"] < 0 and places["description"] < 0,
        "grade": places["grade"] < 0 and "grade" not in choices,
    }
    names = [ours for ours, missing in lacking.items() if missing]
    if table.headless and names:
        what = f"its first line names no column, and it has {len(table.columns)} of them"
        cure = Cure(
            f"name the columns: {by_import('--map query=1 --map title=2 --map grade=3')}, or "
            "--map grade= if there is no grade",
            "choose the column numbers under “Query” and “Ad title”",
        )
        return [Problem(table.file, 1, what, cure)]
    return [_no_such(table, ours) for ours in names]


def _no_such(table: TableFile, ours: str) -> Problem:
    first = ours.split()[0]
    row = f"; if its first line is a pair already, {by_import('--no-header')}"
    none = f", or --map {first}= if there is none" if first == "grade" else ""
    cure = Cure(
        f"map one with {by_import(f'--map {first}=COLUMN')}{none}{row if first == 'query' else ''}",
        f"choose a column under “{first.capitalize()}”",
    )
    return Problem(table.file, 1, f"no column {ours!r}; {_has(table)}", cure)


def _has(table: TableFile) -> str:
    names = [shown_name(name)[:60] for name in table.columns[:_NAMED]]
    more = len(table.columns) - _NAMED
    return f"its columns are {', '.join(names) or 'none'}{f' and {more:,} more' * (more > 0)}"


def columns_read(
    table: TableFile,
    places: Mapping[str, int],
    labels: Mapping[str, str],
    label_rows: Mapping[str, int],
    pair_id: int = -1,
) -> ColumnsRead:
    """Describe which columns were read as what, from the places that were used."""
    tasks = task_places(table)
    used = {place for place in places.values() if place >= 0} | set(tasks.values()) | {pair_id}
    sources = {ours: table.columns[at] if at >= 0 else None for ours, at in places.items()}
    ignored = tuple(name for k, name in enumerate(table.columns) if k not in used)
    header = not table.headless
    name = table.columns[pair_id] if pair_id >= 0 else ""
    labelled = (labels, tuple(tasks), label_rows)
    return ColumnsRead(table.file, table.kind, header, sources, ignored, *labelled, name)
