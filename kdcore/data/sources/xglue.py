"""Read XGLUE's tab-separated files (Liang et al. 2020, arXiv:2004.01401), in a folder or tarball.

No header, UTF-8, no quoting: query, title, description or snippet, label. A file is called
xglue.<task>.<language>.<train|dev|test>.
"""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from kdcore.data.files.content import decode, lines_of, read_bytes, suspicious
from kdcore.data.files.problems import Problem, refusal, shown_name, unreadable
from kdcore.data.sources.rows import Collector, Reading, join
from kdcore.errors import DataError
from kdcore.labels import LabelScheme

SPLIT_NAMES = {"train": "train", "dev": "validation", "test": "test"}
TERMS = "for non-commercial research, not to be redistributed"
_FILE = re.compile(r"xglue\.(?P<task>[a-z]+)\.(?P<language>[a-z]{2})\.(?P<part>train|dev|test)")
_MEMBER_LIMIT = 256 << 20  # bytes; the real members stay below 100 MB
_BLOCK = 512  # bytes; a tar is made of these and ends with empty ones
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Task:
    """A ranking task of XGLUE: its name in file names, its grades and its languages."""

    name: str
    scheme: LabelScheme
    languages: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Its folder in the full release."""
        return self.name.upper()

    @property
    def source(self) -> str:
        """A sentence part on where its rows come from, and on what terms."""
        return f"XGLUE {self.folder} (arXiv:2004.01401), {TERMS}"

    @property
    def files(self) -> frozenset[str]:
        """All files of the full release: training data in English, dev and test everywhere."""
        held_out = {f"xglue.{self.name}.{x}.{p}" for x in self.languages for p in ("dev", "test")}
        return frozenset(held_out | {f"xglue.{self.name}.en.train"})


def is_xglue_name(name: str) -> re.Match[str] | None:
    """Match the parts (task, language, part) of a file name of XGLUE, or return None."""
    return _FILE.fullmatch(name)


def parse_named(data: bytes, name: str, task: Task) -> Reading:
    """Read the rows of a file whose XGLUE name gives language and split.

    Lines are split at tabs, quotes are text; a line of other than four fields is a problem.
    """
    match = is_xglue_name(name)
    language, part = (match["language"], match["part"]) if match else ("en", "train")
    text, notes = decode(data, name)
    rows = Collector(name, task.scheme, suspicious([text]))
    for number, line in enumerate(lines_of(text), 1):
        fields = line.split("\t")
        if len(fields) == 4:
            rows.add(number, partial(str, line), fields, language, SPLIT_NAMES[part])
        else:
            rows.reject(number, line, *_miscounted(fields))
    return rows.reading(notes)


def _miscounted(fields: list[str]) -> tuple[str, str]:
    if not any(field.strip() for field in fields):
        return "the line is blank", "delete it"
    what = f"{len(fields)} field{'s' if len(fields) > 1 else ''} instead of 4"
    if any("\r" in field for field in fields):
        return what, "a lone carriage return ends no line here: save with \\n line ends"
    if len(fields) > 4:
        return what, "a tab inside a text looks like a separator: make it a space"
    return what, "write query, title, description and label with a tab between them"


def find_folder(path: Path, task: Task) -> Path | None:
    """Find the folder of the task's files: itself, QADSM/ or xglue_full_dataset/QADSM/."""
    for folder in (path, path / task.folder, path / "xglue_full_dataset" / task.folder):
        if folder.is_dir() and _files_of(folder, task):
            return folder
    return None


def _files_of(folder: Path, task: Task) -> list[Path]:
    named = [(is_xglue_name(file.name), file) for file in sorted(folder.iterdir())]
    return [file for match, file in named if match and match["task"] == task.name]


def read_folder(path: Path, task: Task) -> Reading:
    """Read every file of the task in a folder; DataError says what the folder holds instead."""
    folder = find_folder(path, task)
    if folder is None:
        names = sorted(file.name for file in path.iterdir()) if path.is_dir() else []
        some = ", ".join(map(shown_name, names[:5])) or "nothing"
        more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
        what = f"no file is called like xglue.{task.name}.en.train; it holds {some}{more}"
        cure = f"name the folder with the {task.folder} files, a single table file, or the tarball"
        where = shown_name(path)
        raise refusal(f"{where} is no {task.folder} folder:", [Problem(where, 0, what, cure)])
    files = _files_of(folder, task)
    return _sorted_join([parse_named(read_bytes(file), file.name, task) for file in files])


def _sorted_join(readings: list[Reading]) -> Reading:
    order = list(SPLIT_NAMES.values())
    first = [r.frame["split"].iloc[0] if len(r.frame) else order[-1] for r in readings]
    by_split = sorted(range(len(readings)), key=lambda i: order.index(first[i]))
    return join([readings[i] for i in by_split])


def read_archive(path: Path, task: Task) -> Reading:
    """Stream the task's members of a .tar or .tar.gz; reading stops when all are found.

    Nothing is unpacked to disk. A truncated or damaged archive is a DataError.
    """
    file = shown_name(path)
    readings: dict[str, Reading] = {}
    try:
        with _opened(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = Path(member.name).name
                match = is_xglue_name(name) if member.isfile() else None
                if match and match["task"] == task.name and name not in readings:
                    readings[name] = parse_named(_content(archive, member), name, task)
                if task.files <= readings.keys():
                    break
            else:
                _read_to_the_end(stream)
    except DataError:
        raise
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as cause:
        what = f"the archive is cut short or damaged ({cause})"
        cure = "download it again, or unpack it and name the folder"
        raise unreadable(file, what, cure) from cause
    if not readings:
        what = f"no member is called like xglue.{task.name}.en.train"
        cure = "use XGLUE's full archive, or unpack it and name the folder"
        raise refusal(f"{file} holds no {task.folder}:", [Problem(file, 0, what, cure)])
    return _sorted_join([readings[name] for name in sorted(readings)])


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open the tar inside. gzip.open, unlike tarfile's own, notices a stream that ends early."""
    with path.open("rb") as raw:
        zipped = raw.read(2) == _GZIP
        raw.seek(0)
        if not zipped:
            yield raw
            return
        with gzip.open(raw) as stream:
            yield stream


def _read_to_the_end(stream: IO[bytes] | gzip.GzipFile) -> None:
    """Raise EOFError or OSError for an archive that ends too early: tarfile stops silently."""
    while stream.read(1 << 20):
        pass  # gzip checks its checksum when the last byte is read
    size = stream.tell()
    if not isinstance(stream, gzip.GzipFile):
        stream.seek(max(size - _BLOCK, 0))
        if size % _BLOCK or any(stream.read(_BLOCK)):
            raise EOFError("the mark at its end is missing")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _MEMBER_LIMIT:
        what = f"{shown_name(member.name)} has {member.size:,} bytes, {_MEMBER_LIMIT:,} at most"
        cure = "this is not XGLUE's own archive: unpack it and look at that file"
        raise refusal("The archive cannot be read:", [Problem(member.name, 0, what, cure)])
    stream = archive.extractfile(member)
    content = stream.read() if stream else b""
    if len(content) != member.size:
        raise EOFError(f"{shown_name(member.name)} ends after {len(content):,} bytes")
    return content
