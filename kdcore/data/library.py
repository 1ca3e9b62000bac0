"""The library: data sets by name, kept in the workspace; load, import, list."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kdcore
from kdcore.data.files.cells import TableOptions
from kdcore.data.files.opening import ENDINGS
from kdcore.data.files.packed import PACKED
from kdcore.data.files.problems import Problem
from kdcore.data.pairs import PairTable
from kdcore.data.sources.columns import ColumnMapping
from kdcore.data.sources.registry import HUB_PREFIX, TASKS, Source, read_hub_source, read_path
from kdcore.data.sources.rejects import rejects_tsv
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading
from kdcore.errors import DataError, LabError, UnknownNameError, lookup
from kdcore.labels import LabelScheme
from kdcore.trash import take_back, throw_away
from kdcore.workspace import Workspace, check_name, new_folder, slug, write_text_atomic

WORLD = "world"
CARD = "dataset.json"
REJECTS = "rejects.tsv"


@dataclass(frozen=True)
class Imported:
    """An import that succeeded: the pairs, how they were read and where they lie."""

    table: PairTable
    reading: Reading
    folder: Path

    @property
    def rejects(self) -> tuple[Problem, ...]:
        """The rows that were left out."""
        return self.reading.problems

    @property
    def counts(self) -> dict[str, int]:
        """rows, kept, rejected, withdrawn (see Reading.counts)."""
        return self.reading.counts


@dataclass(frozen=True)
class Listed:
    """A data set of the workspace as its card tells it; problem is "" when the card is whole."""

    name: str
    pairs: int = 0
    source: str = ""
    content_hash: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""


def load_data(
    source: str | Path,
    *,
    task: str | None = None,
    mapping: ColumnMapping | None = None,
    scheme: LabelScheme | None = None,
    options: TableOptions | None = None,
    round_grades: bool = False,
    skip_bad: bool = False,
    workspace: Workspace | None = None,
    **world_sizes: int,
) -> PairTable:
    """Pairs by name: "world", a name of the workspace, a path, "hub:qadsm" or "hub:wpr".

    world_sizes (seed, log, train, validation, test) are for the bundled world only. The splits
    are those of the source; `with_test_split` makes a missing one. A path is read as it lies and
    nothing is kept; skip_bad leaves its bad rows out. DataError or UnknownNameError when nothing
    fits. mapping, scheme, options, round_grades: how a table is read (see TableReading).
    """
    workspace = workspace or Workspace.default()
    text = str(source)
    if text == WORLD:
        return _world(workspace, world_sizes)
    if world_sizes:
        raise DataError(f"only {WORLD!r} takes {', '.join(world_sizes)}; {text!r} has its own size")
    if _is_imported(text, workspace):
        return PairTable.load(workspace.data_folder(text))
    if text.startswith(HUB_PREFIX):
        return _from_hub(text, workspace, skip_bad)
    path = Path(source).expanduser()
    if (path / CARD).is_file():
        return PairTable.load(path)
    how = TableReading(mapping, scheme, options, round_grades)
    found = _read(source, workspace, task, how)
    return found.reading.table(default_name(text), found.sentence, skip_bad=skip_bad)


def import_data(
    source: str | Path,
    name: str | None = None,
    *,
    task: str | None = None,
    mapping: ColumnMapping | None = None,
    scheme: LabelScheme | None = None,
    options: TableOptions | None = None,
    round_grades: bool = False,
    skip_bad: bool = False,
    replace: bool = False,
    workspace: Workspace | None = None,
    told: str = "",
) -> Imported:
    """Read a path or hub name and keep it in the workspace under a name, whole or not at all.

    told: the sentence that says where the rows came from, when the path does not tell it.
    With skip_bad the good rows are kept and the bad ones written beside them as rejects.tsv.
    DataError tells every problem; a name that is taken needs replace. mapping, scheme, options,
    round_grades: how a table is read (see TableReading).
    """
    workspace = workspace or Workspace.default()
    name = check_name(name or default_name(str(source)), "data set's name")
    folder = workspace.data_folder(name)
    if name == WORLD:
        raise DataError(f"{WORLD!r} is the bundled data set; choose another name")
    if folder.exists() and not replace:
        raise DataError(f"a data set {name!r} exists already; choose another name or replace it")
    found = _read(source, workspace, task, TableReading(mapping, scheme, options, round_grades))
    reading = found.reading
    table = reading.table(name, told or found.sentence, skip_bad=skip_bad)
    try:
        with new_folder(folder, replace=replace) as temporary:
            table.save(temporary)
            if reading.problems:
                write_text_atomic(temporary / REJECTS, "".join(rejects_tsv(reading.problems)))
    except OSError as cause:
        raise DataError(
            f"{name} could not be written ({cause}); nothing was imported: make room, or point "
            "KDLAB_HOME at a folder that you may write to"
        ) from cause
    return Imported(table, reading, folder)


def list_data(workspace: Workspace | None = None) -> list[Listed]:
    """The data sets of the workspace by name; the bundled world is not among them."""
    folder = (workspace or Workspace.default()).data
    held = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        _listed(entry)
        for entry in held
        if entry.is_dir() and entry.name[0] != "." and entry.name != WORLD
    ]


def delete_data(name: str, workspace: Workspace | None = None) -> None:
    """Move an imported data set to the trash, where it stays for a week; with all brought to it."""
    home = workspace or Workspace.default()
    if name == WORLD or not (home.data_folder(name)).is_dir():
        held = ", ".join(d.name for d in list_data(home)) or "none"
        raise UnknownNameError(f"no imported data set is called {name!r}; there is: {held}")
    throw_away(home.data_folder(name))


def restore_data(name: str, workspace: Workspace | None = None) -> None:
    """Take a data set back that `delete_data` put away."""
    take_back((workspace or Workspace.default()).data, name)


def default_name(source: str) -> str:
    """The name that an import of this source gets when the person gives none."""
    if source.startswith(HUB_PREFIX):
        return slug(source.removeprefix(HUB_PREFIX))
    name = Path(source).expanduser().absolute().name
    packed = "|".join(map(re.escape, (*PACKED, ".tgz", ".tar")))
    kinds = "|".join(map(re.escape, (*ENDINGS, ".tar")))
    return slug(re.sub(rf"({kinds})?({packed})?$", "", name, flags=re.I))


def _listed(folder: Path) -> Listed:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return Listed(
            folder.name,
            int(card["pairs"]),
            str(card["source"]),
            str(card["content_hash"]),
            tuple(card["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as cause:
        return Listed(folder.name, problem=f"its card cannot be read ({cause}); import it again")


def _is_imported(name: str, workspace: Workspace) -> bool:
    try:
        return (workspace.data_folder(name) / CARD).is_file()
    except LabError:  # no name at all, so a path
        return False


def _read(
    source: str | Path,
    workspace: Workspace,
    task: str | None,
    how: TableReading,
) -> Source:
    text = str(source)
    if text.startswith(HUB_PREFIX):
        return read_hub_source(text)
    path = Path(source).expanduser()
    looks_like_a_name = isinstance(source, str) and not re.search(r"[./\\~]", text)
    if looks_like_a_name and not path.exists():
        known: Mapping[str, str] = dict.fromkeys(
            [WORLD, *(d.name for d in list_data(workspace)), *(HUB_PREFIX + t for t in TASKS)], ""
        )
        lookup(known, text, "data set")
    try:
        return read_path(path, task=task, how=how)
    except MemoryError as cause:
        raise DataError(
            f"the memory is too small to read {path.name}: close other programs, split the file, "
            "or write the columns that are needed as Parquet"
        ) from cause


def _from_hub(name: str, workspace: Workspace, skip_bad: bool) -> PairTable:
    """Hub data are kept in the cache: the second time needs no network."""
    folder = workspace.cache_folder(slug(name))
    if (folder / CARD).is_file():
        return PairTable.load(folder)
    found = read_hub_source(name)
    table = found.reading.table(default_name(name), found.sentence, skip_bad=skip_bad)
    if not found.reading.problems:
        _keep(table, folder)
    return table


def _world(workspace: Workspace, sizes: Mapping[str, int]) -> PairTable:
    """The bundled world, kept in the cache under its sizes and the code that made it."""
    from kdcore.data.world import world

    digest = hashlib.sha256(json.dumps(sorted(sizes.items())).encode())
    home = Path(kdcore.__file__).parent
    for file in sorted((home / "datasets" / "world").rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(file.relative_to(home).as_posix().encode() + file.read_bytes())
    folder = workspace.cache_folder(f"world-{digest.hexdigest()[:16]}")
    try:
        return PairTable.load(folder)
    except DataError:  # not made yet, or damaged: make it
        made: PairTable = world(**sizes)
        _keep(made, folder)
        return made


def _keep(table: PairTable, folder: Path) -> None:
    try:
        with new_folder(folder, replace=True) as temporary:
            table.save(temporary)
    except OSError:
        return  # a full or read-only disk costs speed, not the answer
