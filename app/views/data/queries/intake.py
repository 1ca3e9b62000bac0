"""Bring your own: a file or folder is set down, looked at, and imported under a name.

Bytes go to a fresh folder of the workspace's cache, under the file's own name with every character
that a path could mind taken out.
"""

import re
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.kit.by_hash import by_hash
from app.kit.texts import shown
from app.services import access
from kdcore.data import library
from kdcore.data.check.report import check
from kdcore.data.files.cells import TableOptions
from kdcore.data.files.opening import ENDINGS, is_table_name
from kdcore.data.files.problems import Problem
from kdcore.data.pairs import TEXT_COLUMNS
from kdcore.data.sources.grades import Choice, GradesUnclearError
from kdcore.data.sources.registry import ARCHIVE_SUFFIXES, read_path
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading
from kdcore.data.sources.xglue import is_xglue_name
from kdcore.errors import DataError, LabError, on_page
from kdcore.labels import SCHEMES, LabelScheme

MOST_BYTES = 100 * 2**20
LONG_TEXT = 20_000  # characters; a longer text is told, for it may be an open quote
KEPT_SECONDS = 86_400  # a file that was set down and never imported
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


@dataclass(frozen=True)
class How:
    """How a visitor wants a table read. mapping: (our column, the file's or None) pairs.

    scheme: "" infers, a name of SCHEMES, or "own" for `grades`, relevant from `relevant_from` on.
    """

    mapping: tuple[tuple[str, str | None], ...] | None = None
    scheme: str = ""
    grades: tuple[str, ...] = ()
    relevant_from: int = 1
    options: TableOptions = field(default_factory=TableOptions)
    round_grades: bool = False

    def columns(self) -> dict[str, str | None] | None:
        """The mapping as the library takes it."""
        return dict(self.mapping) if self.mapping is not None else None

    def labels(self) -> LabelScheme | None:
        """The grades as told, or None to infer them; ConfigError when they make no sense."""
        if self.scheme == "own":
            return LabelScheme(self.grades, self.relevant_from)
        return SCHEMES.get(self.scheme)

    def reading(self) -> TableReading:
        """The same as the library takes it."""
        return TableReading(self.columns(), self.labels(), self.options, self.round_grades)


@dataclass(frozen=True)
class Look:
    """What reading a staged file this way gives. error: why nothing can be imported at all.

    read: what was taken for what, in sentences. labels: the texts of the grade column where they
    leave the scale open; choices: the scales that they fit.
    """

    counts: dict[str, int]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    rows: tuple[dict[str, str], ...] = ()
    grades: tuple[str, ...] = ()
    source: str = ""
    error: str = ""
    causes: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


def stage(files: Sequence[tuple[str, bytes]]) -> Staged:
    """Set uploaded files down: one table or archive, or several files of XGLUE."""
    access.refuse_public()
    size = sum(len(content) for _, content in files)
    if size > MOST_BYTES:
        raise DataError(f"{size / 2**20:.0f} MB are too many; {MOST_BYTES // 2**20} MB at most")
    if not size:
        raise DataError("the file is empty; upload one with a header and a row for each pair")
    matches = [is_xglue_name(Path(name).name) for name, _ in files]
    if len(files) > 1 and not all(matches):
        raise DataError("upload one table, or several files named like xglue.qadsm.en.train")
    _tidy()
    folder = access.home().cache_folder(_FOLDER) / secrets.token_hex(8)
    folder.mkdir(parents=True)
    names = [
        match[0] if match else _own_name(name)
        for match, (name, _) in zip(matches, files, strict=True)
    ]
    for own, (_, content) in zip(names, files, strict=True):
        (folder / own).write_bytes(content)
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
    if size > MOST_BYTES:
        raise DataError(f"{size / 2**20:.0f} MB are too many; {MOST_BYTES // 2**20} MB at most")
    if not size:
        raise DataError("the file is empty; upload one with a header and a row for each pair")
    return Staged(path, shown(path.name), size, ours=False)


def discard(staged: Staged) -> None:
    """Throw the copy of an upload away."""
    if staged.ours:
        folder = staged.path if staged.path.is_dir() else staged.path.parent
        shutil.rmtree(folder, ignore_errors=True)


def look(staged: Staged, how: How) -> Look:
    """Read a staged file; every problem is told, nothing is raised."""
    try:
        changed = staged.path.stat().st_mtime_ns
    except OSError:
        return Look({}, error=f"{staged.title} is no longer here: upload it again")
    return _look(str(staged.path), staged.title, changed, how)


@by_hash(most=6, spinner="Reading every row…")
def _look(path: str, title: str, changed: int, how: How) -> Look:
    try:
        reading = read_path(Path(path), how=how.reading(), file=title)
        return replace(_seen(reading), source=reading.source)
    except LabError as error:
        headline = getattr(error, "headline", str(error))
        causes = tuple(map(shown, getattr(error, "page_problems", ())))
        asked = error if isinstance(error, GradesUnclearError) else None
        return Look(
            {},
            error=shown(headline),
            causes=causes,
            labels=asked.labels if asked else (),
            choices=asked.choices if asked else (),
        )


def _seen(reading: Reading) -> Look:
    if not len(reading.frame):
        return Look(reading.counts, reading.problems, error="no row of the file can be used")
    table = reading.table("this file", skip_bad=True)
    report = check(table)
    return Look(
        reading.counts,
        reading.problems,
        tuple(map(on_page, (*reading.notes, *reading.hints, *_long(reading), *_formulas(reading)))),
        report.findings,
        tuple(_first_rows(reading)),
        reading.scheme.grades,
        read=reading.columns.sentences() if reading.columns else (),
    )


def _long(reading: Reading) -> tuple[str, ...]:
    lengths = {c: int(reading.frame[c].str.len().max()) for c in TEXT_COLUMNS}
    column = max(lengths, key=lambda name: lengths[name])
    if lengths[column] <= LONG_TEXT:
        return ()
    return (f"the longest {column} has {lengths[column]:,} characters: is a quote left open?",)


def _formulas(reading: Reading) -> tuple[str, ...]:
    found = sum(int(reading.frame[c].str.match(_FORMULA).sum()) for c in TEXT_COLUMNS)
    begin = "text begins" if found == 1 else "texts begin"
    said = f"{found:,} {begin} like a formula, which stays text here and in every export"
    return (said,) if found else ()


def _first_rows(reading: Reading, most: int = 8) -> list[dict[str, str]]:
    names = [*reading.scheme.grades, "unlabelled"]
    head = reading.frame.head(most)
    return [
        {
            **{c: shown(str(row[c]), 300) for c in TEXT_COLUMNS},
            "grade": names[int(row["grade"])],
            "split": str(row["split"]),
        }
        for _, row in head.iterrows()
    ]


def origin(staged: Staged, source: str) -> str:
    """Where imported rows came from, in a sentence with their terms; our own file name unsaid."""
    said, where = source.replace(staged.path.name, staged.title), "imported on this machine"
    return said if "XGLUE" in said else f"{said}, {where}; its terms are its owner's"


def take_in(staged: Staged, name: str, how: How, *, skip_bad: bool, over: bool) -> str:
    """Import a staged file under a name; returns the name. LabError tells every problem.

    over: it may take the place of a data set of that name.
    """
    access.refuse_public()
    made = library.import_data(
        staged.path,
        name.strip(),
        how=how.reading(),
        skip_bad=skip_bad,
        replace=over,
        workspace=access.home(),
        origin=origin(staged, look(staged, how).source),
    )
    discard(staged)
    return made.table.name


def is_taken(name: str) -> bool:
    """Whether a data set of this name is there already."""
    with suppress(LabError):
        return access.home().data_folder(name.strip()).exists()
    return False


def _own_name(name: str) -> str:
    """The name of an upload as it may stand in a folder of ours; its ending must be known."""
    plain = name.replace("\\", "/").rsplit("/", 1)[-1]
    if not (is_table_name(plain) or plain.lower().endswith((*ARCHIVE_SUFFIXES, ".gz"))):
        raise DataError(
            f"{shown(name, 80)} has an unknown ending; upload {', '.join(ENDINGS)} (also packed "
            "as .gz or .zip), or XGLUE's own files or archive"
        )
    safe = _UNSAFE.sub("_", plain).lstrip(".")
    return safe[-_LONGEST_NAME:].lstrip(".")


def _tidy() -> None:
    root = access.home().cache_folder(_FOLDER)
    for folder in root.iterdir() if root.is_dir() else ():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
