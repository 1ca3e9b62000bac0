"""QADSM: is this ad relevant to this query? Good or Bad (XGLUE, arXiv:2004.01401)."""

from pathlib import Path

from kdcore.data.sources.rows import Reading
from kdcore.data.sources.xglue import Task, read_archive, read_folder
from kdcore.labels import BINARY

QADSM = Task("qadsm", BINARY, ("en", "de", "fr"))


def read_qadsm(path: Path) -> Reading:
    """The QADSM rows of a folder or of XGLUE's archive; problems are told, not raised."""
    return read_folder(path, QADSM) if path.is_dir() else read_archive(path, QADSM)
