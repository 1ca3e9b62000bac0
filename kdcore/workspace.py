"""Name the folders of a workspace, and replace files safely; no other module knows either."""

import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
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
    """Return the name if it is a valid folder that cannot leave its parent, else ConfigError."""
    if not _NAME.fullmatch(name) or name.endswith(".") or name.split(".")[0].casefold() in _DEVICES:
        raise ConfigError(
            f"{name!r} cannot be a {kind}: use 1 to 100 letters, digits, '.', '_' and '-', "
            "starting with a letter or digit and not ending with a dot"
        )
    return name


def slug(text: str) -> str:
    """Make a valid name as close as possible to a text, for instance a file's stem."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:100].rstrip(".")
    return plain if plain and plain.split(".")[0].casefold() not in _DEVICES else f"data-{plain}"


def last_part(path: str) -> str:
    """Return the last part of a Unix or Windows path: the only part that may be shown."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def missing_folder(text: str) -> str:
    """Return the problem of a text that can only be a path but is not a folder, else "".

    `owner/name` may be a hub id as well, which the caller has to check.
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
    """A person's folder: data/<name>/, runs/<id>/, masked/<name>/, notes/, cache/ below `root`."""

    root: Path

    @classmethod
    def default(cls) -> "Workspace":
        """The folder that KDLAB_HOME names, else ~/.kdlab; it may not exist yet."""
        return cls(Path(os.environ.get("KDLAB_HOME") or "~/.kdlab").expanduser().absolute())

    @classmethod
    def bundled(cls) -> "Workspace":
        """The read-only demo in assets/; KDLAB_DEMO names another one."""
        bundled = Path(__file__).parents[1] / "assets" / "demo"
        return cls(Path(os.environ.get("KDLAB_DEMO") or bundled).absolute())

    @property
    def data(self) -> Path:
        """Imported data sets, one folder each."""
        return self.root / "data"

    @property
    def runs(self) -> Path:
        """Runs, one folder each."""
        return self.root / "runs"

    @property
    def masked(self) -> Path:
        """Masked-word models, one folder each."""
        return self.root / "masked"

    @property
    def recipes(self) -> Path:
        """Pipelines, one folder each; their runs are among the others."""
        return self.root / "recipes"

    @property
    def notes(self) -> Path:
        """Notes of people on pairs, one file per content hash of a data set."""
        return self.root / "notes"

    @property
    def queue(self) -> Path:
        """Runs that wait for a device, one entry each."""
        return self.root / "queue"

    @property
    def cache(self) -> Path:
        """What can be computed again; safe to delete."""
        return self.root / "cache"

    def data_folder(self, name: str) -> Path:
        """Return the folder of a data set; ConfigError for a name that could leave data/."""
        return self.data / check_name(name, "data set's name")

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run; ConfigError for an id that could leave runs/."""
        return self.runs / check_name(run_id, "run id")

    def cache_folder(self, name: str) -> Path:
        """Return the folder of something cached; ConfigError for a name that could leave cache/."""
        return self.cache / check_name(name, "cache name")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends without error."""
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
    """Replace a text file (UTF-8, line ends as given) completely or not at all."""
    write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def read_json(path: Path) -> Mapping[str, Any]:
    """The object of a JSON file; empty when the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json_atomic(path: Path, data: Any) -> None:
    """Replace a JSON file completely or not at all; nan and infinity become null."""
    text = json.dumps(plain_json(data), indent=2, ensure_ascii=False, allow_nan=False)
    write_text_atomic(path, text + "\n")


def plain_json(data: Any) -> Any:
    """Turn dataclasses, arrays, tuples and paths into JSON values; nan and infinity into None."""
    if data is None or type(data) in (str, int, bool):  # most values; the checks below take longer
        return data
    if is_dataclass(data):
        return {each.name: plain_json(getattr(data, each.name)) for each in fields(data)}
    if isinstance(data, Mapping):
        return {str(key): plain_json(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain_json(value) for value in data]
    if hasattr(data, "tolist"):
        return plain_json(data.tolist())
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    return str(data) if isinstance(data, Path) else data


@contextmanager
def new_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `target`, renamed to it when the block ends without error.

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
