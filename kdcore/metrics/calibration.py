"""Measure calibration: reliability bins, the expected calibration error, the best temperature.

ECE as in arXiv 1706.04599, in its form for the probability of one event: confidence is P(relevant).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.classification import at_grade
from kdcore.metrics.ranking import share
from kdcore.softlabels import soften

Floats = NDArray[np.float64]
Binning = Literal["width", "mass"]
BINS = 15


def bin_of(
    relevance: NDArray[Any], bins: int = BINS, binning: Binning = "width"
) -> NDArray[np.int64]:
    """Return (pairs,) the bin 0..bins-1 of each probability.

    "width": bins of equal width over 0..1; "mass": as many pairs in each as equal values allow,
    since equal values always share a bin.
    """
    relevance = np.asarray(relevance, dtype=np.float64)
    if binning == "width":
        return np.clip((relevance * bins).astype(np.int64), 0, bins - 1)
    # a pair is in bin b or a later one when at least b / bins of all pairs are below it
    least = -(-np.arange(1, bins) * len(relevance) // bins)
    borders = np.sort(relevance)[least - 1] if len(relevance) else relevance
    place = np.zeros(len(relevance), dtype=np.int16)
    for border in borders:  # a comparison each is faster than a search for every pair
        place += np.greater(relevance, border).view(np.int8)
    return place.astype(np.int64)


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram, one entry per bin; nan where a bin is empty.

    confidence: (bins,) mean relevance. frequency: (bins,) share of relevant pairs.
    count: (bins,) pairs. low, high: (bins,) least and greatest relevance in the bin.
    """

    confidence: Floats
    frequency: Floats
    count: NDArray[np.int64]
    low: Floats
    high: Floats

    @property
    def ece(self) -> float:
        """Mean gap of confidence and frequency, weighted by pairs; nan without a pair."""
        filled = self.count > 0
        gap = np.abs(self.confidence[filled] - self.frequency[filled])
        total = self.count.sum()
        return float((gap * self.count[filled]).sum() / total) if total else float("nan")


def reliability(
    relevant: NDArray[np.bool_],
    relevance: NDArray[Any],
    bins: int = BINS,
    binning: Binning = "width",
) -> Reliability:
    """Bin (pairs,) probabilities and compare them with (pairs,) labels."""
    relevance = np.asarray(relevance, dtype=np.float64)
    place = bin_of(relevance, bins, binning)
    count = np.bincount(place, minlength=bins)
    confidence, frequency = (
        share(np.bincount(place, values, minlength=bins), count)
        for values in (relevance, np.asarray(relevant, dtype=np.float64))
    )
    low, high = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(low, place, relevance)
    np.maximum.at(high, place, relevance)
    low[count == 0] = high[count == 0] = np.nan
    return Reliability(confidence, frequency, count, low, high)


def ece(
    relevant: NDArray[np.bool_],
    relevance: NDArray[Any],
    bins: int = BINS,
    binning: Binning = "width",
) -> float:
    """Return the expected calibration error, arXiv 1706.04599, Eq. 3.

    The sum of (n_bin / n) |mean relevance - share of relevant pairs| over the bins.
    """
    return reliability(relevant, relevance, bins, binning).ece


def best_temperature(
    grades: NDArray[np.integer[Any]],
    logits: NDArray[Any],
    lowest: float = 0.05,
    highest: float = 100.0,
) -> float:
    """Find the temperature of least NLL on (pairs,) grades and (pairs, classes) logits.

    NLL is convex in 1/T, so bisection on its slope finds the one minimum, or the nearer end of
    lowest..highest. Fit it on held-out pairs: it changes no order and no AUC. nan without pairs.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if len(logits) == 0:
        return float("nan")
    chosen = at_grade(logits, grades)

    def slope(inverse: float) -> float:
        expected = (soften(logits, 1 / inverse) * logits).sum(axis=1)
        return float((expected - chosen).mean())

    low, high = 1 / highest, 1 / lowest
    if slope(low) >= 0:
        return highest
    if slope(high) <= 0:
        return lowest
    for _ in range(50):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(1 / np.sqrt(low * high))
