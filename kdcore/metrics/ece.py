"""Correct the expected calibration error for the part that chance adds to it.

The gap of a bin, mean P(relevant) minus the share of relevant pairs, is measured with noise, and a
sum of absolute gaps only adds the noise up: on few pairs a calibrated model looks miscalibrated.
Here a gap larger than its standard error s counts as it is, and a smaller one as gap² / s - s,
which is negative below s. By Stein's lemma (Stein 1981, doi:10.1214/aos/1176345632) that is right
on average where the true gap is 0, and never too large on average elsewhere.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.metrics.calibration import BINS, Binning, bin_of

Floats = NDArray[np.float64]
BINNINGS: dict[str, Binning] = {"ece_width": "width", "ece_mass": "mass"}
SHORTFALL = 0.39  # most standard errors that a corrected gap is too small by, on average (normal)
_CLEAR = 3.0  # standard errors from which a gap is not corrected, so nothing is lost


def bin_sums(
    relevant: NDArray[np.bool_],
    relevance: Floats,
    groups: NDArray[np.int64],
    queries: int,
    binning: Binning = "width",
) -> tuple[Floats, Floats]:
    """Return (queries, bins) sums of P(relevant) - label, and (bins,) sums of P(1 - P).

    relevant, relevance, groups: (pairs,) label, P(relevant) and query of each labelled pair.
    """
    place = bin_of(relevance, BINS, binning)
    gaps = np.bincount(groups * BINS + place, relevance - relevant, minlength=queries * BINS)
    chance = np.bincount(place, relevance * (1 - relevance), minlength=BINS)
    return gaps.reshape(queries, BINS).astype(np.float64), chance.astype(np.float64)


def gaps(
    relevant: NDArray[np.bool_],
    relevance: Floats,
    groups: NDArray[np.int64],
    queries: int,
    keys: Sequence[str],
) -> tuple[list[Floats], Floats]:
    """Compute each ECE's (queries, bins) sums of P(relevant) - label, and (eces, bins) errors.

    keys: of the ECEs, as in BINNINGS. The rest as in bin_sums.
    """
    sides = [bin_sums(relevant, relevance, groups, queries, BINNINGS[key]) for key in keys]
    pairs = np.bincount(groups, minlength=queries).astype(np.float64)
    errors = [standard_errors(totals, pairs, chance) for totals, chance in sides]
    return [totals for totals, _ in sides], np.stack(errors)


def standard_errors(gaps: Floats, pairs: Floats, chance: Floats) -> Floats:
    """Return (bins,) standard errors of each bin's gap, over whole queries.

    gaps: (queries, bins) sums of P(relevant) - label. pairs: (queries,) labelled pairs of each.
    chance: (bins,) sum of P(1 - P), the variance of labels when P is right: the least that is
    assumed, since a bin of few pairs may show no variance. nan without a labelled pair.
    """
    total = pairs.sum()
    if not total:
        return np.full(gaps.shape[1], np.nan)
    residuals = gaps - pairs[:, None] * (gaps.sum(axis=0) / total)
    variance = (residuals**2).sum(axis=0) * len(gaps) / max(len(gaps) - 1, 1)
    return np.asarray(np.sqrt(np.maximum(variance, chance)) / total)


def corrected(gaps: Floats, errors: Floats) -> Floats:
    """Return (rows,) corrected sums of (rows, bins) absolute gaps with (bins,) standard errors.

    Below 0 where chance alone explains more than was measured; a value to show is cut at 0.
    """
    size = np.abs(gaps)
    small = (size < errors) & (errors > 0)
    shrunk = np.divide(size**2, errors, out=size.copy(), where=small) - np.where(small, errors, 0.0)
    return np.asarray(shrunk.sum(axis=1))


def shortfall(gaps: Floats, errors: Floats) -> float:
    """Return how much the corrected sum may lie below the true one on average, at most.

    gaps, errors: (bins,). Only bins whose gap is not clear can be too small.
    """
    unclear = np.abs(gaps) < _CLEAR * errors
    return float(SHORTFALL * errors[unclear].sum())


def centred(draws: NDArray[Any], estimate: float) -> Floats:
    """Move (resamples,) draws so that their mean is the estimate.

    Resampling queries adds its own noise to each gap, so the draws of a sum of absolute gaps lie
    above their estimate.
    """
    draws = np.asarray(draws, dtype=np.float64)
    finite = draws[np.isfinite(draws)]
    return draws - (finite.mean() - estimate) if len(finite) else draws
