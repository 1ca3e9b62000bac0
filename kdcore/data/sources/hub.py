"""Read XGLUE's QADSM and WPR from the copies on the hub that still load, tried in order.

microsoft/xglue itself is a loading script whose download answers 409, so: (1) Parquet files of
hgissbkh/xglue, (2) its converted branch, (3) the official archive kept in an unmerged pull
request. Only this module asks the hub for data, and only when a person names hub:qadsm or hub:wpr.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from kdcore.data.files.opening import open_table
from kdcore.data.files.problems import Problem, refusal
from kdcore.data.sources.rows import Reading, join
from kdcore.data.sources.table import TableReading, assemble
from kdcore.data.sources.xglue import Task, read_archive
from kdcore.errors import DataError
from kdcore.hub import hub_answers

PARQUET_COPY = "hgissbkh/xglue"
CONVERTED = "refs/convert/parquet"
ARCHIVE = "xglue_full_dataset.tar.gz"
ARCHIVES = (("microsoft/xglue", "refs/pr/7"), ("forresty/xglue", "main"))
_SPLIT = re.compile(r"(train|validation|test)(?:\.([a-z]{2}))?(?=[-./]|$)")


class Hub(Protocol):
    """What this module needs of a hub of data sets."""

    def files(self, repository: str, revision: str) -> list[str]:
        """List the paths of a repository's files."""

    def fetch(self, repository: str, revision: str, path: str) -> Path:
        """Return a local copy of one file."""


class HuggingFaceHub:
    """The Hugging Face hub; its client caches downloads and is imported on first use.

    ConnectionError at birth when it does not answer in a few seconds: its client would try for a
    minute at every place.
    """

    def __init__(self) -> None:
        if not hub_answers():
            raise ConnectionError("the hub does not respond")

    def files(self, repository: str, revision: str) -> list[str]:
        """List the paths of a data set's files."""
        from huggingface_hub import HfApi

        return list(HfApi().list_repo_files(repository, revision=revision, repo_type="dataset"))

    def fetch(self, repository: str, revision: str, path: str) -> Path:
        """Return the local copy of one file, downloaded when there is none yet."""
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(repository, path, revision=revision, repo_type="dataset"))


def read_hub(task: Task, hub: Hub | None = None) -> tuple[Reading, str]:
    """Return (rows, the place they came from); DataError says why each place failed."""
    failures = []
    try:
        hub = hub or HuggingFaceHub()
    except ConnectionError as cause:
        raise _unreachable(task, [Problem(PARQUET_COPY, 0, str(cause), "check the network")]) from (
            cause
        )
    for place, read in _ways(task, hub).items():
        try:
            return read(), place
        # whatever a client, a proxy or a changed repository raises, the next place may work
        except Exception as cause:
            reason = " ".join(str(cause).split())[:160] or type(cause).__name__
            cure = "see the last line"
            failures.append(Problem(place, 0, f"failed ({reason})", cure))
    raise _unreachable(task, failures)


def _unreachable(task: Task, failures: list[Problem]) -> DataError:
    cure = (
        f"download XGLUE from its web page and name the archive or its {task.folder} folder, or "
        "use the bundled data with the name 'world'"
    )
    last = Problem("without a hub", 0, "the same data can be read from disk", cure)
    return refusal(f"hub:{task.name} could not be reached:", [*failures, last])


def _ways(task: Task, hub: Hub) -> dict[str, Callable[[], Reading]]:
    """Return how each place is read, by the name that it has in the source of the data."""

    def archive(repository: str, revision: str) -> Reading:
        return read_archive(hub.fetch(repository, revision, ARCHIVE), task)

    return {
        PARQUET_COPY: partial(_read_parquets, task, hub, "main"),
        f"{PARQUET_COPY}@{CONVERTED}": partial(_read_parquets, task, hub, CONVERTED),
        **{f"{name}@{revision}": partial(archive, name, revision) for name, revision in ARCHIVES},
    }


def _read_parquets(task: Task, hub: Hub, revision: str) -> Reading:
    prefix = f"{task.name}/"
    paths = sorted(
        path
        for path in hub.files(PARQUET_COPY, revision)
        if path.startswith(prefix) and path.endswith(".parquet")
    )
    readings = []
    for path in paths:
        match = _SPLIT.match(path.removeprefix(prefix))
        if match:  # train-00000-of-00001.parquet, validation.en/0000.parquet
            table = open_table(hub.fetch(PARQUET_COPY, revision, path))
            how, language = TableReading(scheme=task.scheme), match[2] or "en"
            readings.append(assemble(table, how, language=language, split=match[1]))
    if not readings:
        raise DataError(f"{PARQUET_COPY} at {revision} has no Parquet file below {prefix}")
    return join(readings)
