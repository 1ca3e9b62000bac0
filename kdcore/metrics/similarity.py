"""How alike two models arrange the same pairs: numbers of their features, whatever the widths."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def linear_cka(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return linear centered kernel alignment of two models' features, 0 to 1.

    Kornblith et al. 2019 (arXiv:1905.00414): ‖BᵀA‖² / (‖AᵀA‖ ‖BᵀB‖) of centered columns, Frobenius
    norms. Rotating or scaling all features of a side changes nothing. 1 when they are the same up
    to that; unrelated features tend to 0 only where the pairs are many more than the widths. nan
    when a side is constant or there are fewer than two pairs.

    a, b: (pairs, width), each its own width, the same pairs in the same order.
    """
    a, b = _centered(a), _centered(b)
    if len(a) < 2:
        return float("nan")
    norm = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.linalg.norm(b.T @ a) ** 2 / norm) if norm > 0 else float("nan")


def rsa(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return representational similarity: Spearman's rho of all distances between pairs, -1 to 1.

    Kriegeskorte et al. 2008 (doi:10.3389/neuro.06.004.2008). The distance of two rows is 1 minus
    their Pearson correlation. Time and memory grow with the square of the pairs: pass a sample of
    some 2,000. nan when a side's distances are all equal or there are fewer than three pairs.

    a, b: (pairs, width), each its own width, the same pairs in the same order.
    """
    if len(a) < 3:
        return float("nan")
    upper = np.triu_indices(len(a), k=1)
    ranks = [rankdata(correlations(side)[upper]) for side in (a, b)]
    x, y = (rank - rank.mean() for rank in ranks)
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def _centered(x: NDArray[Any]) -> NDArray[np.float64]:
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(x - x.mean(axis=0)) if len(x) else x


def correlations(x: NDArray[Any]) -> NDArray[np.float64]:
    """(pairs, pairs) Pearson correlation of the rows; 0 with a row that is constant."""
    x = np.asarray(x, dtype=np.float64)
    x = x - x.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    unit = np.divide(x, norm, out=np.zeros_like(x), where=norm > 0)
    return np.asarray(unit @ unit.T)
