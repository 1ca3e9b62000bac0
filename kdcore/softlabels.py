"""Soft labels: softmax at a temperature, its entropy and KL, and a store of the largest logits."""

from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.errors import ConfigError, DataError

Floats = NDArray[np.float64]
Rest = Literal["zero", "uniform"]
LOWEST_HALF = float(np.finfo(np.float16).min)


def check_temperature(temperature: float) -> None:
    """ConfigError when logits cannot be softened by this."""
    if not 0.01 <= temperature <= 1000:
        raise ConfigError(f"temperature: {temperature:g} is outside 0.01..1000; 2 is usual")


def log_soften(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Return (..., classes) log softmax(logits / T), exact for |logit| = 1e4 and T = 0.05."""
    if not (np.isfinite(temperature) and temperature > 0):
        raise ConfigError(f"temperature: {temperature} is not a positive number; use 0.05 to 100")
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = scaled - over_classes(np.maximum, scaled)
    return np.asarray(scaled - np.log(over_classes(np.add, np.exp(scaled))))


def over_classes(combine: np.ufunc, values: Floats) -> Floats:
    """Combine (..., classes) values over the classes to (..., 1)."""
    classes = values.shape[-1]
    if not 0 < classes < 8:  # from 8 on, NumPy's own sum adds in another order
        return np.asarray(combine.reduce(values, axis=-1, keepdims=True))
    # column by column, which is several times faster than NumPy on a short last axis
    return np.asarray(reduce(combine, (values[..., k : k + 1] for k in range(classes))))


def soften(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Return (..., classes) soft labels softmax(logits / T) (arXiv 1503.02531, Eq. 1)."""
    return np.asarray(np.exp(log_soften(logits, temperature)))


def entropy(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Return (...) entropy of soft labels in bits: 0 when certain, log2(classes) when flat."""
    log_p = log_soften(logits, temperature)
    return np.asarray(np.maximum(-(np.exp(log_p) * log_p).sum(axis=-1) / np.log(2), 0.0))


def kl(
    p_logits: NDArray[np.floating[Any]],
    q_logits: NDArray[np.floating[Any]],
    temperature: float = 1.0,
) -> Floats:
    """Return (...) KL(p || q) in nats, both softened at one temperature; without the factor T².

    For distillation p is the teacher and q the student. Values at different T do not compare.
    """
    log_p, log_q = log_soften(p_logits, temperature), log_soften(q_logits, temperature)
    parts = np.exp(log_p) * (log_p - log_q)
    return np.asarray(np.maximum(over_classes(np.add, parts)[..., 0], 0.0))


@dataclass(frozen=True)
class StoreReport:
    """The loss of precision when only k logits are stored, at one T; means over rows, KL in nats.

    kl_full_rebuilt is infinite when dropped classes come back as zero: the full label gives them
    some mass. kl_rebuilt_full stays finite: it is about -log(kept mass).
    """

    temperature: float
    kept_mass: float
    least_kept_mass: float
    kl_full_rebuilt: float
    kl_rebuilt_full: float
    bytes_per_row: int
    full_bytes_per_row: int


@dataclass(frozen=True)
class SoftLabelStore:
    """The k largest logits of every row in half precision, so that T can be chosen later.

    indices: (rows, k) int32, largest first. logits: (rows, k) float16, relative to the row's
    largest: softmax is the same, and half precision cannot overflow. classes: of the full rows.
    rest: (rows,) float16 or None: one logit for each dropped class alike, which gives the dropped
    classes their true mass at T = 1. Top-k storage follows arXiv 1904.01624.
    """

    indices: NDArray[np.int32]
    logits: NDArray[np.float16]
    classes: int
    rest: NDArray[np.float16] | None = None

    def __post_init__(self) -> None:
        problems = []
        if self.indices.ndim != 2 or self.indices.shape != self.logits.shape:
            problems.append(f"indices {self.indices.shape} and logits {self.logits.shape} differ")
        if self.indices.size and not 0 <= self.indices.min() <= self.indices.max() < self.classes:
            problems.append(f"an index lies outside 0..{self.classes - 1}")
        if not np.isfinite(self.logits).all():
            problems.append("a logit is not a number")
        if self.rest is not None and self.rest.shape != self.indices.shape[:1]:
            problems.append(f"rest has shape {self.rest.shape}; need one number per row")
        if problems:
            raise DataError("These are not stored soft labels:", problems)

    @classmethod
    def keep(
        cls, logits: NDArray[np.floating[Any]], k: int, keep_rest: bool = False
    ) -> "SoftLabelStore":
        """Store the k largest of (rows, classes) logits; of equal ones the lower class first."""
        full = np.asarray(logits, dtype=np.float64)
        classes = full.shape[1]
        if not 1 <= k <= classes:
            raise ConfigError(f"k: {k} logits of {classes} cannot be stored; use 1..{classes}")
        if not np.isfinite(full).all():
            raise DataError("a logit is not a finite number; score the pairs again")
        order = np.argsort(-full, axis=1, kind="stable")[:, :k]
        top = np.take_along_axis(full, order, axis=1)
        stored = np.maximum(top - top[:, :1], LOWEST_HALF).astype(np.float16)
        rest = None
        if keep_rest and k < classes:
            dropped = np.exp(full - top[:, :1])
            np.put_along_axis(dropped, order, 0.0, axis=1)
            with np.errstate(divide="ignore"):
                mean_logit = np.log(dropped.sum(axis=1) / (classes - k))
            rest = np.maximum(mean_logit, LOWEST_HALF).astype(np.float16)
        return cls(order.astype(np.int32), stored, classes, rest)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def k(self) -> int:
        """How many logits of a row are stored."""
        return int(self.indices.shape[1])

    @property
    def bytes_per_row(self) -> int:
        """Bytes per row: 6 per stored logit, 2 more for the rest."""
        row = (self.indices.itemsize + self.logits.itemsize) * self.k
        return row + (self.rest.itemsize if self.rest is not None else 0)

    def rebuild(self, temperature: float = 1.0, rest: Rest = "zero") -> Floats:
        """Return (rows, classes) probabilities at T; dropped classes get zero, or one even share.

        The even share is exact in sum at T = 1 and an approximation elsewhere.
        """
        if rest == "uniform" and self.rest is None and self.k < self.classes:
            raise ConfigError(
                "rest: the dropped mass was not stored, so it cannot be spread; "
                "store with keep_rest=True or rebuild with rest='zero'"
            )
        full = np.full((len(self), self.classes), -np.inf)
        if rest == "uniform" and self.rest is not None:
            full[:] = self.rest.astype(np.float64)[:, None]
        np.put_along_axis(
            full, self.indices.astype(np.int64), self.logits.astype(np.float64), axis=1
        )
        return soften(full, temperature)

    def report(
        self, full: NDArray[np.floating[Any]], temperature: float = 1.0, rest: Rest = "zero"
    ) -> StoreReport:
        """Compare the store with the (rows, classes) logits it was made from."""
        log_p, log_q, mass = self._against(full, temperature, rest)
        return StoreReport(
            temperature=temperature,
            kept_mass=float(np.mean(mass)) if len(self) else float("nan"),
            least_kept_mass=float(np.min(mass)) if len(self) else float("nan"),
            kl_full_rebuilt=_mean_kl(log_p, log_q),
            kl_rebuilt_full=_mean_kl(log_q, log_p),
            bytes_per_row=self.bytes_per_row,
            full_bytes_per_row=2 * self.classes,
        )

    def lost(
        self, full: NDArray[np.floating[Any]], temperature: float = 1.0, rest: Rest = "zero"
    ) -> tuple[Floats, Floats]:
        """Return (rows,) kept mass and (rows,) KL(full || rebuilt) of each row, as report."""
        log_p, log_q, mass = self._against(full, temperature, rest)
        return mass, _kl_of_logs(log_p, log_q)

    def _against(
        self, full: NDArray[np.floating[Any]], temperature: float, rest: Rest
    ) -> tuple[Floats, Floats, Floats]:
        """The logs of full and rebuilt soft labels, and the kept mass of each row."""
        log_p = log_soften(full, temperature)
        with np.errstate(divide="ignore"):
            log_q = np.log(self.rebuild(temperature, rest))
        mass = np.exp(np.take_along_axis(log_p, self.indices.astype(np.int64), axis=1)).sum(axis=1)
        return log_p, log_q, mass

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        from safetensors.numpy import save_file  # not imported with the module, which stays light

        tensors = {"indices": self.indices, "logits": self.logits}
        if self.rest is not None:
            tensors["rest"] = self.rest
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path, metadata={"classes": str(self.classes)})

    @classmethod
    def load(cls, path: Path) -> "SoftLabelStore":
        """Read what save wrote; DataError when the file holds something else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                classes = int((file.metadata() or {})["classes"])
            return cls(tensors["indices"], tensors["logits"], classes, tensors.get("rest"))
        except (OSError, KeyError, ValueError, SafetensorError) as cause:
            raise DataError(
                f"{path} does not hold stored soft labels ({cause}); store them again"
            ) from (cause)


def _kl_of_logs(log_p: Floats, log_q: Floats) -> Floats:
    p = np.exp(log_p)
    ratio = np.subtract(log_p, log_q, out=np.zeros_like(log_p), where=p > 0)
    terms = np.multiply(p, ratio, out=np.zeros_like(p), where=p > 0)
    return np.asarray(np.maximum(terms.sum(axis=1), 0.0))


def _mean_kl(log_p: Floats, log_q: Floats) -> float:
    return float(_kl_of_logs(log_p, log_q).mean()) if len(log_p) else float("nan")
