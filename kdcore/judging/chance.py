"""near_chance(): whether a model orders these pairs hardly better than chance does."""

from dataclasses import dataclass

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.evaluation.curves import ndcg_curve
from kdcore.evaluation.intervals import draws_of
from kdcore.evaluation.measures import Measured
from kdcore.metrics.significance import Support, interval

DEPTH = 5
LITTLE = 0.1  # a skill whose interval ends below this is little: ROC-AUC 0.55
RESAMPLES = 200  # enough for a yes or no
CHOICE = 1e-6  # a random order that is nearer than this to a perfect one leaves no choice


@dataclass(frozen=True)
class Chance:
    """A metric beside what chance reaches in it.

    Its skill is (value - chance) / (1 - chance): 0 for chance and 1 for a perfect order.
    low, high: 95 % interval over queries of the skill, not of the value.
    """

    name: str
    value: float
    chance: float
    chance_name: str
    low: float
    high: float

    @property
    def near(self) -> bool:
        """Whether the interval touches chance, or ends where the skill is still little."""
        return self.low <= 0 or self.high < LITTLE


def near_chance(pairs: PairTable, measured: Measured) -> tuple[Chance, ...]:
    """The metrics in which a model, measured on these pairs, is close to chance.

    Of ROC-AUC and nDCG@5, those that are defined; none below two queries.
    """
    if measured.queries < 2:
        return ()
    metrics = (_area(measured), _order(pairs, measured))
    return tuple(each for each in metrics if np.isfinite(each.low) and each.near)


def sentence_of(metrics: tuple[Chance, ...], whose: str = "The teacher") -> str:
    """The metrics close to chance in one sentence; an empty text when there are none."""
    if not metrics:
        return ""
    values = "; ".join(f"{c.name} {c.value:.3f}, {c.chance_name} {c.chance:.3f}" for c in metrics)
    return f"{whose} is close to chance on these pairs ({values})."


def _area(measured: Measured) -> Chance:
    value = measured.value_of("roc_auc")
    draws = draws_of([measured], "roc_auc", RESAMPLES)
    low, high = interval(draws, value, Support.whole(measured.queries))
    ends = (2 * float(low[0]) - 1, 2 * float(high[0]) - 1)
    return Chance("ROC-AUC", float(value[0]), 0.5, "a coin", *ends)


def _order(pairs: PairTable, measured: Measured) -> Chance:
    curve = ndcg_curve(pairs, measured, "exp2", RESAMPLES)
    at, random = DEPTH - 1, curve.random[DEPTH - 1]
    room = 1 - random if 1 - random > CHOICE else np.nan  # else no query has a choice
    low, high = ((end - random) / room for end in (curve.low[at], curve.high[at]))
    return Chance(f"nDCG@{DEPTH}", curve.model[at], random, "a random order", low, high)
