"""Load, import, list and delete data sets by name; imported ones lie in the workspace."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdcore.data.files.content import PACKED
from kdcore.data.files.opening import ENDINGS
from kdcore.data.files.rejects import rejects_tsv
from kdcore.data.pairs import PairTable
from kdcore.data.sources.registry import (
    HUB_PREFIX,
    TASKS,
    read_files,
    read_hub_source,
    read_path,
)
from kdcore.data.sources.rows import Reading
from kdcore.data.sources.table import TableReading
from kdcore.data.trec.places import TrecFiles
from kdcore.errors import ConfigError, DataError, LabError, UnknownNameError, lookup
from kdcore.trash import take_back, throw_away
from kdcore.workspace import Workspace, check_name, new_folder, slug, write_text_atomic

WORLD = "world"
CARD = "dataset.json"
REJECTS = "rejects.tsv"


@dataclass(frozen=True)
class Imported:
    """An import that succeeded: the pairs, how they were read, and their folder."""

    table: PairTable
    reading: Reading
    folder: Path


@dataclass(frozen=True)
class DataSet:
    """A data set of the workspace, read from its card; problem is "" when the card is readable."""

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
    how: TableReading | None = None,
    skip_bad: bool = False,
    workspace: Workspace | None = None,
    **world_sizes: int,
) -> PairTable:
    """Load pairs: "world", a name of the workspace, a path, "hub:qadsm" or "hub:wpr".

    The splits are those of the source; `with_test_split` makes a missing one. A path is read and
    nothing is stored. DataError or UnknownNameError when nothing fits.

    how: how a table is read, by default detected. skip_bad: leaves bad rows out. world_sizes: seed,
    log, train, validation, test of the bundled world.
    """
    workspace = workspace or Workspace.default()
    text = str(source)
    if text == WORLD:
        return _world(workspace, world_sizes)
    if world_sizes:
        raise DataError(f"only {WORLD!r} takes {', '.join(world_sizes)}; {text!r} has its own size")
    if is_imported(text, workspace):
        return PairTable.load(workspace.data_folder(text))
    if text.startswith(HUB_PREFIX):
        return _from_hub(text, workspace, skip_bad)
    path = Path(source).expanduser()
    if (path / CARD).is_file():
        return PairTable.load(path)
    reading = _read(source, workspace, task, how)
    return reading.table(default_name(text), skip_bad=skip_bad)


def import_data(
    source: str | Path | TrecFiles,
    name: str | None = None,
    *,
    task: str | None = None,
    how: TableReading | None = None,
    skip_bad: bool = False,
    replace: bool = False,
    workspace: Workspace | None = None,
    origin: str = "",
) -> Imported:
    """Read a source and store it in the workspace under a name, completely or not at all.

    source: a path, a name of the hub, or qrels with their queries and documents.
    DataError lists every problem; a name that exists needs replace.

    how: how a table is read, by default detected. skip_bad: the good rows are stored and the bad
    ones written beside them as rejects.tsv. origin: the sentence that says where the rows came
    from, where the path does not say it.
    """
    workspace = workspace or Workspace.default()
    if not name and isinstance(source, TrecFiles):
        raise ConfigError("qrels, queries and documents need a name: add --name NAME")
    name = check_name(name or default_name(str(source)), "data set's name")
    folder = workspace.data_folder(name)
    if name == WORLD:
        raise DataError(f"{WORLD!r} is the bundled data set; choose another name")
    if folder.exists() and not replace:
        raise DataError(f"a data set {name!r} exists already; choose another name or replace it")
    reading = _read(source, workspace, task, how)
    if origin:
        reading = dataclasses.replace(reading, source=origin)
    table = reading.table(name, skip_bad=skip_bad)
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


def list_data(workspace: Workspace | None = None) -> list[DataSet]:
    """List the data sets of the workspace by name; the bundled world is not among them."""
    folder = (workspace or Workspace.default()).data
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        _from_card(entry)
        for entry in entries
        if entry.is_dir() and entry.name[0] != "." and entry.name != WORLD
    ]


def delete_data(name: str, workspace: Workspace | None = None) -> None:
    """Move an imported data set, with the predictions for it, to the trash for a week."""
    home = workspace or Workspace.default()
    if name == WORLD or not (home.data_folder(name)).is_dir():
        names = ", ".join(d.name for d in list_data(home)) or "none"
        raise UnknownNameError(f"no imported data set is called {name!r}; there is: {names}")
    throw_away(home.data_folder(name))


def restore_data(name: str, workspace: Workspace | None = None) -> None:
    """Restore a data set that `delete_data` moved to the trash."""
    take_back((workspace or Workspace.default()).data, name)


def default_name(source: str) -> str:
    """Return the name that an import of this source gets when none is given."""
    if source.startswith(HUB_PREFIX):
        return slug(source.removeprefix(HUB_PREFIX))
    name = Path(source).expanduser().absolute().name
    packed = "|".join(map(re.escape, (*PACKED, ".tgz", ".tar")))
    kinds = "|".join(map(re.escape, (*ENDINGS, ".tar")))
    return slug(re.sub(rf"({kinds})?({packed})?$", "", name, flags=re.I))


def _from_card(folder: Path) -> DataSet:
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return DataSet(
            folder.name,
            int(card["pairs"]),
            str(card["source"]),
            str(card["content_hash"]),
            tuple(card["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as cause:
        return DataSet(folder.name, problem=f"its card cannot be read ({cause}); import it again")


def is_imported(name: str, workspace: Workspace) -> bool:
    """Return whether a data set of this name was imported; the bundled world never is."""
    try:
        return name != WORLD and (workspace.data_folder(name) / CARD).is_file()
    except LabError:  # not a valid name, so a path
        return False


def _read(
    source: str | Path | TrecFiles,
    workspace: Workspace,
    task: str | None,
    how: TableReading | None,
) -> Reading:
    if isinstance(source, TrecFiles):
        return read_files(source, how)
    text = str(source)
    if text.startswith(HUB_PREFIX):
        return read_hub_source(text)
    path = Path(source).expanduser()
    looks_like_a_name = isinstance(source, str) and not re.search(r"[./\\~]", text)
    if looks_like_a_name and not path.exists():
        imported = [d.name for d in list_data(workspace)]
        names = [WORLD, *imported, *(HUB_PREFIX + task for task in TASKS)]
        lookup(dict.fromkeys(names), text, "data set")
    try:
        return read_path(path, task=task, how=how)
    except MemoryError as cause:
        raise DataError(
            f"the memory is too small to read {path.name}: close other programs, split the file, "
            "or write the columns that are needed as Parquet"
        ) from cause


def _from_hub(name: str, workspace: Workspace, skip_bad: bool) -> PairTable:
    """Load hub data, from the cache where they were loaded before: that needs no network."""
    folder = workspace.cache_folder(slug(name))
    if (folder / CARD).is_file():
        return PairTable.load(folder)
    reading = read_hub_source(name)
    table = reading.table(default_name(name), skip_bad=skip_bad)
    if not reading.problems:
        _cache(table, folder)
    return table


def _world(workspace: Workspace, sizes: Mapping[str, int]) -> PairTable:
    """Load the bundled world, cached under its sizes and the code that generates it."""
    from kdcore.data import world as package

    folder = workspace.cache_folder(f"world-{world_digest(sizes)}")
    try:
        return PairTable.load(folder)
    except DataError:  # not generated yet, or damaged
        pairs: PairTable = package.world(**sizes)
        _cache(pairs, folder)
        return pairs


def world_digest(sizes: Mapping[str, int]) -> str:
    """16 hex digits for a world of these sizes and the code that generates it."""
    from kdcore.data import world as package

    digest = hashlib.sha256(json.dumps(sorted(sizes.items())).encode())
    code = Path(package.__file__).parent
    for file in sorted(code.rglob("*")):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(file.relative_to(code).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _cache(table: PairTable, folder: Path) -> None:
    try:
        with new_folder(folder, replace=True) as temporary:
            table.save(temporary)
    except OSError:
        return  # a full or read-only disk costs speed, not the answer
