"""Read text tables: cells separated by tabs, commas, semicolons or bars, quoted or not."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from kdcore.data.files.cells import ALIASES, Cells, TableFile, TableOptions, is_header, numbered
from kdcore.data.files.content import decode, lines_of, suspicious
from kdcore.data.files.problems import Problem, unreadable
from kdcore.data.files.rejects import unguarded
from kdcore.errors import Cure, by_import

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENDINGS = (".csv", ".tsv", ".txt")
_SAMPLE = 20  # records from which the delimiter is detected
_HEAD = 1 << 16  # characters in which they are searched
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?(?:\n|$)", re.I)
csv.field_size_limit(2**31 - 1)  # a long text is refused by name (see rows), not as bad quoting


@dataclass(frozen=True)
class _Text:
    """A decoded file: its text from the first row on, and how its rows are split."""

    file: str
    text: str
    delimiter: str
    quotes: bool
    first_line: int  # 2 behind a line `sep=;`
    notes: tuple[str, ...]


def open_text(data: bytes, file: str, ending: str, options: TableOptions) -> TableFile:
    """Open a text file as a table; DataError when its bytes are not text."""
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        what, cure = "this looks like a binary file", "give CSV, TSV, JSON, Parquet or .xlsx"
        raise unreadable(file, what, cure)
    text, notes = decode(data, file)
    match = _SEPARATOR_LINE.match(text)
    delimiter = options.delimiter or (match[1] if match else _delimiter(text, ending))
    quotes = options.quotes
    if quotes is None:
        quotes = ending == ".csv" or delimiter != "\t"
    start = match.end() if match else 0
    source = _Text(file, text[start:], delimiter, quotes, 1 + bool(match), notes)
    filled = (values for _, _, values in _records(source, None) if values)
    rows = list(islice(filled, _SAMPLE))
    header = is_header(rows) if options.header is None else options.header
    first = rows[0] if rows else []
    columns = tuple(first) if header else numbered(len(first))
    kind = f"text separated by {DELIMITERS.get(delimiter, repr(delimiter))}"
    read = partial(_read, source, columns, header)
    return TableFile(file, kind, columns, read, "line", not header, quotes=quotes)


def _delimiter(text: str, ending: str) -> str:
    """Detect the delimiter: it cuts the first records into known, equally many, many columns."""
    head = text[:_HEAD]
    if ending != ".csv" and "\t" in head[: head.find("\n") + 1 or None]:
        return "\t"
    return max(DELIMITERS, key=lambda delimiter: _fit(head, delimiter))


def _fit(head: str, delimiter: str) -> tuple[int, bool, float, int]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        records = [record for record in islice(reader, _SAMPLE) if record]
    except csv.Error:
        records = []
    if not records:
        return 0, False, 0.0, 0
    names = len(ALIASES & {cell.strip().casefold() for cell in records[0]})
    width = len(records[0])
    equal = sum(len(record) == width for record in records) / len(records)
    return names, width > 1, equal, width


def _records(source: _Text, cells: Cells | None) -> Iterator[tuple[int, int, list[str]]]:
    """Yield (first line, last line, fields) of every record; broken quoting goes to the cells."""
    if not source.quotes:
        for line, text in enumerate(lines_of(source.text), source.first_line):
            yield line, line, text.split(source.delimiter) if text else []
        return
    reader = csv.reader(
        io.StringIO(source.text, newline=""), delimiter=source.delimiter, strict=True
    )
    start = source.first_line
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
        end = reader.line_num + source.first_line - 1
        yield start, end, values
        start = end + 1


def _read(
    source: _Text,
    columns: tuple[str, ...],
    header: bool,
    cells: Cells,
    places: tuple[int, ...],
    limit: int | None,
) -> None:
    cells.notes = source.notes
    cells.suspicious = suspicious([source.text])
    guards = source.quotes and "'" in source.text
    ends: dict[int, int] = {}  # of the rows that go over several lines
    expect_header = header
    for line, end, values in _records(source, cells):
        if not values:  # a blank line between rows is no row
            continue
        if expect_header:
            expect_header = False
        elif len(values) != len(columns):
            cells.reject(line, source.delimiter.join(values), *_miscounted(values, columns, header))
        else:
            if end > line:
                ends[line] = end
            row = [values[place] for place in places]
            cells.rows.append((line, [unguarded(text) for text in row] if guards else row))
            if limit is not None and len(cells.rows) >= limit:
                break
    if not source.quotes and cells.problems and _reads_with_quotes(source, columns):
        cells.problems = [_as_quoted(problem, columns) for problem in cells.problems]
    cells.raw = _raw_lines(source, ends)
    if not source.quotes and '"' in source.text:
        cells.hints = _quote_hints(source)


def _reads_with_quotes(source: _Text, columns: tuple[str, ...]) -> bool:
    """Return whether every row has its fields when double quotes enclose texts."""
    if '"' not in source.text:
        return False
    quoted = Cells(source.file)
    records = _records(replace(source, quotes=True), quoted)
    whole = all(len(values) == len(columns) for _, _, values in records if values)
    return whole and not quoted.problems


def _as_quoted(problem: Problem, columns: tuple[str, ...]) -> Problem:
    """Restate the problem of a row that reads well with quotes: its cure is the option."""
    cure = Cure(
        f"its quotes enclose texts: read it with {by_import('--quotes')}",
        "its quotes enclose texts: tick “Double quotes enclose texts”",
    )
    cause = f"do not have {len(columns)} fields where quotes are read as text"
    return replace(problem, cure=cure, cause=cause)


def _raw_lines(source: _Text, ends: dict[int, int]) -> Callable[[int], str]:
    """Return a function from a line to the text of its row; ends: the last lines of longer rows."""
    lines: list[str] = []

    def raw(line: int) -> str:
        if not lines:
            lines.extend(source.text.split("\n"))
        first = line - source.first_line
        return "\n".join(lines[first : ends.get(line, line) - source.first_line + 1]).rstrip("\r")

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


def _quote_hints(source: _Text) -> tuple[str, ...]:
    """Suggest --quotes when quotes seem to enclose texts but are read as part of them."""
    opened = closed = 0
    for line in lines_of(source.text):
        if '"' in line:
            for field in line.split(source.delimiter):
                if field.startswith('"'):
                    opened += 1
                    closed += len(field) > 1 and field.endswith('"')
    if not opened or opened != closed:
        return ()
    texts = "text that begins" if opened == 1 else "texts that begin"
    note = (
        f"{opened:,} {texts} with a quote also end{'s'[: opened == 1]} with one: the quotes are "
        "kept as text"
    )
    return (
        Cure(
            f"{note}; {by_import('--quotes')} takes them off",
            f"{note}; tick “Double quotes enclose texts” to take them off",
        ),
    )
