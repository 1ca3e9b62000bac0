"""The replay of a run that learns: its moments, read once for every tab that watches."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.errors import LabError
from kdcore.metrics.agreement import same_top_grade, truth_error
from kdcore.predictions import Predictions
from kdcore.softlabels import log_soften, soften

Logits = NDArray[np.float32]

PINNED = 20  # pairs that are shown one by one
TEACHER = "teacher.parquet"
_DIGITS = 4
_TICK = 10**8  # ns


@dataclass(frozen=True)
class Moment:
    """What a student said at a step: of the pinned pairs, and measured over the whole probe."""

    step: int
    pinned: list[float]
    kl: float | None
    agreement: float | None
    distance: float | None

    def plain(self) -> dict[str, Any]:
        """As the browser reads it."""
        return {
            "step": self.step,
            "logits": self.pinned,
            "kl": self.kl,
            "agreement": self.agreement,
            "distance": self.distance,
        }


@dataclass
class Film:
    """A run's replay folder: its probe, what the teacher says of it, and the moments so far."""

    folder: Path
    temperatures: tuple[float, float]  # the teacher's and the student's, of the soft loss
    probe: PairTable | None = None
    pins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    teacher: Logits | None = None
    moments: dict[int, Moment] = field(default_factory=dict)
    _seen: int = -1
    _files: dict[str, tuple[int, int]] = field(default_factory=dict)

    def look(self, teacher: Logits | None = None) -> None:
        """Take in new moments. lent: the teacher's logits where the run did not keep them."""
        if self.teacher is None and teacher is not None:
            self.teacher, self._seen, self._files = teacher, -1, {}  # measure every moment anew
        try:
            seen = os.stat(self.folder).st_mtime_ns
            if seen == self._seen:
                return
            with os.scandir(self.folder) as entries:
                stats = {e.name: e.stat() for e in entries if e.name.endswith(".parquet")}
            if self.probe is None and not self._open():
                return
        except OSError:
            return
        self._take({name: (s.st_mtime_ns, s.st_size) for name, s in stats.items()})
        # a folder's clock ticks coarsely: what came in the same tick is looked for again
        self._seen = seen if time.time_ns() - seen > _TICK else -1

    def _open(self) -> bool:
        try:
            self.probe = PairTable.load(self.folder / "probe")
        except (LabError, OSError):
            return False  # not there yet, or not whole
        self.pins = pinned(self.probe.grades)
        return True

    def _take(self, files: Mapping[str, tuple[int, int]]) -> None:
        if TEACHER in files and self._files.get(TEACHER) != files[TEACHER]:
            logits = self._said(TEACHER)
            if logits is not None:
                self.teacher, self._files = logits, {TEACHER: files[TEACHER]}
        steps = {n: int(n[5:-8]) for n in files if n.startswith("step-") and n[5:-8].isdigit()}
        self.moments = {s: m for s, m in self.moments.items() if s in steps.values()}
        for name, step in steps.items():
            if self._files.get(name) != files[name] and (logits := self._said(name)) is not None:
                self.moments[step] = self._measured(step, logits)
                self._files[name] = files[name]

    def _said(self, name: str) -> Logits | None:
        try:
            logits = Predictions.load(self.folder / name).logits
        except LabError:
            return None
        shape = (len(self.probe), len(self.probe.scheme)) if self.probe is not None else None
        return logits if logits.shape == shape else None

    def _measured(self, step: int, logits: Logits) -> Moment:
        kl, agreement = None, None
        if self.teacher is not None:
            kl = _mean_kl(self.teacher, logits, *self.temperatures)
            agreement = float(same_top_grade(logits, self.teacher).mean())
        rounded = np.round(logits[self.pins].astype(np.float64), 3).ravel().tolist()
        return Moment(step, rounded, _round(kl), _round(agreement), _round(self.distance(logits)))

    def distance(self, logits: Logits | None) -> float | None:
        """Mean |relevance - true relevance| over the probe; None where no truth is known."""
        if self.probe is None or self.probe.truth is None or logits is None:
            return None
        scheme = self.probe.scheme
        errors = truth_error(scheme.relevance(self.probe.truth), scheme.relevance(soften(logits)))
        return float(errors.mean())

    def since(self, step: int) -> list[dict[str, Any]]:
        """Moments after a step, in order."""
        return [self.moments[s].plain() for s in sorted(self.moments) if s > step]


def pinned(grades: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of the pairs that are shown: evenly spread over the probe in the order of its grades.

    They follow from the probe alone, so every tab, and every moment of a run, shows the same.
    """
    order = np.argsort(grades, kind="stable")
    places = np.linspace(0, len(order) - 1, min(PINNED, len(order)))
    return np.asarray(order[np.round(places).astype(np.int64)], np.int64)


def _mean_kl(teacher: Logits, student: Logits, teachers: float, students: float) -> float:
    """Mean KL(teacher || student) in nats, each softened at its own temperature of the loss."""
    log_p, log_q = log_soften(teacher, teachers), log_soften(student, students)
    return float(np.maximum((np.exp(log_p) * (log_p - log_q)).sum(axis=1), 0.0).mean())


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, _DIGITS)
