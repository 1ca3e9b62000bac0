"""Tables: CSV, TSV, JSON lines and Parquet with a header, their columns mapped to a PairTable's.

A row whose grade is blank is unlabelled (-1). CSV cells that `kdlab data export` guarded against
spreadsheets lose their apostrophe again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kdcore.datasets.cells import READERS, Cells
from kdcore.datasets.grades import infer_scheme
from kdcore.datasets.rows import (
    Collector,
    Problem,
    Reading,
    decode,
    lines_of,
    quoted,
    read_bytes,
    refusal,
    shown_name,
)
from kdcore.datasets.xglue import is_xglue_name, parse_lines
from kdcore.errors import LabError
from kdcore.labels import LabelScheme
from kdcore.pairs import UNLABELLED

NAMES = {
    "query": ("query", "search_query", "q"),
    "title": ("title", "ad_title", "web_page_title", "wed_page_title", "headline"),
    "description": ("description", "ad_description", "desc", "snippet"),
    "grade": ("grade", "label", "relevance_label", "relavance_label", "relevance"),
    "language": ("language", "lang"),
    "split": ("split",),
}
SPLIT_WORDS = {
    "train": "train", "training": "train", "dev": "validation", "valid": "validation",
    "val": "validation", "validation": "validation", "test": "test", "log": "log",
}  # fmt: skip
SCHEME_KEY = b"kdlab_scheme"  # in the schema of a Parquet file that the lab exported
SUFFIXES = (*READERS, ".txt")
ColumnMapping = Mapping[str, str | None]


def read_table(
    path: Path, mapping: ColumnMapping | None = None, scheme: LabelScheme | None = None
) -> Reading:
    """The rows of one table file, its kind told by the suffix.

    mapping: our column -> the file's column, or None for "there is none"; what it leaves out is
        guessed from common names. scheme: else inferred from the labels (2, 4 or 5 grades).
    A .tsv or .txt without a header has QADSM's four columns. Problems of rows are told in the
    reading; a file that cannot be read at all is a DataError.
    """
    suffix = ".tsv" if path.suffix.lower() == ".txt" else path.suffix.lower()
    match = is_xglue_name(path.name)
    if suffix == ".tsv" and not match and not mapping:
        data = read_bytes(path)
        if not _has_header(data):
            return _read_headerless(data, shown_name(path), scheme)
    if suffix not in READERS:
        ending = f"ending in {shown_name(path.suffix)}" if path.suffix else "without an ending"
        what = f"files {ending} are unknown"
        cure = f"use one of {', '.join(SUFFIXES)}"
        file = shown_name(path)
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])
    cells = READERS[suffix](path)
    reading = assemble(cells, mapping, scheme or _kept_scheme(cells))
    aligned = len(cells.numbers) == len(reading.frame) == reading.rows
    return replace(reading, frame=reading.frame.join(cells.numbers)) if aligned else reading


def _kept_scheme(cells: Cells) -> LabelScheme | None:
    """The scheme that the lab wrote into its own Parquet file; a damaged one is as none."""
    try:
        return LabelScheme.from_dict(json.loads(cells.about[SCHEME_KEY]))
    except (KeyError, ValueError, TypeError, LabError):
        return None


def _has_header(data: bytes) -> bool:
    first = data[:4096].split(b"\n")[0].decode("utf-8-sig", "replace")
    named = {cell.strip().casefold() for cell in first.split("\t")}
    return bool(named & set(NAMES["query"])) and bool(named & {*NAMES["title"], *NAMES["grade"]})


def _read_headerless(data: bytes, file: str, scheme: LabelScheme | None) -> Reading:
    _refuse_other_columns(lines_of(decode(data, file)[0]), file)
    if scheme is None:
        labels = [line.rsplit("\t", 1)[-1] for line in lines_of(decode(data, file)[0])]
        scheme, notes = infer_scheme(labels, file)
    else:
        notes = ()
    reading = parse_lines(data, file, scheme, blank_label=UNLABELLED)
    return Reading(
        reading.frame, scheme, reading.problems, reading.rows, reading.withdrawn,
        (*reading.notes, *notes),
    )  # fmt: skip


def _refuse_other_columns(lines: list[str], file: str) -> None:
    """DataError when every line is alike and none is QADSM: one problem, not one a line."""
    widths = {line.count("\t") + 1 for line in lines if line}
    if len(lines) < 2 or len(widths) != 1 or widths == {4}:
        return
    (width,) = widths
    first = ", ".join(quoted(cell) for cell in lines[0].split("\t")[:8])
    what = f"every line has {width} field{'s'[: width > 1]}, and the first names no column that "
    what += f"the lab knows: {first}"
    cure = f"name its columns with {_map_hint('query', 'title', 'grade')}"
    if width == 1:
        cure = "write a tab between query, title, description and grade"
    raise refusal(f"{file} cannot be read:", [Problem(file, 1, what, cure)])


def _map_hint(*ours: str) -> str:
    return "`kdlab data import FILE " + " ".join(f"--map {name}=COLUMN" for name in ours) + "`"


def _in_our_names(mapping: ColumnMapping, file: str) -> ColumnMapping:
    """The mapping with `label` for `grade` and the like turned into the lab's own names."""
    ours = {alias: name for name, aliases in NAMES.items() for alias in aliases}
    renamed = {ours.get(key.strip().casefold(), key): column for key, column in mapping.items()}
    if len(renamed) < len(mapping):
        what = f"the mapping names a column twice: {', '.join(mapping)}"
        raise refusal(f"{file} cannot be read:", [Problem(file, 0, what, "leave one out")])
    return renamed


@dataclass
class _Columns:
    """Where each of our columns stands in a file's rows; -1 where the file has none."""

    at: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def _columns(cells: Cells, mapping: ColumnMapping) -> _Columns:
    found = _Columns()
    plain = [name.strip().casefold() for name in cells.header]
    has = ", ".join(map(shown_name, cells.header)) or "none"
    for ours, guesses in NAMES.items():
        wanted = mapping.get(ours, "")
        near = next((plain.index(name) for name in guesses if name in plain), -1)
        if wanted is None:
            found.at[ours] = -1
        elif wanted and wanted not in cells.header:
            what = f"no column is called {wanted!r}; its columns are {has}"
            cure = f"map {ours!r} to one of them"
            found.problems.append(Problem(cells.file, 1, what, cure))
        else:
            found.at[ours] = cells.header.index(wanted) if wanted else near
            name = cells.header[found.at[ours]] if found.at[ours] >= 0 else None
            if name is not None and cells.header.count(name) > 1:
                what = f"two columns are called {name!r}"
                found.problems.append(Problem(cells.file, 1, what, "rename one"))
    _check_needed(cells, mapping, found, has)
    return found


def _check_needed(cells: Cells, mapping: ColumnMapping, found: _Columns, has: str) -> None:
    def absent(ours: str) -> bool:
        return found.at.get(ours, 0) < 0

    needed = {
        "query": absent("query"),
        "title or description": absent("title") and absent("description"),
        "grade": absent("grade") and "grade" not in mapping,
    }
    for ours, missing in needed.items():
        if missing:
            what = f"no column {ours!r}; its columns are {has}"
            cure = f"rename one, or map one with {_map_hint(ours.split()[0])}"
            found.problems.append(Problem(cells.file, 1, what, cure))
    for unknown in mapping.keys() - NAMES.keys():
        what = f"the mapping names {unknown!r}, which is no column of the lab"
        found.problems.append(Problem(cells.file, 0, what, f"use {', '.join(NAMES)}"))


def assemble(
    cells: Cells,
    mapping: ColumnMapping | None = None,
    scheme: LabelScheme | None = None,
    *,
    language: str = "en",
    split: str = "train",
) -> Reading:
    """Cells of any file kind as rows; language and split stand in where no column tells them."""
    columns = _columns(cells, _in_our_names(mapping or {}, cells.file))
    if columns.problems:
        raise refusal(f"{cells.file} lacks what a table of pairs needs:", columns.problems)
    index = [columns.at[name] for name in NAMES]
    for _, values in cells.rows:
        values.append("")  # what -1, a column that is not there, reads
    notes: tuple[str, ...] = ()
    if scheme is None:
        grade = columns.at["grade"]
        scheme, notes = infer_scheme((values[grade] for _, values in cells.rows), cells.file)
    collector = Collector(cells.file, scheme, cells.look_close, UNLABELLED, cells.unit)
    parts: dict[str, tuple[str, str] | None] = {"": ("", split)}
    for line, values in cells.rows:
        *texts, row_language, row_split = [values[i] for i in index]
        if row_split not in parts:
            parts[row_split] = _split_of(row_split)
        part = parts[row_split]
        if part is None:
            what = f"the split {quoted(row_split)} is unknown"
            cure = f"use one of {', '.join(SPLIT_WORDS)}"
            collector.reject(line, "\t".join(values[:-1]), what, cure)
        else:
            collector.add(line, values[:-1], texts, row_language or part[0] or language, part[1])
    return _with_cell_problems(cells, collector, notes)


def _split_of(text: str) -> tuple[str, str] | None:
    """("de", "validation") of the hub's "validation.de", ("", "test") of "test"; None: unknown."""
    word, _, language = text.strip().casefold().partition(".")
    return (language, SPLIT_WORDS[word]) if word in SPLIT_WORDS else None


def _with_cell_problems(cells: Cells, collector: Collector, notes: tuple[str, ...]) -> Reading:
    collector.rows += len(cells.problems)
    collector.problems = sorted([*cells.problems, *collector.problems], key=lambda p: p.line)
    return collector.reading((*cells.notes, *notes))
