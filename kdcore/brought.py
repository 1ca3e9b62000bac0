"""Predictions brought as a file: what a model elsewhere said, aligned to pairs and kept as logits.

One number a pair is turned into grades like this, and the Predictions' notes say which it was:

relevance  P(relevant), 0 to 1. It is spread over the relevant grades by their share of the labels,
           the rest over the others likewise, so that relevance(softmax(logits)) is that number.
logit      any real z, read as P(relevant) = 1 / (1 + exp(-z)).
score      any real s, P(relevant) = sigmoid(a s + b); a and b are fitted (logistic regression) on
           labelled pairs of the file that are not looked at, where there are 50 or more of both
           kinds. Else s is standardised by median and quartiles: its order means something, its
           probabilities do not.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.datasets.alignment import align
from kdcore.datasets.answer_choice import BY_NAME, ColumnChoice, ReadColumns, listed
from kdcore.datasets.answer_choice import KINDS as KIND_TITLES
from kdcore.datasets.answer_texts import Expected
from kdcore.datasets.answers import Answers, read_answers
from kdcore.datasets.rows import refusal
from kdcore.pairs import ALL, UNLABELLED, PairTable, part_of
from kdcore.predictions import Origin, Predictions
from kdcore.regrade import grade_shares, spread

KINDS = tuple(KIND_TITLES)
LEAST_TO_FIT = 50  # labelled pairs of each kind
_SUM_SLACK = 0.01  # rounded probabilities of a file need not sum to 1
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Read:
    """What was read of a file of answers.

    rows: of the file. columns: which column was taken for what, and as which kind of numbers.
    aligned: how its rows found their pairs. pairs: how many should have an answer; answered: how
    many have one. notes: everything else that a reader must know, a sentence each.
    """

    file: str
    rows: int
    columns: ReadColumns
    aligned: str
    pairs: int
    answered: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Brought:
    """Answers from a file, the pairs that they answer, row for row, and what was read."""

    predictions: Predictions
    pairs: PairTable
    read: Read


def bring(
    path: Path,
    pairs: PairTable,
    split: str = ALL,
    *,
    model: str,
    kind: str = "auto",
    column: str = "",
) -> Predictions:
    """The answers of a file to every pair of one split (or with "all" of the table)."""
    choice = ColumnChoice(kind, column)
    return bring_file(path, pairs, split, model=model, choice=choice).predictions


def bring_file(
    path: Path,
    pairs: PairTable,
    split: str = ALL,
    *,
    model: str,
    choice: ColumnChoice = BY_NAME,
    partial: bool = False,
    role: str = "",
    student: str = "",
    file: str = "",
) -> Brought:
    """Read the answers of a file to one split of a data set (or with "all" to all its pairs).

    Rows stand in the order of the whole table or of the split, or carry query and title (and
    description). model: the model's name; role: a key of predictions.ROLES, "" when not known;
    student: for a twin the name of the student that it belongs to. partial: pairs without an
    answer are left out, and the predictions belong to the others. file: what the file is called.
    DataError tells every missing, doubled or unreadable row at once.
    """
    asked = np.arange(len(pairs))
    if split != ALL:
        asked = np.flatnonzero((pairs.frame["split"] == split).to_numpy())
    part = part_of(pairs, split)
    found = read_answers(
        path,
        Expected(pairs, asked),
        choice,
        partial=partial,
        file=file,
    )
    aligned = align(found, pairs, asked, choice.controls, partial)
    aside = np.setdiff1d(np.flatnonzero(aligned.row_of >= 0), asked)
    rows = np.flatnonzero(aligned.row_of[asked] >= 0)
    logits, notes = _as_logits(found, aligned.row_of, pairs, asked[rows], aside, asked)
    columns = found.columns
    taken = f"the answer is in {listed(list(columns.answer))}"
    unused = (f"not used: {listed(list(columns.ignored))}",) if columns.ignored else ()
    notes = (*aligned.notes, taken, *unused, *found.notes, *notes)
    answered = part if len(rows) == len(part) else part.take(rows)
    predictions = Predictions(
        logits.astype(np.float32),
        answered.content_hash,
        model,
        notes=(f"brought from {found.file}", f"aligned {aligned.how}", *notes),
        origin=Origin(columns.kind, role, student, part.content_hash),
        rows=None if answered is part else rows,
    )
    read = Read(found.file, len(found), columns, aligned.how, len(part), len(rows), notes)
    return Brought(predictions, answered, read)


def _as_logits(
    found: Answers, row_of: Rows, pairs: PairTable, asked: Rows, aside: Rows, part: Rows
) -> tuple[Floats, tuple[str, ...]]:
    """(asked, classes) logits, and sentences on how they were made; part: the whole split."""
    values = found.values[row_of[asked]]
    if found.kind == "logits":
        return values, ("logits as they stand",)
    if found.kind == "probabilities":
        _check_probabilities(found)
        parts = np.maximum(values, 1e-9)  # exactly 0 has no logit
        return np.log(parts / parts.sum(axis=1, keepdims=True)), ("logits are log probabilities",)
    if found.kind == "relevance":
        _check_relevance(found)
        chance, note = values[:, 0], "one number a pair, read as P(relevant)"
    elif found.kind == "logit":
        chance, note = _sigmoid(values[:, 0]), "one number a pair, read as the logit of P(relevant)"
    else:
        kept = aside[pairs.grades[aside] != UNLABELLED]
        scores = found.values[row_of[kept], 0]
        chance, note = chance_of_score(values[:, 0], scores, pairs.relevant[kept])
    shares, told = grade_shares(pairs, part)
    notes = (note, told) if len(pairs.scheme) > 2 else (note,)
    return spread(chance, pairs.scheme, shares), notes


def chance_of_score(
    scores: Floats, known: Floats, relevant: NDArray[np.bool_]
) -> tuple[Floats, str]:
    """(pairs,) P(relevant) of free scores, and how it was made; known: labelled ones set aside."""
    if min(relevant.sum(), (~relevant).sum()) >= LEAST_TO_FIT and np.ptp(known) > 0:
        a, b = fit_logistic(known, relevant)
        said = f"P(relevant) = sigmoid({a:.4g} s {b:+.4g}), fitted on {len(known):,} labelled pairs"
        return _sigmoid(a * scores + b), f"{said} that are not looked at"
    low, middle, high = np.percentile(scores, [25, 50, 75])
    scale = (high - low) / 1.349 or float(scores.std()) or 1.0
    said = f"P(relevant) = sigmoid((s {-middle:+.4g}) / {scale:.4g}), the score standardised"
    return _sigmoid((scores - middle) / scale), (
        f"{said}: only its order means something; calibration and KL of these answers do not"
    )


def fit_logistic(scores: Floats, relevant: NDArray[np.bool_]) -> tuple[float, float]:
    """(a, b) of P(relevant) = sigmoid(a s + b) by Newton's method.

    A faint pull of the standardised slope towards 0 keeps separable scores finite.
    """
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    x = np.stack([(scores - centre) / scale, np.ones_like(scores)], axis=1)
    y, weights, pull = relevant.astype(float), np.zeros(2), np.diag([1e-2, 1e-6])
    for _ in range(50):
        p = _sigmoid(x @ weights)
        gradient = x.T @ (y - p) - pull @ weights
        curvature = (x * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ x + pull
        step = np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0] / scale), float(weights[1] - weights[0] * centre / scale)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))


def _check_probabilities(found: Answers) -> None:
    outside = np.any((found.values < 0) | (found.values > 1), axis=1)
    sums = found.values.sum(axis=1)
    bad = np.flatnonzero(outside | (np.abs(sums - 1) > _SUM_SLACK)).tolist()
    problems = [
        found.problem(row, f"its probabilities sum to {sums[row]:.4g}", "let them sum to 1")
        if not outside[row]
        else found.problem(row, "a probability is outside 0..1", "bring logits, or mend it")
        for row in bad
    ]
    if problems:
        raise refusal(f"{found.file} holds no probabilities ({len(bad):,} problems):", problems)


def _check_relevance(found: Answers) -> None:
    bad = np.flatnonzero((found.values[:, 0] < 0) | (found.values[:, 0] > 1)).tolist()
    problems = [
        found.problem(row, f"{found.values[row, 0]:.4g} is outside 0..1", "bring it as a score")
        for row in bad
    ]
    if problems:
        raise refusal(f"{found.file} holds no P(relevant) ({len(bad):,} problems):", problems)
