"""Answers in other grades than the data's: summed to relevant or not, spread where there are more.

What is kept exactly are the log-odds of P(relevant) at T = 1; a note in the Predictions says what
was done.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import LabError, RunError
from kdcore.labels import LabelScheme
from kdcore.predictions import Predictions
from kdcore.scores import log_odds
from kdcore.workspace import MODEL_CARD

Floats = NDArray[np.float64]


def model_scheme(model_folder: Path) -> LabelScheme:
    """The grades in which a kept model answers; RunError when its card cannot be read."""
    try:
        card = json.loads((model_folder / MODEL_CARD).read_text(encoding="utf-8"))
        return LabelScheme.from_dict(card["scheme"])
    except (OSError, ValueError, KeyError, TypeError, LabError) as cause:
        raise RunError(f"{model_folder} does not tell its grades ({cause}); train it again") from (
            cause
        )


def regraded(answers: Predictions, spoken: LabelScheme, pairs: PairTable) -> Predictions:
    """The answers, given in the grades `spoken`, in the grades of the data.

    As many grades: as they are. Two of the data: each the log of the summed mass. More: P(relevant)
    is spread by the data's labels. pairs: the whole data set, for those labels.
    """
    wanted = pairs.scheme
    if len(spoken) == len(wanted):
        return answers
    logits = answers.logits.astype(np.float64)
    cut = spoken.relevant_from
    two = np.stack([_log_sum(logits[:, :cut]), _log_sum(logits[:, cut:])], axis=1)
    told = f"answers in {len(spoken)} grades ({', '.join(spoken.grades)}): "
    ranking = answers.ranking
    if len(wanted) == 2:
        told += f"{' + '.join(spoken.grades[cut:])} were summed to {wanted.grades[1]}"
    else:
        odds = log_odds(logits, spoken)
        shares, how = grade_shares(pairs)
        two, told = spread(odds, wanted, shares), f"{told}P(relevant) was {how}"
        ranking = odds if ranking is None else ranking
    return replace(answers, logits=two, notes=(*answers.notes, told), ranking=ranking)


def spread(odds: Floats, scheme: LabelScheme, shares: Floats) -> Floats:
    """(pairs, classes) log probabilities of which the relevant part has these (pairs,) log-odds.

    shares: (classes,) positive; within the relevant grades, and within the others, the mass is
    split in these proportions. The order of the answers is that of the odds, which stand apart in
    Predictions.ranking: an expected grade of shared mass saturates at their mean.
    """
    good = np.arange(len(scheme)) >= scheme.relevant_from
    inside = np.where(good, shares / shares[good].sum(), shares / shares[~good].sum())
    z = np.asarray(odds, dtype=np.float64)[:, None]
    return np.asarray(-np.logaddexp(0.0, np.where(good, -z, z)) + np.log(inside))


def grade_shares(pairs: PairTable, asked: NDArray[np.int64] | None = None) -> tuple[Floats, str]:
    """(classes,) share of each grade, each counted once more, and what it was counted on.

    asked: rows that are looked at; the labels of the others are taken where there are any.
    """
    looked_at = np.arange(len(pairs)) if asked is None else asked
    others = np.setdiff1d(np.arange(len(pairs)), looked_at)
    places = ((others, "{} pairs that are not looked at"), (looked_at, "these {} pairs themselves"))
    for rows, where in places:
        grades = pairs.grades[rows]
        grades = grades[grades != UNLABELLED]
        if len(grades):
            counts = np.bincount(grades, minlength=len(pairs.scheme)) + 1.0
            labels = f"the labels of {where.format(f'{len(grades):,}')}"
            said = f"spread over the grades in the proportions of {labels}"
            return counts / counts.sum(), said
    even = np.full(len(pairs.scheme), 1 / len(pairs.scheme))
    return even, "spread evenly over the grades: no pair is labelled"


def _log_sum(logits: NDArray[Any]) -> Floats:
    top = logits.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logits - top).sum(axis=1)))
