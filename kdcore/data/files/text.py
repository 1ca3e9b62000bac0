"""Text tables: cells cut by tabs, commas, semicolons or bars, with quoting or without."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from kdcore.data.files.cells import ALIASES, Cells, TableFile, TableOptions, is_header, numbered
from kdcore.data.files.problems import Problem, refusal
from kdcore.data.sources.rejects import unguarded
from kdcore.data.sources.rows import decode, lines_of, suspicious
from kdcore.errors import Cure, by_import

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENDINGS = (".csv", ".tsv", ".txt")
_LOOKED_AT = 20  # records that tell the delimiter
_HEAD = 1 << 16  # characters they are looked for in
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?(?:\n|$)", re.I)
csv.field_size_limit(2**31 - 1)  # a long text is refused by name (see rows), not as bad quoting


@dataclass(frozen=True)
class _Text:
    """A decoded file: its text from the first row on, and how its rows are cut."""

    file: str
    text: str
    delimiter: str
    quotes: bool
    first_line: int  # 2 behind a line `sep=;`
    notes: tuple[str, ...]


def open_text(data: bytes, file: str, ending: str, options: TableOptions) -> TableFile:
    """The columns of a text file; DataError when its bytes are no text."""
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        what, cure = "this looks like a binary file", "give CSV, TSV, JSON, Parquet or .xlsx"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])
    text, notes = decode(data, file)
    match = _SEPARATOR_LINE.match(text)
    delimiter = options.delimiter or (match[1] if match else _delimiter(text, ending))
    quotes = options.quotes
    if quotes is None:
        quotes = ending == ".csv" or delimiter != "\t"
    start = match.end() if match else 0
    found = _Text(file, text[start:], delimiter, quotes, 1 + bool(match), notes)
    filled = (values for _, _, values in _records(found, None) if values)
    rows = list(islice(filled, _LOOKED_AT))
    header = is_header(rows) if options.header is None else options.header
    first = rows[0] if rows else []
    columns = tuple(first) if header else numbered(len(first))
    kind = f"text separated by {DELIMITERS.get(delimiter, repr(delimiter))}"
    read = partial(_read, found, columns, header)
    return TableFile(file, kind, columns, read, "line", not header, quotes=quotes)


def _delimiter(text: str, ending: str) -> str:
    """The character that cuts the first records into the most alike, known or many columns."""
    head = text[:_HEAD]
    if ending != ".csv" and "\t" in head[: head.find("\n") + 1 or None]:
        return "\t"
    return max(DELIMITERS, key=lambda delimiter: _fit(head, delimiter))


def _fit(head: str, delimiter: str) -> tuple[int, bool, float, int]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        records = [record for record in islice(reader, _LOOKED_AT) if record]
    except csv.Error:
        records = []
    if not records:
        return 0, False, 0.0, 0
    known = len(ALIASES & {cell.strip().casefold() for cell in records[0]})
    width = len(records[0])
    alike = sum(len(record) == width for record in records) / len(records)
    return known, width > 1, alike, width


def _records(found: _Text, cells: Cells | None) -> Iterator[tuple[int, int, list[str]]]:
    """(first line, last line, fields) of every record; broken quoting goes to the cells."""
    if not found.quotes:
        for line, text in enumerate(lines_of(found.text), found.first_line):
            yield line, line, text.split(found.delimiter) if text else []
        return
    reader = csv.reader(io.StringIO(found.text, newline=""), delimiter=found.delimiter, strict=True)
    start = found.first_line
    while True:
        try:
            values = next(reader, None)
        except csv.Error as cause:
            values = []
            if cells is not None:
                what = f"the quoting is broken ({cause})"
                cells.reject(start, "", what, "close every quote, and double the ones inside it")
        if values is None:
            return
        end = reader.line_num + found.first_line - 1
        yield start, end, values
        start = end + 1


def _read(
    found: _Text,
    columns: tuple[str, ...],
    header: bool,
    cells: Cells,
    places: tuple[int, ...],
    limit: int | None,
) -> None:
    cells.notes = found.notes
    cells.look_close = suspicious([found.text])
    guards = found.quotes and "'" in found.text
    ends: dict[int, int] = {}  # of the rows that go over several lines
    waiting = header
    for line, end, values in _records(found, cells):
        if not values:  # a blank line between rows is no row
            continue
        if waiting:
            waiting = False
        elif len(values) != len(columns):
            cells.reject(line, found.delimiter.join(values), *_miscounted(values, columns, header))
        else:
            if end > line:
                ends[line] = end
            row = [values[place] for place in places]
            cells.rows.append((line, [unguarded(text) for text in row] if guards else row))
            if limit is not None and len(cells.rows) >= limit:
                break
    if not found.quotes and cells.problems and _reads_with_quotes(found, columns):
        cells.problems = [_as_quoted(problem, columns) for problem in cells.problems]
    cells.raw = _raw_lines(found, ends)
    if not found.quotes and '"' in found.text:
        cells.hints = _quote_hints(found)


def _reads_with_quotes(found: _Text, columns: tuple[str, ...]) -> bool:
    """Whether every row has its fields where double quotes enclose texts."""
    if '"' not in found.text:
        return False
    quoted = Cells(found.file)
    records = _records(replace(found, quotes=True), quoted)
    whole = all(len(values) == len(columns) for _, _, values in records if values)
    return whole and not quoted.problems


def _as_quoted(problem: Problem, columns: tuple[str, ...]) -> Problem:
    """The problem of a row that reads well with quotes: one cause, and the option as its cure."""
    cure = Cure(
        f"its quotes enclose texts: read it with {by_import('--quotes')}",
        "its quotes enclose texts: tick “Double quotes enclose texts”",
    )
    cause = f"do not have {len(columns)} fields where quotes are read as text"
    return replace(problem, cure=cure, cause=cause)


def _raw_lines(found: _Text, ends: dict[int, int]) -> Callable[[int], str]:
    """The text of the row that starts on a line; ends: the last lines of the longer ones."""
    lines: list[str] = []

    def raw(line: int) -> str:
        if not lines:
            lines.extend(found.text.split("\n"))
        first = line - found.first_line
        return "\n".join(lines[first : ends.get(line, line) - found.first_line + 1]).rstrip("\r")

    return raw


def _miscounted(values: list[str], columns: tuple[str, ...], header: bool) -> tuple[str, str]:
    where = "the header names" if header else "the first row has"
    count = f"{len(values)} field{'s' if len(values) != 1 else ''}"
    if any("\r" in value for value in values):
        return f"{count} where {where} {len(columns)}", (
            "a lone carriage return ends no line here: save with \\n line ends"
        )
    cure = "put a text that holds a separator in quotes, or drop what is too much"
    return f"{count} where {where} {len(columns)}", cure


def _quote_hints(found: _Text) -> tuple[str, ...]:
    """What to do when quotes seem to enclose texts in a file where they are read as text."""
    opened = closed = 0
    for line in lines_of(found.text):
        if '"' in line:
            for field in line.split(found.delimiter):
                if field.startswith('"'):
                    opened += 1
                    closed += len(field) > 1 and field.endswith('"')
    if not opened or opened != closed:
        return ()
    texts = "text that begins" if opened == 1 else "texts that begin"
    said = f"{opened:,} {texts} with a quote also end{'s'[: opened == 1]} with one"
    kept = f"{said}: the quotes are kept as text"
    return (
        Cure(
            f"{kept}; {by_import('--quotes')} takes them off",
            f"{kept}; tick “Double quotes enclose texts” to take them off",
        ),
    )
