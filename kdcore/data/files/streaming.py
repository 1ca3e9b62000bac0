"""Read a text file line by line, unpacked on the way, so that large collections fit in memory."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from kdcore.data.files.content import OPENERS, READ_ERRORS, check_regular, damaged
from kdcore.data.files.problems import shown_name, unreadable

MOST_BYTES = 32 << 30  # of an unpacked file
_LONGEST_LINE = 16 << 20  # bytes


@dataclass(frozen=True)
class TextFile:
    """A text file on disk, or a member of a .zip; both may be packed as .gz, .bz2 or .xz.

    name: what it is called in errors and notes.
    """

    path: Path
    name: str
    member: str = ""

    @classmethod
    def at(cls, path: Path) -> "TextFile":
        """A file on disk under its own name."""
        return cls(path, shown_name(path))

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (number, text) of each line that is not blank, without its line end.

        A byte that is not UTF-8 becomes a lone surrogate. DataError when the file is damaged, or
        when it or one of its lines is too large.
        """
        check_regular(self.path, self.name)
        size = 0
        try:
            with ExitStack() as stack:
                stream = io.BufferedReader(self._opened(stack))  # type: ignore[type-var]
                number = 0
                while raw := stream.readline(_LONGEST_LINE):
                    number, size = number + 1, size + len(raw)
                    if len(raw) == _LONGEST_LINE or size > MOST_BYTES:
                        raise self._too_large(number)
                    text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                    line = text.decode("utf-8", "surrogateescape").rstrip("\r\n")
                    if line.strip():
                        yield number, line
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, *READ_ERRORS) as cause:
            raise damaged(self.name, cause) from cause

    def _opened(self, stack: ExitStack) -> IO[bytes]:
        inner = PurePosixPath(self.member or self.path.name)
        stream: IO[bytes] = stack.enter_context(self.path.open("rb"))
        if self.member:
            archive = stack.enter_context(zipfile.ZipFile(stream))
            stream = stack.enter_context(archive.open(self.member))
        opener = OPENERS.get(inner.suffix.lower())
        return stack.enter_context(opener(stream)) if opener else stream

    def _too_large(self, line: int) -> Exception:
        what = (
            f"this line is larger than {_LONGEST_LINE >> 20} MiB, or the file up to it is larger "
        )
        what += f"than {MOST_BYTES >> 30} GiB"
        return unreadable(self.name, what, "end each record with a line end", line=line)
