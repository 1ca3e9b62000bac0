"""fold(): runs that differ in nothing but their seed as one row, with what the seeds say together.

The interval over queries shows how a difference of two finished students would vary over other test
pairs; the one over seeds, how it would vary over other seeds on the same test pairs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Literal

import numpy as np

from kdcore.evaluation.texts import signed
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import LEVEL, Verdict, against, verdict

FEWEST = 3  # below it a spread is a guess, and no verdict is given
TOO_FEW: Literal["TOO FEW SEEDS"] = "TOO FEW SEEDS"


@dataclass(frozen=True)
class Seeded:
    """One run's metric, and its difference to its own twin; nan where it has no twin.

    settings: equal for runs that differ in their seed alone (RunFacts.settings_but_seed).
    """

    run_id: str
    settings: str
    seed: int
    value: float
    delta: float = nan


@dataclass(frozen=True)
class Spread:
    """n numbers: mean, sample standard deviation (nan below two), least and most."""

    n: int
    mean: float
    deviation: float
    least: float
    most: float


@dataclass(frozen=True)
class SeedRow:
    """Runs that are equal but for the seed. verdict and its interval: over seeds, of delta."""

    run_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    value: Spread
    delta: Spread
    low: float
    high: float
    p: float
    verdict: Verdict | Literal["TOO FEW SEEDS"]
    sentence: str


def fold(runs: Iterable[Seeded], metric: str = "roc_auc") -> list[SeedRow]:
    """A row for each setting, in the order in which each first appears; a seed counts once."""
    groups: dict[str, dict[int, Seeded]] = {}
    for run in runs:
        groups.setdefault(run.settings, {}).setdefault(run.seed, run)
    return [_row([group[seed] for seed in sorted(group)], metric) for group in groups.values()]


def spread(values: Iterable[float]) -> Spread:
    """The spread of the numbers that are known."""
    finite = np.array([v for v in values if isfinite(v)], dtype=np.float64)
    if not len(finite):
        return Spread(0, nan, nan, nan, nan)
    deviation = float(finite.std(ddof=1)) if len(finite) > 1 else nan
    mean, least, most = (float(x) for x in (finite.mean(), finite.min(), finite.max()))
    return Spread(len(finite), mean, deviation, least, most)


def over_seeds(deltas: Sequence[float]) -> tuple[float, float, float]:
    """The 95 % t interval of the mean over seeds, and p of a mean of 0; nan below FEWEST.

    Student's t with n - 1 degrees of freedom: it takes seeds for draws of a normal distribution.
    """
    from scipy.special import stdtr, stdtrit

    of_deltas = spread(deltas)
    if of_deltas.n < FEWEST:
        return nan, nan, nan
    error = of_deltas.deviation / sqrt(of_deltas.n)
    half = float(stdtrit(of_deltas.n - 1, 1 - LEVEL / 2)) * error
    t = abs(of_deltas.mean) / error if error else (inf if of_deltas.mean else 0.0)
    return of_deltas.mean - half, of_deltas.mean + half, float(2 * stdtr(of_deltas.n - 1, -t))


def _row(runs: Sequence[Seeded], metric: str) -> SeedRow:
    definition = CATALOG[metric]
    delta = spread(r.delta for r in runs)
    low, high, p = over_seeds([r.delta for r in runs])
    side = verdict(low, high, p, definition.higher_is_better) if delta.n >= FEWEST else TOO_FEW
    return SeedRow(
        run_ids=tuple(r.run_id for r in runs),
        seeds=tuple(r.seed for r in runs),
        value=spread(r.value for r in runs),
        delta=delta,
        low=low,
        high=high,
        p=p,
        verdict=side,
        sentence=_sentence(definition.name, delta, low, high, side),
    )


def _sentence(name: str, delta: Spread, low: float, high: float, side: str) -> str:
    if delta.n < FEWEST:
        seeds = f"{delta.n} seed{'' if delta.n == 1 else 's'} with a twin"
        return f"{seeds}: at least {FEWEST} are needed before seeds can take a side."
    return (
        f"{against(side, 'its twins')} over {delta.n} seeds: {name} {signed(delta.mean)} on "
        f"average [{signed(low)}, {signed(high)}], from {signed(delta.least)} to "
        f"{signed(delta.most)}. The interval is Student's t over {delta.n} seeds on the same test "
        "pairs: how the mean would move with other seeds, not with other pairs."
    )
