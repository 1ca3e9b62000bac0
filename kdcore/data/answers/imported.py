"""Imported predictions: those of a model elsewhere, aligned to pairs and saved as logits.

One number a pair is turned into grades like this, and the Predictions' notes say which it was. The
number itself is kept beside the logits, in double precision, and alone ranks:

relevance  P(relevant), 0 to 1. It is spread over the relevant grades by their share of the labels,
           the rest over the others likewise, so that relevance(softmax(logits)) is that number.
logit      any real z, read as P(relevant) = 1 / (1 + exp(-z)).
score      any real s, P(relevant) = sigmoid(a s + b); a and b are fitted (logistic regression) on
           labelled pairs of the file that are not looked at, where there are 50 or more of both
           kinds and a > 0. Else s is standardised by median and quartiles: its order means
           something, its probabilities do not.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.alignment import align
from kdcore.data.answers.choice import BY_NAME, ColumnChoice, ReadColumns, listed
from kdcore.data.answers.choice import KINDS as KIND_TITLES
from kdcore.data.answers.reading import Answers, read_answers
from kdcore.data.answers.regrade import grade_shares, spread
from kdcore.data.answers.texts import Expected
from kdcore.data.files.problems import refusal
from kdcore.data.pairs import ALL, UNLABELLED, PairTable, part_of
from kdcore.predictions import Origin, Predictions

KINDS = tuple(KIND_TITLES)
LEAST_TO_FIT = 50  # labelled pairs of each kind
_SUM_SLACK = 0.01  # rounded probabilities of a file need not sum to 1
_TINY = 1e-9  # what a probability of exactly 0 counts as: it has no logit
_STEEPEST = float(-np.log(_TINY))  # log-odds that a free score may reach; its order stands apart
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
    logits, ranking, notes = _as_logits(found, aligned.row_of, pairs, asked[rows], aside, asked)
    columns = found.columns
    taken = f"the predictions are in {listed(list(columns.answer))}"
    unused = (f"not used: {listed(list(columns.ignored))}",) if columns.ignored else ()
    notes = (*aligned.notes, taken, *unused, *found.notes, *notes)
    answered = part if len(rows) == len(part) else part.take(rows)
    predictions = Predictions(
        logits,
        answered.content_hash,
        model,
        notes=(f"imported from {found.file}", f"aligned {aligned.how}", *notes),
        origin=Origin(columns.kind, role, student, part.content_hash),
        rows=None if answered is part else rows,
        ranking=ranking,
    )
    read = Read(found.file, len(found), columns, aligned.how, len(part), len(rows), notes)
    return Brought(predictions, answered, read)


def _as_logits(
    found: Answers, row_of: Rows, pairs: PairTable, asked: Rows, aside: Rows, part: Rows
) -> tuple[Floats, Floats | None, tuple[str, ...]]:
    """(asked, classes) logits, (asked,) the one number that ranks, if any, and how they were made.

    part: rows of the whole split.
    """
    values = found.values[row_of[asked]]
    if found.kind == "logits":
        return values, None, ("logits used unchanged",)
    if found.kind == "probabilities":
        _check_probabilities(found)
        parts = _positive(values)
        logits = np.log(parts / parts.sum(axis=1, keepdims=True))
        return logits, None, ("probabilities turned into logits", *_clipped(values == 0))
    number = values[:, 0]
    if found.kind == "relevance":
        _check_relevance(found)
        odds = np.log(_positive(number)) - np.log(_positive(1 - number))
        notes = (
            ("one number per pair, read as P(relevant)"),
            *_clipped((number == 0) | (number == 1)),
        )
    elif found.kind == "logit":
        odds, notes = number, ("one number per pair, read as the logit of P(relevant)",)
    else:
        kept = aside[pairs.grades[aside] != UNLABELLED]
        scores = found.values[row_of[kept], 0]
        odds, note = odds_of_score(number, scores, pairs.relevant[kept])
        notes = (note,)
    shares, told = grade_shares(pairs, part)
    notes = (*notes, told) if len(pairs.scheme) > 2 else notes
    return spread(odds, pairs.scheme, shares), number, notes


def _positive(probabilities: Floats) -> Floats:
    """Probabilities, a 0 as 1e-9 or less: below all that are greater, so that no order changes."""
    above = probabilities[probabilities > 0]
    least = min(_TINY, float(above.min()) / 2) if len(above) else _TINY
    return np.where(probabilities > 0, probabilities, max(least, np.finfo(np.float64).tiny))


def _clipped(exact: NDArray[np.bool_]) -> tuple[str, ...]:
    count = int(exact.sum())
    said = f"{count:,} probabilities of exactly 0 or 1 have no logit and count as {_TINY:g} from it"
    return (f"{said}, which bounds their NLL",) if count else ()


def odds_of_score(scores: Floats, known: Floats, relevant: NDArray[np.bool_]) -> tuple[Floats, str]:
    """(pairs,) log-odds of free scores, and how they were made; known: labelled ones set aside."""
    why = "only its order has a meaning; calibration and KL of these predictions have none"
    if min(relevant.sum(), (~relevant).sum()) >= LEAST_TO_FIT and np.ptp(known) > 0:
        a, b = fit_logistic(known, relevant)
        on = f"fitted on {len(known):,} labelled pairs that are not looked at"
        if a > 0:
            said = f"P(relevant) = sigmoid({a:.4g} s {b:+.4g}), {on}"
            return np.clip(a * scores + b, -_STEEPEST, _STEEPEST), said
        why += f" (a curve {on}, falls as the score rises)"
    low, middle, high = np.percentile(scores, [25, 50, 75])
    scale = (high - low) / 1.349 or float(scores.std()) or 1.0
    said = f"P(relevant) = sigmoid((s {-middle:+.4g}) / {scale:.4g}), the score standardised"
    with np.errstate(over="ignore", invalid="ignore"):
        odds = np.nan_to_num(scores / scale - middle / scale)
    return np.clip(odds, -_STEEPEST, _STEEPEST), f"{said}: {why}"


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
        else found.problem(row, "a probability is outside 0..1", "give logits, or correct it")
        for row in bad
    ]
    if problems:
        raise refusal(f"{found.file} holds no probabilities ({len(bad):,} problems):", problems)


def _check_relevance(found: Answers) -> None:
    bad = np.flatnonzero((found.values[:, 0] < 0) | (found.values[:, 0] > 1)).tolist()
    problems = [
        found.problem(row, f"{found.values[row, 0]:.4g} is outside 0..1", "import it as a score")
        for row in bad
    ]
    if problems:
        raise refusal(f"{found.file} holds no P(relevant) ({len(bad):,} problems):", problems)
