"""The scores of a model on many pairs as files: a shard per range of rows, and a manifest.

A shard is named by model, data and rows, <model>-<data>-<first>-<last>.safetensors, and holds
`logits` (rows, k): float32 in the order of the classes when all are kept, else float16 in falling
order beside their `classes` (rows, k) int32. It gets its name when it is complete, and the manifest
is written when every shard is there.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.softlabels import soften
from kdcore.workspace import Workspace, read_json, replacing, write_json_atomic

FORMAT = 1
MANIFEST = "manifest.json"
SCALE = "logits, natural logarithm, T = 1"
Logits = NDArray[np.floating[Any]]
Classes = NDArray[np.int32]


@dataclass(frozen=True)
class Shard:
    """Rows first..last-1 of a split."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first

    @property
    def words(self) -> str:
        """The rows in words."""
        return f"rows {self.first:,} to {self.last - 1:,}"


@dataclass(frozen=True)
class Layout:
    """Which scores a folder of shards holds; two with equal fields hold equal bytes.

    model, data: hashes, see predictions.model_hash and Pieces.key. classes: the grades; k: how many
    logits of a row are kept, the largest. precision: of the products, fp32 or bf16.
    """

    model: str
    data: str
    split: str
    rows: int
    shard_rows: int
    classes: tuple[str, ...]
    k: int
    precision: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Layout":
        """The layout of which these are the fields as plain values."""
        return cls(**{**values, "classes": tuple(values["classes"])})

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> "Layout":
        """The layout that a manifest names. KeyError or TypeError when it is not complete."""
        return cls.from_dict({name: manifest[name] for name in cls.__dataclass_fields__})

    @property
    def name(self) -> str:
        """The name of the folder."""
        return f"{self.model}-{self.data}-{self.shard_rows}-{self.k}-{self.precision}"

    def shards(self) -> list[Shard]:
        """Every shard, in the order of the rows."""
        starts = range(0, self.rows, self.shard_rows)
        return [Shard(at, min(at + self.shard_rows, self.rows)) for at in starts]

    def file_name(self, shard: Shard) -> str:
        """The name of a shard's file."""
        return f"{self.model}-{self.data}-{shard.first:012d}-{shard.last:012d}.safetensors"


def top_k(
    logits: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float16], Classes, NDArray[np.float64]]:
    """The k largest logits of each row, falling, their classes, and the mass that they keep.

    Of equal logits the lower class goes first. Returns (rows, k), (rows, k) and (rows,): the sum of
    the softmax at T = 1 over the kept classes. Logits and not probabilities, so that T may change
    (Parthasarathi & Strom 2019, arXiv:1904.01624, keep the high-valued logits of a teacher).
    """
    classes = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    mass = np.take_along_axis(soften(logits, 1.0), classes, axis=1).sum(axis=1)
    largest = np.take_along_axis(logits, classes, axis=1)
    return largest.astype(np.float16), classes.astype(np.int32), mass


def write_shard(folder: Path, layout: Layout, shard: Shard, logits: NDArray[np.float32]) -> None:
    """Write a shard, completely or not at all. logits: (rows, classes) of every class."""
    tensors: dict[str, NDArray[Any]] = {"logits": np.ascontiguousarray(logits, dtype=np.float32)}
    mass: NDArray[np.float64] = np.ones(len(logits))
    if layout.k < len(layout.classes):
        largest, classes, mass = top_k(tensors["logits"], layout.k)
        tensors = {"logits": largest, "classes": classes}
    facts = {"model": layout.model, "data": layout.data, **asdict(shard)}
    facts |= {"kept_mass": float(mass.sum()), "kept_mass_least": float(mass.min())}
    path = folder / layout.file_name(shard)
    try:
        with replacing(path) as temporary:
            # one key: safetensors writes several in any order; equal shards must have equal bytes
            save_file(tensors, temporary, metadata={"kdlab": json.dumps(facts)})
    except FileNotFoundError:  # another worker finished this shard, and its job removed the rest
        if not path.is_file():
            raise


def missing(folder: Path, layout: Layout) -> list[Shard]:
    """The shards that have no finished file yet."""
    return [s for s in layout.shards() if not (folder / layout.file_name(s)).is_file()]


def write_manifest(folder: Path, layout: Layout) -> "ShardStore":
    """Write the manifest of a complete folder; DataError when a shard is of another layout.

    What workers that were killed have left half written is removed.
    """
    shards, mass, least = [], 0.0, 1.0
    for shard in layout.shards():
        path = folder / layout.file_name(shard)
        facts = _facts(path)
        expected = {"model": layout.model, "data": layout.data, **asdict(shard)}
        if {name: facts.get(name) for name in expected} != expected:
            raise DataError(
                f"{path} holds the scores of another model or of other pairs; delete it"
            )
        mass, least = mass + facts["kept_mass"], min(least, facts["kept_mass_least"])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        shards.append({"name": path.name, **asdict(shard), "sha256": digest})
    whole = layout.k == len(layout.classes)
    manifest = {
        "format": FORMAT,
        **asdict(layout),
        "kept_mass": mass / layout.rows,
        "kept_mass_least": least,
        "scale": SCALE,
        "type": "float32" if whole else "float16",
        "shards": shards,
    }
    write_json_atomic(folder / MANIFEST, manifest)
    for left in folder.glob(f".{layout.model}-{layout.data}-*.tmp"):
        left.unlink(missing_ok=True)
    return ShardStore.open(folder)


@dataclass(frozen=True)
class ShardStore:
    """A complete folder of shards."""

    folder: Path
    layout: Layout
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> "ShardStore":
        """Read the manifest; DataError when it, or a shard that it names, is missing."""
        manifest = dict(read_json(folder / MANIFEST))
        try:
            layout = Layout.of_manifest(manifest)
            names = [shard["name"] for shard in manifest["shards"]]
        except (KeyError, TypeError) as cause:
            raise DataError(
                f"{folder} holds no complete set of shards ({cause}); start "
                "`kdlab infer` with --on again"
            ) from None
        if absent := [name for name in names if not (folder / name).is_file()]:
            raise DataError(
                f"{folder} lacks {len(absent)} of {len(names)} shards, first {absent[0]}; start "
                "`kdlab infer` with --on again"
            )
        return cls(folder, layout, manifest)

    @property
    def shards(self) -> list[Shard]:
        """Every shard, in the order of the rows."""
        return self.layout.shards()

    @property
    def finished(self) -> float:
        """When the last shard was written, in seconds since the epoch."""
        return max(path.stat().st_mtime for path in self._paths)

    @property
    def size(self) -> int:
        """The bytes of all shards."""
        return sum(path.stat().st_size for path in self._paths)

    @property
    def _paths(self) -> list[Path]:
        return [self.folder / self.layout.file_name(shard) for shard in self.shards]

    def read(self, place: int) -> tuple[Logits, Classes | None]:
        """The (rows, k) logits of a shard, and their classes; None when every class is kept."""
        path = self.folder / self.layout.file_name(self.shards[place])
        try:
            with safe_open(path, "numpy") as file:
                logits = file.get_tensor("logits")
                classes = file.get_tensor("classes") if "classes" in set(file.keys()) else None
        except (OSError, SafetensorError) as cause:
            raise DataError(
                f"{path} is not a shard ({cause}); delete it and infer again"
            ) from cause
        return logits, classes

    def __iter__(self) -> Iterator[tuple[Shard, Logits, Classes | None]]:
        """Every shard with its logits, one in memory at a time."""
        for place, shard in enumerate(self.shards):
            yield shard, *self.read(place)


def shards_folder(workspace: Workspace) -> Path:
    """Where a workspace has its folders of shards."""
    return workspace.cache_folder("shards")


def find_store(workspace: Workspace, model: str, data: str) -> ShardStore | None:
    """The complete shards of a model on some pairs; None when there are none.

    Of several, that with the most logits per row, then the first by name.
    """
    folders = sorted(shards_folder(workspace).glob(f"{model}-{data}-*/{MANIFEST}"))
    stores = [ShardStore.open(path.parent) for path in folders]
    return max(stores, key=lambda store: store.layout.k, default=None)


def _facts(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, "numpy") as file:
            facts: dict[str, Any] = json.loads(file.metadata()["kdlab"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{path} is not a shard ({cause}); delete it and infer again") from cause
    return facts
