"""Packed files: the bytes of a file on disk, or of the one inside .gz, .bz2, .xz and .zip."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from kdcore.data.files.problems import Problem, refusal
from kdcore.data.sources.rows import MOST_BYTES, check_regular, shown_name, too_large
from kdcore.errors import DataError

_TAR_MARK = slice(257, 262), b"ustar"
_BLOCK = 1 << 20


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
PACKED = (*_OPENERS, ".zip")
_TROUBLES = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


@dataclass(frozen=True)
class Content:
    """A file's bytes and its name without the ending of its packing."""

    name: str
    data: bytes


def unpacked_name(name: str) -> str:
    """A file's name without .gz and the like; a .zip keeps its own, its member has another."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _OPENERS else name


def content_of(path: Path, file: str, endings: Collection[str]) -> Content:
    """The bytes of a file, unpacked. DataError when it is damaged or larger than MOST_BYTES.

    endings: of the files that are looked for inside a .zip.
    """
    check_regular(path, file)
    packing = path.suffix.lower()
    try:
        if packing == ".zip":
            return _member(path, file, endings)
        with _OPENERS.get(packing, _plain)(path) as stream:
            return Content(unpacked_name(path.name), _bounded(stream, file))
    except DataError:
        raise
    except _TROUBLES as cause:
        if packing not in PACKED:
            reason = getattr(cause, "strerror", None) or str(cause)
            raise _refused(file, reason, "name a file that you may read") from cause
        raise _damaged(file, cause) from cause


def looks_like_tar(path: Path) -> bool:
    """Whether what is in a .gz file is a tar; what cannot be unpacked at all is not."""
    place, mark = _TAR_MARK
    try:
        with gzip.open(path) as stream:
            return stream.read(512)[place] == mark
    except _TROUBLES:
        return False


def _bounded(stream: IO[bytes], file: str) -> bytes:
    blocks, size = [], 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > MOST_BYTES:
            raise too_large(file)
        blocks.append(block)
    return b"".join(blocks)


def _member(path: Path, file: str, endings: Collection[str]) -> Content:
    """The only table in a .zip; what an archiver adds of its own is not counted."""
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
                raise _refused(file, what, "put one table into it, or unpack it and name one file")
            inner = PurePosixPath(tables[0])
            with archive.open(tables[0]) as stream:
                opener = _OPENERS.get(inner.suffix.lower())
                data = _bounded(opener(stream) if opener else stream, file)
            return Content(unpacked_name(inner.name), data)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as cause:
        raise _damaged(file, cause) from cause


def _damaged(file: str, cause: BaseException) -> DataError:
    what = f"it is cut short, damaged or locked ({str(cause)[:80]})"
    return _refused(file, what, "pack or download it again, or name the unpacked file")


def _refused(file: str, what: str, cure: str) -> DataError:
    return refusal(f"{file} cannot be read:", [Problem(file, 0, what, cure)])
