"""Bring your own: a file or folder is set down, looked at, and imported under a name.

Bytes go to a fresh folder of the workspace's cache, under the file's own name with every character
that a path could mind taken out.
"""

import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.kit import error_box
from app.kit.by_hash import by_hash
from app.kit.texts import shown
from app.services import access
from kdcore.data import library
from kdcore.data.check.report import check
from kdcore.data.files.opening import ENDINGS, is_table_name
from kdcore.data.files.problems import Problem
from kdcore.data.pairs import TEXT_COLUMNS
from kdcore.data.sources.grades import Choice, GradesUnclearError
from kdcore.data.sources.registry import ARCHIVE_SUFFIXES, read_path
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading
from kdcore.data.sources.xglue import is_xglue_name
from kdcore.data.trec.places import set_down
from kdcore.errors import DataError, LabError, for_app

MOST_BYTES = 100 * 2**20
LONG_TEXT = 20_000  # characters; a longer text may be an open quote
STORED_SECONDS = 86_400  # a file that was set down and never imported
_FOLDER = "uploads"
_UNSAFE = re.compile(r"[^\w .()+-]")
_LONGEST_NAME = 120  # characters, at most four bytes each
_FORMULA = re.compile(r"[=+\-@]")


@dataclass(frozen=True)
class Staged:
    """A file or folder that lies ready to be read. title: what its owner calls it, for show."""

    path: Path
    title: str
    size: int
    ours: bool  # a copy in the cache, to be thrown away after the import

    @property
    def mark(self) -> str:
        """A part of the keys of its widgets: another file has fresh ones."""
        return self.path.parent.name[:16] + str(self.size)

    def changed(self) -> int:
        """When it was written last, in nanoseconds; DataError where it is no longer here."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError as cause:
            raise DataError(f"{self.title} is gone; upload it again") from cause


@dataclass(frozen=True)
class Look:
    """What reading a staged file gives. error: why nothing can be imported at all.

    remarks: what was read as what, and what is odd. source: what the file is, in words. labels:
    the texts of the grade column where they leave the scale open; choices: the scales they fit.
    gains: what each grade is worth in nDCG by the data set's own definition. splits: the usable
    rows of each split. relevant_from: the lowest relevant grade.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()
    gains: tuple[float, ...] = ()
    source: str = ""
    error: str = ""
    causes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    splits: Mapping[str, int] = field(default_factory=dict)
    relevant_from: str = ""


def stage(files: Sequence[tuple[str, bytes]]) -> Staged:
    """Set uploaded files down: one table or archive, or several files of XGLUE or of TREC."""
    access.refuse_public()
    size = _checked(sum(len(content) for _, content in files))
    matches = [is_xglue_name(Path(name).name) for name, _ in files]
    trec = set_down([_plain_name(name) for name, _ in files])
    if len(files) > 1 and not all(matches) and trec is None:
        raise DataError(
            f"{len(files)} files are uploaded, and only one table can be read at a time: remove "
            f"{' or '.join(shown(name, 40) for name, _ in files[:4])} with the × beside its name. "
            "Several files are read together when they are named like xglue.qadsm.en.train, or are "
            "qrels, queries and documents (qrels.txt, queries.tsv, corpus.jsonl)"
        )
    _tidy()
    folder = access.home().cache_folder(_FOLDER) / secrets.token_hex(8)
    folder.mkdir(parents=True)
    names = trec or [
        match[0] if match else _safe_name(name)
        for match, (name, _) in zip(matches, files, strict=True)
    ]
    for name, (_, content) in zip(names, files, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    path = folder if len(files) > 1 else folder / names[0]
    title = shown(", ".join(name for name, _ in files))
    return Staged(path, title, size, ours=True)


def point_to(text: str) -> Staged:
    """A file or folder of this machine, read where it lies; only in local mode."""
    access.refuse_public()
    if not text.strip() or "\0" in text:
        raise DataError("give the path of a file or folder on this machine")
    path = Path(text.strip()).expanduser()
    try:
        if path.is_dir():
            return Staged(path, shown(path.name), 0, ours=False)
        if not path.is_file():
            raise DataError(f"{shown(text)} is neither a file nor a folder here; check the path")
        size = path.stat().st_size
    except OSError as cause:
        raise DataError(f"{shown(text)} cannot be read ({cause.strerror})") from cause
    return Staged(path, shown(path.name), _checked(size), ours=False)


def _checked(size: int) -> int:
    """The bytes of a file; DataError for too many or none."""
    if size > MOST_BYTES:
        raise DataError(f"{size / 2**20:.0f} MB are too many; {MOST_BYTES // 2**20} MB at most")
    if not size:
        raise DataError("the file is empty; upload one with a header and a row for each pair")
    return size


def discard(staged: Staged) -> None:
    """Throw the copy of an upload away."""
    if staged.ours:
        folder = staged.path if staged.path.is_dir() else staged.path.parent
        shutil.rmtree(folder, ignore_errors=True)


def look(staged: Staged, how: TableReading) -> Look:
    """Read a staged file; every problem is in the result, nothing is raised."""
    try:
        changed = staged.path.stat().st_mtime_ns
    except OSError:
        return Look(error=f"{staged.title} is no longer here: upload it again")
    return _look(str(staged.path), staged.title, changed, how)


@by_hash(most=6, spinner="Reading every row…")
def _look(path: str, title: str, changed: int, how: TableReading) -> Look:
    try:
        reading = read_path(Path(path), how=how, file=title)
        if not len(reading.frame):
            return Look(
                reading.counts,
                reading.problems,
                source=reading.source,
                error="no row of the file can be used",
            )
        findings = check(reading.table("this file", skip_bad=True)).findings
    except LabError as error:
        headline, causes = error_box.words(error)
        if not isinstance(error, GradesUnclearError):
            return Look(error=headline, causes=causes)
        return Look(error=headline, causes=causes, labels=error.labels, choices=error.choices)
    read = reading.columns.sentences() if reading.columns else ()
    notes = map(for_app, (*reading.notes, *reading.hints, *_odd_texts(reading)))
    return Look(
        reading.counts,
        reading.problems,
        (*read, *notes, *findings),
        reading.scheme.grades,
        reading.scheme.own_gains,
        reading.source,
        splits={str(s): int(n) for s, n in reading.frame["split"].value_counts().items()},
        relevant_from=reading.scheme.grades[reading.scheme.relevant_from],
    )


def _odd_texts(reading: Reading) -> Iterator[str]:
    """Sentences on very long and on empty texts, and on those that a spreadsheet would run."""
    texts = [reading.frame[column].str for column in TEXT_COLUMNS]
    lengths = [int(column.len().max()) for column in texts]
    if (longest := max(lengths)) > LONG_TEXT:
        name = TEXT_COLUMNS[lengths.index(longest)]
        yield f"the longest {name} has {longest:,} characters: is a quote left open?"
    for name, column in zip(TEXT_COLUMNS[1:], texts[1:], strict=True):
        if 0 < (blank := int((column.strip() == "").sum())) < len(reading.frame):
            rows = "row has" if blank == 1 else "rows have"
            yield f"{blank:,} {rows} an empty {name}; models then read the rest of the ad alone"
    if count := sum(int(column.match(_FORMULA).sum()) for column in texts):
        begin = "text begins" if count == 1 else "texts begin"
        yield f"{count:,} {begin} like a formula, which stays text here and in every export"


def take_in(staged: Staged, name: str, how: TableReading, *, skip_bad: bool, replace: bool) -> str:
    """Import a staged file under a name; returns the name. LabError lists every problem.

    replace: it may take the place of a data set of that name.
    """
    access.refuse_public()
    # where the rows came from, with their terms; under the name that their owner knows
    origin = look(staged, how).source.replace(staged.path.name, staged.title)
    if "XGLUE" not in origin:
        origin = f"{origin}, imported on this machine; its terms are its owner's"
    imported = library.import_data(
        staged.path,
        name.strip(),
        how=how,
        skip_bad=skip_bad,
        replace=replace,
        workspace=access.home(),
        origin=origin,
    )
    discard(staged)
    return imported.table.name


def is_taken(name: str) -> bool:
    """Whether a data set of this name is there already."""
    with suppress(LabError):
        return access.home().data_folder(name.strip()).exists()
    return False


def _plain_name(name: str) -> str:
    """The name of an upload without folders and without what a path could mind."""
    plain = name.replace("\\", "/").rsplit("/", 1)[-1]
    return _UNSAFE.sub("_", plain).lstrip(".")[-_LONGEST_NAME:].lstrip(".") or "file"


def _safe_name(name: str) -> str:
    """The name of an upload as it may stand in a folder of ours; its ending must be known."""
    plain = _plain_name(name)
    if not (is_table_name(plain) or plain.lower().endswith((*ARCHIVE_SUFFIXES, ".gz"))):
        raise DataError(
            f"{shown(name, 80)} has an unknown ending; upload {', '.join(ENDINGS)} (also packed "
            "as .gz or .zip), or XGLUE's own files or archive"
        )
    return plain


def _tidy() -> None:
    root = access.home().cache_folder(_FOLDER)
    for folder in root.iterdir() if root.is_dir() else ():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > STORED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
