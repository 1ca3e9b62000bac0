"""Read a file's bytes, packed (.gz, .bz2, .xz, .zip) or not, and decode them as text.

A file that is no regular file, is damaged or is too large raises DataError.
"""

import bz2
import codecs
import gzip
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kdcore.data.files.problems import shown_name, unreadable
from kdcore.errors import DataError

MOST_BYTES = 2 << 30  # of a file of text, packed or not; Parquet is read by column instead
_TAR_MARK = slice(257, 262), b"ustar"
_BLOCK = 1 << 20
_SURROGATE = re.compile("[\ud800-\udfff]")
OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
PACKED = (*OPENERS, ".zip")
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


@dataclass(frozen=True)
class Content:
    """A file's bytes and its name without the ending of its packing."""

    name: str
    data: bytes


def unpacked_name(name: str) -> str:
    """Return a file's name without .gz and the like; a .zip keeps its own."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in OPENERS else name


def content_of(path: Path, file: str, endings: Collection[str]) -> Content:
    """Read a file and unpack it. DataError when it is damaged or larger than MOST_BYTES.

    endings: of the files that are searched for inside a .zip.
    """
    check_regular(path, file)
    packing = path.suffix.lower()
    try:
        if packing == ".zip":
            return _member(path, file, endings)
        with OPENERS.get(packing, open)(path, "rb") as stream:
            return Content(unpacked_name(path.name), _bounded(stream, file))
    except DataError:
        raise
    except READ_ERRORS as cause:
        if packing not in PACKED:
            reason = getattr(cause, "strerror", None) or str(cause)
            raise unreadable(file, reason, "name a file that you may read") from cause
        raise damaged(file, cause) from cause


def looks_like_tar(path: Path) -> bool:
    """Return whether a .gz file packs a tar; a file that cannot be unpacked does not."""
    place, mark = _TAR_MARK
    try:
        with gzip.open(path) as stream:
            return stream.read(512)[place] == mark
    except READ_ERRORS:
        return False


def check_regular(path: Path, file: str = "") -> None:
    """Raise DataError unless this is a file on disk: a pipe or a device never ends."""
    file = file or shown_name(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as cause:
        reason = getattr(cause, "strerror", None) or str(cause)
        raise unreadable(file, reason, "name a file that exists and that you may read") from cause
    if not stat.S_ISREG(mode):
        what = "it is a folder" if stat.S_ISDIR(mode) else "it is a pipe or a device"
        raise unreadable(file, what, "name a file on disk")


def read_bytes(path: Path) -> bytes:
    """Read a file on disk; DataError when it is no file, is locked or is gone."""
    check_regular(path)
    file = shown_name(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _too_large(file)
        return path.read_bytes()
    except OSError as cause:
        reason = cause.strerror or str(cause)
        raise unreadable(file, reason, "name a file that you may read") from cause


def decode(data: bytes, file: str) -> tuple[str, tuple[str, ...]]:
    """Decode UTF-8 and return (text, notes).

    A byte that is not UTF-8 becomes a lone surrogate, so that its row can be named.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unreadable(file, "the text is UTF-16", "save it as UTF-8 and try again", line=1)
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        return text[1:], (f"a byte order mark at the start of {file} was taken off",)
    return text, ()


def lines_of(text: str) -> list[str]:
    """Split a text at \\n or \\r\\n; other characters that look like line ends stay text."""
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def has_surrogate(text: str) -> bool:
    """Return whether a text holds a byte that is not UTF-8 (see `decode`)."""
    return _SURROGATE.search(text) is not None


def suspicious(texts: Iterable[str]) -> bool:
    """Return whether any text holds a NUL or broken UTF-8, so that every row must be checked."""
    return any("\0" in text or has_surrogate(text) for text in texts)


def _bounded(stream: IO[bytes], file: str) -> bytes:
    """Read a stream to its end; DataError as soon as it exceeds MOST_BYTES."""
    blocks, size = [], 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MOST_BYTES:
            raise _too_large(file)
        blocks.append(block)
    return b"".join(blocks)


def _member(path: Path, file: str, endings: Collection[str]) -> Content:
    """Read the only table in a .zip; what an archiver adds of its own is not counted."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [
                info.filename
                for info in archive.infolist()
                if not info.is_dir() and not info.filename.startswith("__MACOSX/")
            ]
            tables = [n for n in names if unpacked_name(n).lower().endswith(tuple(endings))]
            if len(tables) != 1:
                some = ", ".join(map(shown_name, names[:5])) or "nothing"
                what = f"it holds {len(tables)} tables ({some})"
                raise unreadable(
                    file, what, "put one table into it, or unpack it and name one file"
                )
            inner = PurePosixPath(tables[0])
            with archive.open(tables[0]) as stream:
                opener = OPENERS.get(inner.suffix.lower())
                data = _bounded(opener(stream) if opener else stream, file)
            return Content(unpacked_name(inner.name), data)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as cause:
        raise damaged(file, cause) from cause


def damaged(file: str, cause: BaseException) -> DataError:
    """Make the error of a file that cannot be unpacked."""
    what = f"it is cut short, damaged or locked ({str(cause)[:80]})"
    return unreadable(file, what, "pack or download it again, or name the unpacked file")


def _too_large(file: str) -> DataError:
    what = f"it holds more than {MOST_BYTES >> 30} GiB of text"
    return unreadable(file, what, "split it, or write the columns that are needed as Parquet")
