"""Read table files with one row per pair, their columns mapped to a PairTable's.

A row whose grade is blank is unlabelled (-1). CSV cells that `kdlab data export` guarded against
spreadsheets lose their apostrophe again. Only mapped columns are read, an id of the pair, by which
a file of predictions may name it, and columns task_<name>: labels of other tasks than relevance,
which `kdlab multitask` learns.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np

from kdcore.data.files.cells import NAMES, Cells, TableFile, TableOptions
from kdcore.data.files.label_texts import is_fraction, label_lookup
from kdcore.data.files.opening import open_table
from kdcore.data.files.problems import quoted
from kdcore.data.pairs import PAIR_ID, UNLABELLED
from kdcore.data.sources.columns import (
    ColumnMapping,
    columns_read,
    id_place,
    places_of,
    task_places,
)
from kdcore.data.sources.grades import infer_scheme
from kdcore.data.sources.rows import Collector, Reading, names_each_pair
from kdcore.data.sources.truth import truth_faults
from kdcore.errors import LabError
from kdcore.labels import LabelScheme

SPLIT_WORDS = {
    "train": "train", "training": "train", "dev": "validation", "valid": "validation",
    "val": "validation", "validation": "validation", "test": "test", "log": "log",
}  # fmt: skip
SCHEME_KEY = b"kdlab_scheme"  # in the schema of a Parquet file that the lab exported
_SHOWN_LABELS = 12


@dataclass(frozen=True)
class TableReading:
    """How a person wants a table to be read; whatever is left out is detected.

    mapping: our column -> the file's by name or number, None for "there is none". scheme: its
    grades. options: how the file is written. round_grades: a label between two grades becomes the
    nearest one, the better one in the middle. gains: what each grade is worth in nDCG, worst first;
    () for the usual gains alone.
    """

    mapping: ColumnMapping | None = None
    scheme: LabelScheme | None = None
    options: TableOptions | None = None
    round_grades: bool = False
    gains: tuple[float, ...] = ()


def read_table(path: Path, how: TableReading | None = None, file: str = "") -> Reading:
    """Read the rows of one table file (see data/files/opening.py for the kinds).

    file: what it is called in errors and notes. Problems of rows are in the reading; a file that
    cannot be read at all is a DataError, GradesUnclearError where its labels leave the scale open.
    """
    how = how or TableReading()
    table = open_table(path, how.options, file=file)
    by_name = any(column and not column.isdigit() for column in (how.mapping or {}).values())
    if table.headless and by_name:  # so it has a header, whatever its first line looks like
        table = open_table(path, replace(how.options or TableOptions(), header=True), file=file)
    return assemble(table, how)


def assemble(
    table: TableFile, how: TableReading, *, language: str = "en", split: str = "train"
) -> Reading:
    """Read the rows of an open table; language and split are used where no column gives them."""
    places = places_of(table, how.mapping)
    tasks = task_places(table)
    used = {ours: at for ours, at in places.items() if at >= 0} | tasks
    if (id_at := id_place(table, used.values())) >= 0:
        used[PAIR_ID] = id_at
    cells = table.read(tuple(used.values()))
    index = [list(used).index(ours) if ours in used else len(used) for ours in NAMES]
    for _, values in cells.rows:
        values.append("")  # the cell of a column that the file lacks
    grade = index[list(NAMES).index("grade")]
    notes = _round_grades(cells, grade) if how.round_grades else ()
    scheme = how.scheme or _stored_scheme(table)
    if scheme is None:
        scheme, assumed = infer_scheme((values[grade] for _, values in cells.rows), table.file)
        notes = (*notes, *assumed)
    truth = table.truth()
    faults = truth_faults(truth, scheme, table.file)
    collector = Collector(table.file, scheme, cells.suspicious, UNLABELLED, cells.unit)
    good = _collect(cells, collector, index, (language, split), faults)
    collector.rows += len(cells.problems)
    collector.problems = sorted([*cells.problems, *collector.problems], key=lambda p: p.line)
    by_line = dict(cells.rows)
    extra = [name for name in used if name in tasks or name == PAIR_ID]
    columns = {name: [by_line[line][list(used).index(name)] for line in good] for name in extra}
    if id_at >= 0 and not names_each_pair(columns[PAIR_ID]):
        del columns[PAIR_ID]
        why = "is empty or repeats a value, so it does not name the pairs"
        notes, id_at = (*notes, f"the column {quoted(table.columns[id_at])} {why}"), -1
    reading = collector.reading((*cells.notes, *notes))
    read = columns_read(table, places, *_labels(cells, grade, scheme), id_at)
    reading = replace(reading, columns=read, hints=cells.hints)
    frame = reading.frame.assign(**columns)
    if len(truth.columns):
        rows = np.array(good, dtype=np.int64) - 1
        frame = frame.join(truth.iloc[rows].reset_index(drop=True))
    return replace(reading, frame=frame)


def _stored_scheme(table: TableFile) -> LabelScheme | None:
    """Read the scheme that the lab wrote into its own Parquet file; None without a valid one."""
    try:
        return LabelScheme.from_dict(json.loads(table.metadata[SCHEME_KEY]))
    except (KeyError, ValueError, TypeError, LabError):
        return None


def _round_grades(cells: Cells, grade: int) -> tuple[str, ...]:
    count = 0
    for _, values in cells.rows:
        if is_fraction(values[grade]):
            values[grade] = str(math.floor(float(values[grade]) + 0.5))
            count += 1
    labels = "label was" if count == 1 else "labels were"
    return (f"{count:,} {labels} rounded to the nearest whole grade",) if count else ()


def _collect(
    cells: Cells,
    collector: Collector,
    index: Sequence[int],
    fallback: tuple[str, str],
    faults: Mapping[int, tuple[str, str]],
) -> list[int]:
    """Give every row to the collector, and return the lines of the good ones.

    index: where each of our columns stands in a row. faults: line -> (what, cure) of a row that is
    bad for another reason than its texts.
    """
    language, split = fallback
    good = []
    parts: dict[str, tuple[str, str] | None] = {"": ("", split)}
    for line, values in cells.rows:
        *texts, row_language, row_split = [values[i] for i in index]
        raw = partial(_raw, cells, line, values)
        if row_split not in parts:
            parts[row_split] = _split_of(row_split)
        part = parts[row_split]
        if part is None:
            what = f"the split {quoted(row_split)} is unknown"
            collector.reject(line, raw(), what, f"use one of {', '.join(SPLIT_WORDS)}")
        elif line in faults:
            collector.reject(line, raw(), *faults[line])
        elif collector.add(line, raw, texts, row_language or part[0] or language, part[1]):
            good.append(line)
    return good


def _raw(cells: Cells, line: int, values: Sequence[str]) -> str:
    """Return the row as its file has it."""
    return cells.raw(line) or "\t".join(values[:-1])


def _labels(cells: Cells, grade: int, scheme: LabelScheme) -> tuple[dict[str, str], dict[str, int]]:
    """Return (label -> the grade as which it is read, label -> its rows), of the most frequent."""
    lookup = label_lookup(scheme)
    rows = dict(Counter(values[grade] for _, values in cells.rows).most_common(_SHOWN_LABELS))
    read = {text: lookup.get(text, lookup.get(text.strip().casefold(), -1)) for text in rows}
    ordered = sorted(read.items(), key=itemgetter(1))
    return {text: scheme.grades[k] for text, k in ordered if k >= 0}, rows


def _split_of(text: str) -> tuple[str, str] | None:
    """Split the hub's "validation.de" into ("de", "validation"); None for an unknown split."""
    word, _, language = text.strip().casefold().partition(".")
    return (language, SPLIT_WORDS[word]) if word in SPLIT_WORDS else None
