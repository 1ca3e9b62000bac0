"""The replay of a run that learns: its moments, read once for all tabs that watch it."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
_TICK = 10**8  # ns; how coarse a folder's time of change may be


@dataclass(frozen=True)
class Moment:
    """A student's answers at a step: logits of the pinned pairs, measures of the whole probe.

    kl and agreement: with the teacher; distance: to the truth. None where either is not known.
    """

    step: int
    logits: list[float]
    kl: float | None
    agreement: float | None
    distance: float | None


@dataclass
class Film:
    """A run's replay folder: its probe, the teacher's answers to it, and the moments so far."""

    folder: Path
    temperatures: tuple[float, float]  # the teacher's and the student's, of the soft loss
    probe: PairTable | None = None
    pins: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    teacher: Logits | None = None
    moments: dict[int, Moment] = field(default_factory=dict)
    _seen: int = -1  # when the folder had last changed, in ns
    _files: dict[str, tuple[int, int]] = field(default_factory=dict)  # time and size of those read

    def look(self, teacher: Logits | None = None) -> None:
        """Take in new moments. teacher: its logits where the run did not store them."""
        if self.teacher is None and teacher is not None:
            self.teacher, self._seen, self._files = teacher, -1, {}  # measure every moment anew
        try:
            seen = os.stat(self.folder).st_mtime_ns
            if seen == self._seen:
                return
            with os.scandir(self.folder) as entries:
                stats = {e.name: e.stat() for e in entries if e.name.endswith(".parquet")}
            if self.probe is None:
                self.probe = PairTable.load(self.folder / "probe")
                self.pins = pinned(self.probe.grades)
        except (LabError, OSError):
            return  # not there yet, or not whole
        self._take({name: (s.st_mtime_ns, s.st_size) for name, s in stats.items()})
        # a folder's clock ticks coarsely: what came in the same tick is looked for again
        self._seen = seen if time.time_ns() - seen > _TICK else -1

    def _take(self, files: Mapping[str, tuple[int, int]]) -> None:
        is_new = TEACHER in files and self._files.get(TEACHER) != files[TEACHER]
        if is_new and (logits := self._logits(TEACHER)) is not None:
            self.teacher, self._files = logits, {TEACHER: files[TEACHER]}
        steps = {n: int(n[5:-8]) for n in files if n.startswith("step-") and n[5:-8].isdigit()}
        self.moments = {s: m for s, m in self.moments.items() if s in steps.values()}
        for name, step in steps.items():
            if self._files.get(name) != files[name] and (logits := self._logits(name)) is not None:
                self.moments[step] = self._moment(step, logits)
                self._files[name] = files[name]

    def _logits(self, name: str) -> Logits | None:
        try:
            logits = Predictions.load(self.folder / name).logits
        except LabError:
            return None
        shape = (len(self.probe), len(self.probe.scheme)) if self.probe is not None else None
        return logits if logits.shape == shape else None

    def _moment(self, step: int, logits: Logits) -> Moment:
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
        return [asdict(self.moments[s]) for s in sorted(self.moments) if s > step]


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
