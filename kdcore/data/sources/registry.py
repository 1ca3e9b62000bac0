"""Detect what a path or a hub name points at, and read it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kdcore.data.files.content import check_regular, looks_like_tar, read_bytes
from kdcore.data.files.opening import is_table_name
from kdcore.data.files.problems import shown_name, unreadable
from kdcore.data.sources.hub import read_hub
from kdcore.data.sources.qadsm import QADSM
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading, read_table
from kdcore.data.sources.wpr import WPR
from kdcore.data.sources.xglue import Task, find_folder, is_xglue_name, parse_named, read_archive
from kdcore.data.sources.xglue import read_folder as read_xglue_folder
from kdcore.data.trec.places import TrecFiles, trec_files
from kdcore.data.trec.reading import read_trec
from kdcore.errors import DataError, lookup

TASKS: Mapping[str, Task] = {task.name: task for task in (QADSM, WPR)}  # tried in this order
ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")
HUB_PREFIX = "hub:"


def read_path(
    path: Path, *, task: str | None = None, how: TableReading | None = None, file: str = ""
) -> Reading:
    """Read a folder or archive of XGLUE, one XGLUE file, a folder or .zip of TREC, or a table file.

    task: which of XGLUE's tasks to read; None takes the first of TASKS that is there. how: how a
    table is read. file: what the path is called in errors and notes, by default its own name.
    """
    return _with_gains(_read_path(path, task, how, file or shown_name(path)), how)


def read_files(files: TrecFiles, how: TableReading | None = None) -> Reading:
    """Read qrels, queries and documents that were named one by one."""
    return _with_gains(read_trec(files, how.scheme if how else None), how)


def _with_gains(reading: Reading, how: TableReading | None) -> Reading:
    if how is None or not how.gains:
        return reading
    return replace(reading, scheme=replace(reading.scheme, own_gains=how.gains))


def _read_path(path: Path, task: str | None, how: TableReading | None, name: str) -> Reading:
    if not path.exists():
        raise unreadable(name, "there is no such file or folder", "check the path")
    if files := trec_files(path):
        reading = read_trec(files, how.scheme if how else None)
        return replace(reading, source=f"{reading.source} in {name}")
    if path.is_dir():
        first = next((t for t in TASKS.values() if find_folder(path, t)), QADSM)
        chosen = lookup(TASKS, task, "task of XGLUE") if task else first
        return _xglue(read_xglue_folder(path, chosen), chosen, name)
    check_regular(path, name)
    match = is_xglue_name(path.name)
    if match and match["task"] in TASKS and (how is None or not how.mapping):
        chosen = TASKS[match["task"]]
        return _xglue(parse_named(read_bytes(path), path.name, chosen), chosen, name)
    if is_archive(path):
        return _from_archive(path, task)
    return replace(read_table(path, how, name), source=f"the table {name}")


def is_archive(path: Path) -> bool:
    """Return whether a file is a tar: by its name, or a .gz (not of a table) that packs a tar."""
    plain = path.name.lower()
    if plain.endswith(ARCHIVE_SUFFIXES):
        return True
    return plain.endswith(".gz") and not is_table_name(plain) and looks_like_tar(path)


def _from_archive(path: Path, task: str | None) -> Reading:
    """Read the first task that is there; where none is, the error of the first says most."""
    tasks = [lookup(TASKS, task, "task of XGLUE")] if task else list(TASKS.values())
    refusals: list[DataError] = []
    for chosen in tasks:
        try:
            return _xglue(read_archive(path, chosen), chosen, shown_name(path))
        except DataError as error:
            refusals.append(error)
    raise refusals[0]


def _xglue(reading: Reading, task: Task, name: str) -> Reading:
    return replace(reading, non_commercial=True, source=f"{task.source}; read from {name}")


def read_hub_source(name: str) -> Reading:
    """Read hub:qadsm or hub:wpr from the first place of the hub that answers."""
    task = lookup(TASKS, name.removeprefix(HUB_PREFIX), "data set of the hub")
    reading, place = read_hub(task)
    return replace(reading, non_commercial=True, source=f"{task.source}; hub copy {place}")
