"""Workspace: the one place that knows folder names, and how a file is replaced safely."""

import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdcore.errors import ConfigError, DataError

MODEL_CARD = "kdlab.json"  # written last: a model folder that holds it is complete
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Windows answers to these in every folder, with any ending: con.json is the console
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def check_name(name: str, kind: str = "name") -> str:
    """The name itself when it can be a folder here and cannot leave its parent, or ConfigError."""
    if not _NAME.fullmatch(name) or name.endswith(".") or name.split(".")[0].casefold() in _DEVICES:
        raise ConfigError(
            f"{name!r} cannot be a {kind}: use 1 to 100 letters, digits, '.', '_' and '-', "
            "starting with a letter or digit and not ending with a dot"
        )
    return name


def slug(text: str) -> str:
    """A valid name as near as possible to a text, for instance a file's stem."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:100].rstrip(".")
    return plain if plain and plain.split(".")[0].casefold() not in _DEVICES else f"data-{plain}"


def last_part(path: str) -> str:
    """The last part of a path of either kind of machine: what may be shown of a whole path."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def missing_folder(text: str) -> str:
    """The problem with a text that can only be a path and leads to no folder, or an empty text.

    `owner/name` may be a hub id as well, so whoever asks the hub must tell.
    """
    path = os.path.expanduser(text)  # unlike Path's, it lets odd text pass
    if not text or os.path.isdir(path):
        return ""
    if os.path.exists(path):
        return f"{text} is a file; name the folder that it lies in"
    like_a_path = text.startswith(("/", "./", "../", "~", ".\\", "..\\")) or text.endswith("/")
    if like_a_path or text.count("/") > 1 or re.match(r"[A-Za-z]:[\\/]", text):
        return f"there is no such folder: {text}"
    return ""


@dataclass(frozen=True)
class Workspace:
    """A person's folder: data/<name>/, runs/<id>/, notes/ and cache/ below `root`."""

    root: Path

    @classmethod
    def default(cls) -> "Workspace":
        """The folder that KDLAB_HOME names, else ~/.kdlab; it need not exist yet."""
        return cls(Path(os.environ.get("KDLAB_HOME") or "~/.kdlab").expanduser().absolute())

    @classmethod
    def bundled(cls) -> "Workspace":
        """The read-only demo beside the code: KDLAB_DEMO names another one."""
        bundled = Path(__file__).parents[1] / "assets" / "demo"
        return cls(Path(os.environ.get("KDLAB_DEMO") or bundled).absolute())

    @property
    def data(self) -> Path:
        """Imported data sets, a folder each."""
        return self.root / "data"

    @property
    def runs(self) -> Path:
        """Runs, a folder each."""
        return self.root / "runs"

    @property
    def notes(self) -> Path:
        """What people wrote about pairs, a file for each data set's content hash."""
        return self.root / "notes"

    @property
    def queue(self) -> Path:
        """Runs that wait for a device, a ticket each."""
        return self.root / "queue"

    @property
    def cache(self) -> Path:
        """What can be made again; safe to delete."""
        return self.root / "cache"

    def data_folder(self, name: str) -> Path:
        """The folder of a data set; a name that could leave data/ is a ConfigError."""
        return self.data / check_name(name, "data set's name")

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run; an id that could leave runs/ is a ConfigError."""
        return self.runs / check_name(run_id, "run id")

    def cache_folder(self, name: str) -> Path:
        """The folder of something kept for speed; a name that could leave is a ConfigError."""
        return self.cache / check_name(name, "cache name")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write a file to; renamed over it when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes_atomic(path: Path, content: bytes) -> None:
    """Replace a file so that a reader sees the old or the new content, never a part."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text_atomic(path: Path, text: str) -> None:
    """Replace a text file (UTF-8, line ends as given) whole or not at all."""
    write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def write_json_atomic(path: Path, data: Any) -> None:
    """Replace a JSON file whole or not at all; nan and infinity become null, as JSON has none."""
    text = json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomic(path, text + "\n")


def _plain(data: Any) -> Any:
    """NumPy scalars and arrays, tuples and paths as the nearest thing that JSON knows."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_plain(value) for value in data]
    if hasattr(data, "tolist"):
        return _plain(data.tolist())
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return str(data) if isinstance(data, Path) else data


@contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A temporary folder beside `target`, renamed to it when the block ends without an error.

    With replace, an older folder of that name gives way in the same moment; without it, one that
    appeared meanwhile is a DataError. Whatever goes wrong, no half-filled target is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    aside = temporary.with_suffix(".old")
    temporary.mkdir()
    try:
        yield temporary
        if replace and target.exists():
            target.rename(aside)
        elif target.exists():
            raise DataError(f"{target.name!r} exists already; choose another name or replace it")
        try:
            temporary.rename(target)
        except OSError:
            if aside.exists():
                aside.rename(target)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)
