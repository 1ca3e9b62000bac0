"""Read JSON tables: a list of records, columns of equal length, or one record per line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kdcore.data.files.cells import Cells, TableFile, expanded
from kdcore.data.files.content import decode, lines_of, suspicious
from kdcore.data.files.problems import refusal, unreadable

ENDINGS = (".jsonl", ".ndjson", ".json")
_PARSE_ERRORS = (ValueError, RecursionError)


def open_json(data: bytes, file: str, ending: str, lists: bool = False) -> TableFile:
    """Open records as a table: their keys are the columns, a key that a record lacks is blank.

    A .json file holds a list of records, such a list under the only key that has one, or lists of
    values under column names; else it is read line by line, as the other endings are.
    """
    text, notes = decode(data, file)
    whole = _whole(text, file) if ending == ".json" else None
    unit = "line" if whole is None else "record"
    problems = Cells(file, unit=unit)
    records = list(_lines(text, problems) if whole is None else _objects(whole, problems))
    if problems.problems and not records:
        raise refusal(f"{file} cannot be read:", problems.problems)
    if lists:
        records = [(line, _with_lists(record)) for line, record in records]
    columns = tuple(dict.fromkeys(str(key) for _, record in records for key in record))

    def read(cells: Cells, places: tuple[int, ...], limit: int | None) -> None:
        cells.problems += problems.problems
        cells.notes = notes
        cells.suspicious = suspicious([text]) or "\\u" in text  # JSON can spell half a character
        for line, record in records[:limit]:
            cells.take(line, [record.get(name) for name in cells.header])

    kind = "JSON lines" if whole is None else "JSON"
    return TableFile(file, kind, columns, read, unit)


def _with_lists(record: Mapping[str, Any]) -> dict[str, Any]:
    parts = (expanded(str(name), value) for name, value in record.items())
    return {name: value for part in parts for name, value in part.items()}


def _lines(text: str, cells: Cells) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except _PARSE_ERRORS:
            cells.reject(number, line, "the line is not JSON", "write one object per line")
            continue
        if isinstance(record, dict):
            yield number, record
        else:
            cells.reject(number, line, "the line is not an object", 'write {"query": ...}')


def _whole(text: str, file: str) -> list[Any] | None:
    """Return the records of a JSON document; None where the text is one record per line."""
    try:
        value = json.loads(text)
    except _PARSE_ERRORS as cause:
        first = text.lstrip()[:1]
        if first == "[" or isinstance(cause, RecursionError):
            what = f"it is not JSON, or it is cut short ({str(cause)[:80]})"
            cure = 'write a list of records: [{"query": ..., "title": ...}, ...]'
            raise unreadable(file, what, cure) from cause
        return None
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    columns = [v for v in value.values() if isinstance(v, list)]
    if len(columns) == 1 and all(isinstance(v, dict) for v in columns[0]):
        return columns[0]
    if len(columns) == len(value) > 1 and len({len(v) for v in columns}) == 1:
        return [dict(zip(value, values, strict=True)) for values in zip(*columns, strict=True)]
    return None


def _objects(values: list[Any], cells: Cells) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, value in enumerate(values, 1):
        if isinstance(value, dict):
            yield number, value
        else:
            raw = json.dumps(value)[:200]
            cells.reject(number, raw, "the record is not an object", 'write {"query": ...}')
