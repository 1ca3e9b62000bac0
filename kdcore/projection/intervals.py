"""How sure CKA and RSA of a sample are: their 95 % intervals over queries.

Both are smooth functions of how much each point weighs. The effect of a point's weight is summed
over the points of a query, and the squares of the sums give the variance: the infinitesimal
jackknife (Jaeckel 1972; Efron & Stein 1981), which a bootstrap over queries approaches. It takes
one pass instead of a thousand, and it draws no point twice, whose two copies would lie at distance
0 in both spaces and make them look alike.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from kdcore.metrics.significance import ENDS
from kdcore.metrics.similarity import correlations

Floats = NDArray[np.float64]
Features = NDArray[Any]


def cka_interval(
    cka: float, a: Features, b: Features, groups: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of `linear_cka`, within 0 and 1.

    nan where CKA is not defined, and with fewer than two groups.

    cka: of these features. a, b: (pairs, width). groups: (pairs,) the query of each pair, as pairs
    of one query are not independent.
    """
    if not np.isfinite(cka):
        return cka, cka
    return _interval(cka, cka * cka_effects(a, b), groups, 0.0)


def rsa_interval(
    rsa: float, a: Features, b: Features, groups: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of `rsa`, within -1 and 1; otherwise as `cka_interval`.

    Time and memory grow with the square of the pairs, as those of `rsa` do.
    """
    if not np.isfinite(rsa):
        return rsa, rsa
    return _interval(rsa, rsa_effects(a, b), groups, -1.0)


def cka_effects(a: Features, b: Features) -> Floats:
    """(pairs,) derivative of log CKA by the weight of each pair; they sum to 0.

    CKA is |AᵀB|² / (|AᵀA| |BᵀB|), and a pair adds its aᵀb to the product, aᵀa and bᵀb below.
    """
    a, b = (np.asarray(side, dtype=np.float64) - side.mean(axis=0) for side in (a, b))

    def part(x: Floats, y: Floats) -> Floats:
        product = x.T @ y
        return np.asarray(np.einsum("nd,nd->n", x @ product, y) / (product**2).sum())

    return 2 * part(a, b) - part(a, a) - part(b, b)


def rsa_effects(a: Features, b: Features) -> Floats:
    """(pairs,) derivative of RSA by the weight of each pair; they sum to 0.

    Spearman's rho of distances is 12 E[uv] - 3, u and v their ranks as shares. A distance counts
    by its own uv, and because it raises the rank of every longer one. Equal distances are taken
    for a rounding error.
    """
    n = len(a)
    rows, columns = np.triu_indices(n, k=1)
    orders = [np.argsort(-correlations(side)[rows, columns]) for side in (a, b)]
    u, v = (_shares(order) for order in orders)
    effect = u * v + _longer(orders[0], v) + _longer(orders[1], u)
    effect -= effect.mean()
    total = np.bincount(rows, effect, n) + np.bincount(columns, effect, n)
    return np.asarray(12 * total / len(effect))


def _shares(order: NDArray[np.intp]) -> Floats:
    """Ranks as shares in (0, 1)."""
    shares = np.empty(len(order))
    shares[order] = (np.arange(len(order)) + 0.5) / len(order)
    return shares


def _longer(order: NDArray[np.intp], values: Floats) -> Floats:
    """For each distance the mean over all of the values of the longer ones, and half its own."""
    suffix = np.empty(len(order))
    suffix[order] = np.cumsum(values[order][::-1])[::-1]
    return np.asarray((suffix - values / 2) / len(order))


def _interval(
    value: float, effects: Floats, groups: NDArray[np.int64], least: float
) -> tuple[float, float]:
    totals = np.bincount(np.unique(groups, return_inverse=True)[1], effects)
    n = len(totals)
    if n < 2:
        return float("nan"), float("nan")
    half = stdtrit(n - 1, ENDS[1]) * np.sqrt(n / (n - 1) * (totals**2).sum())
    return max(least, float(value - half)), min(1.0, float(value + half))
