"""Sources: what a path or a hub name points at, told by its looks, and read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kdcore.datasets import qadsm, wpr
from kdcore.datasets.hub import read_hub
from kdcore.datasets.rows import Problem, Reading, read_bytes, refusal, shown_name
from kdcore.datasets.table import ColumnMapping, read_table
from kdcore.datasets.xglue import Task, find_folder, is_xglue_name, parse_named, read_archive
from kdcore.datasets.xglue import read_folder as read_xglue_folder
from kdcore.errors import DataError, lookup
from kdcore.labels import LabelScheme

TaskName = Literal["qadsm", "wpr"]
TASKS: Mapping[str, Task] = {"qadsm": qadsm.QADSM, "wpr": wpr.WPR}
_SOURCES = {"qadsm": qadsm.SOURCE, "wpr": wpr.SOURCE}
ARCHIVE_SUFFIXES = (".tar", ".gz", ".tgz")
HUB_PREFIX = "hub:"


@dataclass(frozen=True)
class Source:
    """What was read, and the sentence that says where it came from."""

    reading: Reading
    sentence: str


def read_path(
    path: Path,
    *,
    task: TaskName | None = None,
    mapping: ColumnMapping | None = None,
    scheme: LabelScheme | None = None,
) -> Source:
    """A folder or archive of XGLUE, one XGLUE file, or a table file.

    task: which of XGLUE's tasks to read; None takes QADSM, or WPR where there is no QADSM.
    """
    name = shown_name(path)
    if not path.exists():
        what, cure = "there is no such file or folder", "check the path"
        raise refusal(f"{name} cannot be read:", [Problem(name, 0, what, cure)])
    if path.is_dir():
        chosen = _task_in_folder(path, task)
        return _xglue(read_xglue_folder(path, chosen), chosen, name)
    match = is_xglue_name(path.name)
    if match and match["task"] in TASKS and not mapping:
        chosen = TASKS[match["task"]]
        return _xglue(parse_named(read_bytes(path), path.name, chosen), chosen, name)
    if path.suffix.lower() in ARCHIVE_SUFFIXES:
        return _from_archive(path, task)
    return Source(read_table(path, mapping, scheme), f"the table {name}")


def _task_in_folder(path: Path, task: TaskName | None) -> Task:
    if task:
        return lookup(TASKS, task, "task of XGLUE")
    return next((t for t in TASKS.values() if find_folder(path, t)), qadsm.QADSM)


def _from_archive(path: Path, task: TaskName | None) -> Source:
    name = shown_name(path)
    if task:
        chosen = lookup(TASKS, task, "task of XGLUE")
        return _xglue(read_archive(path, chosen), chosen, name)
    try:
        return _xglue(read_archive(path, qadsm.QADSM), qadsm.QADSM, name)
    except DataError as no_qadsm:
        try:
            return _xglue(read_archive(path, wpr.WPR), wpr.WPR, name)
        except DataError:
            raise no_qadsm from None


def _xglue(reading: Reading, task: Task, name: str) -> Source:
    return Source(reading, f"{_SOURCES[task.name]}; read from {name}")


def read_hub_source(name: str) -> Source:
    """hub:qadsm or hub:wpr, from the first place of the hub that answers."""
    task = lookup(TASKS, name.removeprefix(HUB_PREFIX), "data set of the hub")
    reading, place = read_hub(task)
    return Source(reading, f"{_SOURCES[task.name]}; hub copy {place}")
