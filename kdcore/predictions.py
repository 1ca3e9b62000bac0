"""Predictions: a model's logits (and pooled features) on a split, stored as one Parquet file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kdcore.errors import DataError
from kdcore.metrics.definitions import CATALOG, names_reading
from kdcore.workspace import replacing

WEIGHTS = "model.safetensors"  # in the folder of a stored model
READING = "reading.json"  # how a ready classifier reads a pair, which its weights do not say


def model_hash(folder: Path) -> str:
    """Return 16 hex digits of a saved model's weights: half the key of the logit cache."""
    with (folder / WEIGHTS).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    if (folder / READING).is_file():
        digest.update((folder / READING).read_bytes())
    return digest.hexdigest()[:16]


ROLES = ("teacher", "student", "twin", "other")
_ONE_NUMBER = ("relevance", "logit", "score", "label_score", "grade")


@dataclass(frozen=True)
class Origin:
    """How predictions that were computed outside the lab were imported.

    kind: what the numbers of their file were, a key of `data.answers.choice.KINDS`.
    role: one of ROLES, "" when not known. student: the name of the student that a twin belongs to,
    "" for any. part: content hash of the whole split, of which `Predictions.rows` were answered.
    member: the model of a mean that gave these numbers, "" where there is no mean.
    """

    kind: str
    role: str = ""
    student: str = ""
    part: str = ""
    member: str = ""

    @property
    def is_free_score(self) -> bool:
        """Whether only the order and the gaps of the numbers count."""
        return self.kind == "score"


@dataclass(frozen=True)
class Predictions:
    """Raw logits of a model on the pairs of one split, row for row.

    logits: (pairs, classes) float32 from a run, float64 where they were imported.
    features: (pairs, width) float32, or None when not stored.
    data_hash: content hash of the PairTable they belong to; model: the run's or model's name.
    notes: what a reader must know of imported predictions, a sentence each.
    origin: how they were imported, None for those of the lab's own models. rows: (pairs,) which
    pairs of their split were answered, None for all of them. ranking: (pairs,) float64, the one
    number per pair that was imported and alone orders the ads; None where the logits do.
    Raises DataError at birth for wrong shapes and for logits that are not finite.
    """

    logits: NDArray[np.floating[Any]]
    data_hash: str
    model: str
    features: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()
    origin: Origin | None = None
    rows: NDArray[np.int64] | None = None
    ranking: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.logits.ndim != 2 or self.logits.shape[1] < 2:
            raise DataError(
                f"logits of {self.model} have shape {self.logits.shape}; need (pairs, classes >= 2)"
            )
        if not np.isfinite(self.logits).all():
            bad = int((~np.isfinite(self.logits)).any(axis=1).sum())
            raise DataError(
                f"{bad} of {len(self.logits)} rows of {self.model} hold NaN or infinity; "
                "score the pairs again"
            )
        if self.ranking is not None and self.ranking.shape != (len(self.logits),):
            raise DataError(
                f"ranking of {self.model} has shape {self.ranking.shape}; need one number per pair"
            )

    def __len__(self) -> int:
        return len(self.logits)

    @cached_property
    def digest(self) -> str:
        """64 hex digits that change when a logit or a ranking number does."""
        digest = hashlib.sha256(self.logits.tobytes())
        if self.ranking is not None:
            digest.update(self.ranking.tobytes())
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> "Predictions":
        """Return the predictions for these rows, without features; the hash stays the table's."""
        ranking = None if self.ranking is None else self.ranking[rows]
        logits = self.logits.take(rows, axis=0)  # faster than self.logits[rows]
        return replace(self, logits=logits, features=None, rows=None, ranking=ranking)

    @property
    def own_grades(self) -> bool:
        """Whether the model itself gave a probability to each grade, not one number per pair."""
        converted = self.origin is not None and self.origin.kind in _ONE_NUMBER
        return not converted or (self.logits.shape[1] == 2 and self.own_relevance)

    @property
    def own_relevance(self) -> bool:
        """Whether P(relevant) is the model's own, not computed from a free score or a grade."""
        return self.origin is None or self.origin.kind not in ("score", "grade")

    def is_own(self, metric: str) -> bool:
        """Return whether a metric reads only what the model gave: an order, or its probabilities.

        metric: a key of metrics.definitions.CATALOG.
        """
        own = {"order": True, "relevance": self.own_relevance, "grades": self.own_grades}
        return own[CATALOG[metric].reads] if metric in CATALOG else True

    @property
    def caveat(self) -> str:
        """A sentence on what the lab computed from one number per pair; "" where nothing was."""
        if self.own_grades:
            return ""
        subject, names = "probabilities of the grades were", names_reading("grades")
        if not self.own_relevance:
            subject, names = "probabilities were", names_reading("relevance", "grades")
        origin = self.origin or Origin("")
        graded = origin.kind == "grade"
        name = f"{origin.member}, in the mean of {self.model}," if origin.member else self.model
        what, made_of = ("grade", "it") if graded else ("number", "that number and the labels")
        return (
            f"{name} gave one {what} per pair, so its {subject} computed from {made_of}: "
            f"{', '.join(names[:-1])} and {names[-1]} say nothing about the model; "
            "ROC-AUC, nDCG and its order do."
        )

    def on(self, rows: NDArray[np.int64], data_hash: str) -> "Predictions":
        """Return the predictions for some pairs of the split, all of which were answered.

        rows: positions in the whole split, ascending. data_hash: content hash of those pairs.
        """
        places = rows if self.rows is None else np.searchsorted(self.rows, rows)
        features = None if self.features is None else self.features[places]
        return replace(self.take(places), data_hash=data_hash, features=features)

    def require(self, data_hash: str, pairs: int) -> "Predictions":
        """Return itself, or raise DataError when it belongs to other pairs."""
        if self.data_hash != data_hash or len(self) != pairs:
            raise DataError(
                f"predictions of {self.model} belong to other pairs ({len(self)} rows, data "
                f"{self.data_hash}); these are {pairs} rows, data {data_hash}: run infer again"
            )
        return self

    def save(self, path: Path, *, compact: bool = False) -> None:
        """Write one Parquet file, completely or not at all; its schema holds the hashes.

        compact: each feature as one byte, in steps of 1/255 of its range; the logits stay exact.
        """
        metadata: dict[str, Any] = {"data_hash": self.data_hash, "model": self.model}
        columns: dict[str, pa.Array] = {"logits": _column(self.logits)}
        if self.features is not None and compact:
            columns["features"], metadata["features"] = _bytes(self.features)
        elif self.features is not None:
            columns["features"] = _column(self.features)
        if self.ranking is not None:
            columns["ranking"] = pa.array(self.ranking, pa.float64())
        if self.notes:
            metadata["notes"] = self.notes
        if self.origin is not None:
            metadata["origin"] = asdict(self.origin)
        if self.rows is not None:
            columns["row"] = pa.array(self.rows, pa.int64())
        table = pa.table(columns).replace_schema_metadata({"kdlab": json.dumps(metadata)})
        with replacing(path) as temporary:
            zstd = {"compression": "zstd", "compression_level": 19, "write_statistics": False}
            pq.write_table(table, temporary, **(zstd if compact else {}))

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read what save wrote."""
        try:
            table = pq.read_table(path)
            metadata = json.loads((table.schema.metadata or {})[b"kdlab"])
            logits, features = _matrix(table, "logits"), _features(table, metadata)
        except (OSError, KeyError, ValueError, pa.ArrowException) as cause:
            raise DataError(
                f"{path} does not hold predictions ({cause}); run infer again"
            ) from cause
        notes = tuple(metadata.get("notes", ()))
        origin = Origin(**metadata["origin"]) if "origin" in metadata else None
        rows, ranking = (
            table[name].to_numpy() if name in table.column_names else None
            for name in ("row", "ranking")
        )
        data_hash, model = metadata["data_hash"], metadata["model"]
        return cls(logits, data_hash, model, features, notes, origin, rows, ranking)


def common_rows(answers: Iterable[Predictions]) -> NDArray[np.int64] | None:
    """Return the positions in the split that all of them answer; None for the whole split."""
    partial = [each.rows for each in answers if each.rows is not None]
    return reduce(np.intersect1d, partial) if partial else None


def _column(matrix: NDArray[np.floating[Any]]) -> pa.FixedSizeListArray:
    kind = np.float64 if matrix.dtype == np.float64 else np.float32
    flat = pa.array(np.ascontiguousarray(matrix, dtype=kind).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])


def _bytes(matrix: NDArray[np.float32]) -> tuple[pa.FixedSizeBinaryArray, dict[str, list[float]]]:
    """Quantize each column in 256 even steps of its range; return the bytes and the steps."""
    low = matrix.min(axis=0)
    step = (matrix.max(axis=0) - low) / np.float32(255)
    levels = np.rint((matrix - low) / np.where(step > 0, step, 1)).astype(np.uint8)
    kind = pa.binary(matrix.shape[1])
    column = pa.FixedSizeBinaryArray.from_buffers(
        kind, len(matrix), [None, pa.py_buffer(levels.tobytes())]
    )
    return column, {"low": low.tolist(), "step": step.tolist()}


def _features(table: pa.Table, metadata: dict[str, Any]) -> NDArray[np.float32] | None:
    """Read the features, stored as bytes or as floats; None when they were not stored."""
    if "features" not in table.column_names:
        return None
    if "features" not in metadata:
        return _matrix(table, "features")
    low, step = (np.asarray(metadata["features"][name], np.float32) for name in ("low", "step"))
    levels = np.frombuffer(b"".join(table["features"].to_pylist()), np.uint8)
    return levels.reshape(-1, len(low)) * step + low


def _matrix(table: pa.Table, name: str) -> NDArray[Any]:
    """Read a column of lists in the precision in which it was stored."""
    column = table[name].combine_chunks()
    width = column.type.list_size
    values = column.flatten().to_numpy(zero_copy_only=False)
    kind = np.float64 if pa.types.is_float64(column.type.value_type) else np.float32
    return np.asarray(values, dtype=kind).reshape(-1, width)


def answered_hash(path: Path) -> str:
    """Content hash of the pairs that a predictions file answers; "" when it cannot be read."""
    try:
        header = json.loads((pq.read_schema(path).metadata or {}).get(b"kdlab", b"{}"))
        return str(header.get("data_hash", ""))
    except (OSError, ValueError, AttributeError, pa.ArrowException):
        return ""
