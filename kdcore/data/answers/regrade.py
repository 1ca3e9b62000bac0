"""Convert predictions to the grades of other data: sum to two grades, or spread over more.

The log-odds of P(relevant) at T = 1 stay exact; a note in the Predictions says what was done.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import LabError, RunError
from kdcore.labels import LabelScheme
from kdcore.predictions import Predictions
from kdcore.scores import log_odds, log_sum
from kdcore.workspace import MODEL_CARD

Floats = NDArray[np.float64]


def model_scheme(model_folder: Path) -> LabelScheme:
    """Read the grades of a saved model's answers; RunError when its card cannot be read."""
    try:
        card = json.loads((model_folder / MODEL_CARD).read_text(encoding="utf-8"))
        return LabelScheme.from_dict(card["scheme"])
    except (OSError, ValueError, KeyError, TypeError, LabError) as cause:
        raise RunError(f"{model_folder} does not say its grades ({cause}); train it again") from (
            cause
        )


def regraded(answers: Predictions, scheme: LabelScheme, pairs: PairTable) -> Predictions:
    """Convert answers from the grades of `scheme` to the grades of the data.

    Equally many grades: unchanged. Two grades of the data: each gets the log of the summed mass.
    More: P(relevant) is spread by the data's labels.

    pairs: the whole data set, for those labels.
    """
    target = pairs.scheme
    if len(scheme) == len(target):
        return answers
    logits = answers.logits.astype(np.float64)
    cut = scheme.relevant_from
    note = f"answers in {len(scheme)} grades ({', '.join(scheme.grades)}): "
    if len(target) == 2:
        two = np.stack([log_sum(logits[:, :cut]), log_sum(logits[:, cut:])], axis=1)
        note += f"{' + '.join(scheme.grades[cut:])} were summed to {target.grades[1]}"
        return replace(answers, logits=two, notes=(*answers.notes, note))
    odds = log_odds(logits, scheme)
    shares, how = grade_shares(pairs)
    return replace(
        answers,
        logits=spread(odds, target, shares),
        notes=(*answers.notes, f"{note}P(relevant) was {how}"),
        ranking=odds if answers.ranking is None else answers.ranking,
    )


def spread(odds: Floats, scheme: LabelScheme, shares: Floats) -> Floats:
    """Return (pairs, classes) log probabilities whose relevant part has these (pairs,) log-odds.

    The order of the pairs stays that of the odds, which Predictions.ranking stores separately: an
    expected grade computed from the spread mass saturates at the mean of its grades.

    shares: (classes,) positive; the mass of the relevant grades, and that of the others, is split
        in these proportions.
    """
    good = np.arange(len(scheme)) >= scheme.relevant_from
    within = np.where(good, shares / shares[good].sum(), shares / shares[~good].sum())
    z = np.asarray(odds, dtype=np.float64)[:, None]
    return np.asarray(-np.logaddexp(0.0, np.where(good, -z, z)) + np.log(within))


def grade_shares(pairs: PairTable, rows: NDArray[np.int64] | None = None) -> tuple[Floats, str]:
    """Return (classes,) shares of the grades, one count added to each, and how they were counted.

    rows: of the evaluated pairs; the labels of the other pairs are used where there are any, so
        that the evaluated labels have no influence. None: all pairs.
    """
    evaluated = np.arange(len(pairs)) if rows is None else rows
    others = np.setdiff1d(np.arange(len(pairs)), evaluated)
    samples = (
        (others, "{} pairs that are not evaluated"),
        (evaluated, "these {} pairs themselves"),
    )
    for sample, description in samples:
        grades = pairs.grades[sample]
        grades = grades[grades != UNLABELLED]
        if len(grades):
            counts = np.bincount(grades, minlength=len(pairs.scheme)) + 1.0
            labels = f"the labels of {description.format(f'{len(grades):,}')}"
            return counts / counts.sum(), f"spread over the grades in the proportions of {labels}"
    even = np.full(len(pairs.scheme), 1 / len(pairs.scheme))
    return even, "spread evenly over the grades: no pair is labelled"
