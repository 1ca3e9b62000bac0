"""Read Parquet tables: the columns from the schema, the values of requested columns only."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdcore.data.files.cells import Cells, TableFile, expanded
from kdcore.data.files.content import suspicious
from kdcore.data.files.problems import unreadable
from kdcore.data.pairs import TRUTH_PREFIX
from kdcore.errors import DataError

ENDINGS = (".parquet",)
_TRUTH = re.compile(rf"{TRUTH_PREFIX}\d+")
_READ_ERRORS = (
    pa.ArrowException, OSError, ValueError, TypeError, OverflowError, MemoryError, KeyError,
)  # fmt: skip
_BATCH = 65_536  # rows
Slot = tuple[int, str | None]  # a column's place in the file; the name of one entry of its lists


def open_parquet(path: Path | bytes, file: str, lists: bool = False) -> TableFile:
    """Open a Parquet file: its columns except the truth; only the schema is read yet.

    lists: a column of lists is read as numbered columns.
    """
    try:
        source = pq.ParquetFile(io.BytesIO(path) if isinstance(path, bytes) else path)
        schema = source.schema_arrow
        names = [str(name) for name in schema.names]
        truth = [name for name in names if _TRUTH.fullmatch(name)]
        plain = [place for place, name in enumerate(names) if not _TRUTH.fullmatch(name)]
        slots = [
            slot for place in plain for slot in _slots(source, schema.field(place), place, lists)
        ]
    except _READ_ERRORS as cause:
        raise _damaged(file, cause) from cause
    columns = tuple(names[place] if entry is None else entry for place, entry in slots)

    def read(cells: Cells, places: tuple[int, ...], limit: int | None) -> None:
        requested = [slots[place] for place in places]
        _guarded(file, lambda: _read(source, names, cells, requested, limit))

    def read_truth() -> pd.DataFrame:
        table = _guarded(file, lambda: source.read(truth).to_pandas().astype("float64"))
        return pd.DataFrame(table)

    return TableFile(
        file,
        "Parquet",
        columns,
        read,
        "row",
        truth=read_truth if truth else pd.DataFrame,
        metadata=schema.metadata or {},
    )


def _slots(source: pq.ParquetFile, field: Any, place: int, lists: bool) -> list[Slot]:
    """Return (place, None) of a column, or (place, name) for each column that its lists become."""
    if not lists or not (pa.types.is_list(field.type) or pa.types.is_large_list(field.type)):
        return [(place, None)]
    names: dict[str, None] = {}
    for batch in source.iter_batches(_BATCH, columns=[field.name]):
        for value in batch.column(0).to_pylist():
            names |= dict.fromkeys(expanded(field.name, value or []))
    return [(place, name) for name in names]


def _read(
    source: pq.ParquetFile, names: list[str], cells: Cells, slots: list[Slot], limit: int | None
) -> None:
    requested = list(dict.fromkeys(names[place] for place, _ in slots))
    row = 0
    for batch in source.iter_batches(limit or _BATCH, columns=requested):
        values_of = {name: _values(batch.column(name)) for name in requested}
        columns = [_entries(values_of[names[place]], names[place], key) for place, key in slots]
        cells.suspicious |= suspicious(
            "".join(v for v in values if isinstance(v, str)) for values in columns
        )
        for values in zip(*columns, strict=True):
            row += 1
            cells.take(row, values)
            if limit is not None and row >= limit:
                return


def _entries(values: list[Any], name: str, key: str | None) -> list[Any]:
    """Return the values, or one entry of each list; None where a list has no such entry."""
    if key is None:
        return values
    return [expanded(name, value or []).get(key) for value in values]


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:  # Arrow does not check what a file says is UTF-8
        raw = column.cast(pa.large_binary()).to_pylist()
        return [v if v is None else v.decode("utf-8", "surrogateescape") for v in raw]


def _guarded(file: str, act: Callable[[], Any]) -> Any:
    try:
        return act()
    except _READ_ERRORS as cause:
        raise _damaged(file, cause) from cause


def _damaged(file: str, cause: BaseException) -> DataError:
    if isinstance(cause, (MemoryError, pa.ArrowMemoryError)):
        what, cure = "the memory is too small for it", "write fewer columns or rows"
    else:
        what = f"it is not a Parquet file, or a damaged one ({str(cause)[:80]!r})"
        cure = "write it again, or export it as CSV"
    return unreadable(file, what, cure)
