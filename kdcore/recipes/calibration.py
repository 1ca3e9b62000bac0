"""Fit how a ready classifier's logits are read, on labelled pairs: its weights stay as they are.

With a logit per grade: logits / T plus a bias per grade (bias-corrected temperature scaling,
Alexandari et al. 2020, arXiv:1901.06852; for two grades it is Platt scaling). With one logit and
more grades: the scale and the cuts of a cumulative link (McCullagh 1980). Both minimise the NLL.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from kdcore.data.answers.imported import LEAST_TO_FIT
from kdcore.data.pairs import PairTable
from kdcore.labels import LabelScheme
from kdcore.metrics.calibration import ece
from kdcore.models.heads import CumulativeLink
from kdcore.models.ready import Ready
from kdcore.scores import log_odds
from kdcore.softlabels import log_soften

Matrix = NDArray[np.floating]
_PULL = 1e-4  # of the parameters towards 0 in the mean loss: separable pairs keep them finite
_STEPS = 200


@dataclass(frozen=True)
class _Fit:
    """A fitted reading: its module and how it turns (pairs, grades) logits into new ones."""

    module: nn.Module
    read: Callable[[Matrix], Matrix]


class _Affine(nn.Module):
    """logits / T + a bias per grade."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.shift = nn.Parameter(torch.zeros(classes, dtype=torch.float64))

    def forward(self, logits: Tensor) -> Tensor:
        """(pairs, grades) -> (pairs, grades)."""
        return logits * self.log_scale.exp() + self.shift


def can_calibrate(pairs: PairTable) -> bool:
    """Return whether these labelled pairs are enough to fit a reading."""
    relevant = pairs.relevant
    return bool(min(relevant.sum(), (~relevant).sum()) >= LEAST_TO_FIT)


def calibrate(model: Ready, logits: Matrix, pairs: PairTable) -> str:
    """Fit the model's reading on labelled pairs, and return a sentence on what that changed.

    logits: (pairs, grades) of the model as it is. NLL and ECE after are measured on each half of
    the queries with numbers that were fitted on the other half.
    """
    linked = model.link is not None
    fit = _fit(logits, pairs.grades, pairs.scheme, linked)
    query = np.unique(pairs.query_ids, return_inverse=True)[1]
    half = np.random.default_rng(0).permutation(int(query.max()) + 1)[query] % 2
    after = np.array(logits, dtype=np.float64)
    for side in (0, 1) if len(set(half)) == 2 else ():
        own, other = half == side, half != side
        after[own] = _fit(logits[other], pairs.grades[other], pairs.scheme, linked).read(
            logits[own]
        )
    words = _take(model, fit.module)
    nll = " to ".join(f"{_nll(z, pairs.grades):.3f}" for z in (logits, after))
    error = " to ".join(f"{_ece(z, pairs):.3f}" for z in (logits, after))
    return (
        f"calibrated on {len(pairs):,} labelled validation pairs: {words}; NLL from {nll}, ECE of "
        f"P(relevant) from {error} (on each half of the queries, fitted on the other half)"
    )


def _fit(logits: Matrix, grades: NDArray[np.int64], scheme: LabelScheme, linked: bool) -> _Fit:
    if linked:  # the unfitted link's log-odds of a relevant grade are the number itself
        link = CumulativeLink(len(scheme)).double()
        number = torch.tensor(log_odds(logits, scheme))
        shares = np.bincount(grades, minlength=len(scheme)) + 1.0
        link.calibrate(number, torch.tensor(shares / shares.sum()))
        _minimise(link, number, grades)

        def read(raw: Matrix) -> Matrix:
            with torch.no_grad():
                return np.asarray(link(torch.tensor(log_odds(raw, scheme))).numpy())

        return _Fit(link, read)
    affine = _Affine(len(scheme))
    _minimise(affine, torch.tensor(logits, dtype=torch.float64), grades)

    def rescaled(raw: Matrix) -> Matrix:
        with torch.no_grad():
            return np.asarray(affine(torch.tensor(raw, dtype=torch.float64)).numpy())

    return _Fit(affine, rescaled)


def _minimise(module: nn.Module, inputs: Tensor, grades: NDArray[np.int64]) -> None:
    """Move the parameters of a reading to the least NLL of these grades."""
    target, parameters = torch.tensor(grades), list(module.parameters())
    optimizer = torch.optim.LBFGS(
        parameters, max_iter=_STEPS, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        pull = sum((p**2).sum() for p in parameters)
        loss: Tensor = F.cross_entropy(module(inputs), target) + _PULL * pull
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _take(model: Ready, module: nn.Module) -> str:
    """Let the model read its logits as fitted; returns the numbers in words."""
    if isinstance(module, CumulativeLink):
        assert model.link is not None
        model.link.load_state_dict(module.float().state_dict())
        cuts = ", ".join(f"{cut:.3g}" for cut in model.link.thresholds().tolist())
        scale = F.softplus(model.link.scale.detach()).item()
        return f"its number times {scale:.3g}, cut between the grades at {cuts}"
    assert isinstance(module, _Affine)
    scale = module.log_scale.exp().item()
    shift = (module.shift - module.shift[0]).tolist()
    model.rescale(scale, shift)
    biases = ", ".join(f"{value:+.3g}" for value in shift[1:])
    return f"T = {1 / scale:.3g}, bias {biases}"


def _nll(logits: Matrix, grades: NDArray[np.int64]) -> float:
    return float(-log_soften(logits)[np.arange(len(grades)), grades].mean())


def _ece(logits: Matrix, pairs: PairTable) -> float:
    return ece(pairs.relevant, pairs.scheme.relevance(np.exp(log_soften(logits))))
