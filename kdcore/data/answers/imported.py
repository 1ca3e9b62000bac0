"""Import predictions of a model elsewhere: align them with pairs and turn them into logits.

One number per pair is turned into grades as follows, and the Predictions' notes say how. The number
itself is stored beside the logits, in double precision, and alone orders the ads:

relevance  P(relevant), 0 to 1. It is spread over the relevant grades by their share of the labels,
           the rest over the others likewise, so that relevance(softmax(logits)) is that number.
logit      any real z, read as P(relevant) = 1 / (1 + exp(-z)).
score      any real s, P(relevant) = sigmoid(a s + b); a and b are fitted (logistic regression) on
           labelled pairs of the file that are not evaluated, where there are 50 or more of both
           kinds and a > 0. Else s is standardised by median and quartiles: its order has a
           meaning, its probabilities have none.
grade      a grade k of K: probability 1 - s + s / K for k and s / K for each other grade, s the
           smoothing that the caller chose (label smoothing). Ours: a judge gives no such share.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.alignment import align
from kdcore.data.answers.choice import BY_NAME, ColumnChoice, ReadColumns
from kdcore.data.answers.choice import KINDS as KIND_TITLES
from kdcore.data.answers.grades import SUM_SLACK
from kdcore.data.answers.reading import Answers, read_answers
from kdcore.data.answers.regrade import grade_shares, spread
from kdcore.data.answers.texts import Expected
from kdcore.data.files.problems import listed, refusal
from kdcore.data.pairs import ALL, UNLABELLED, PairTable, part_of
from kdcore.predictions import Origin, Predictions

KINDS = tuple(KIND_TITLES)
LEAST_TO_FIT = 50  # labelled pairs of each kind
_TINY = 1e-9  # what a probability of exactly 0 counts as: it has no logit
_STEEPEST = float(-np.log(_TINY))  # log-odds that a free score may reach; its order stands apart
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Read:
    """How a file of answers was read.

    rows: of the file. columns: which column was read as what, and as which kind of numbers.
    aligned: how its rows were matched with pairs. pairs: how many should have an answer; answered:
    how many have one. notes: everything else that a reader must know, a sentence each.
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
    """Answers from a file, the pairs that they answer, row for row, and how they were read."""

    predictions: Predictions
    pairs: PairTable
    read: Read


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
    description), or the ids of query and ad, as those of a TREC run. model: the model's name;
    role: a key of predictions.ROLES, "" when not known; student: for a twin the name of the
    student that it belongs to. partial: pairs without an answer are left out, and the predictions
    belong to the others. file: what the file is called.
    DataError lists every missing, doubled or unreadable row at once.
    """
    requested = np.arange(len(pairs))
    if split != ALL:
        requested = np.flatnonzero((pairs.frame["split"] == split).to_numpy())
    part = part_of(pairs, split)
    expected = Expected(pairs, requested)
    answers = read_answers(path, expected, choice, partial=partial, file=file)
    aligned = align(answers, pairs, requested, partial)
    others = np.setdiff1d(np.flatnonzero(aligned.row_of >= 0), requested)
    rows = np.flatnonzero(aligned.row_of[requested] >= 0)
    logits, ranking, notes = as_logits(
        answers, aligned.row_of, pairs, requested[rows], others, requested, choice.smoothing
    )
    columns = answers.columns
    taken = f"the predictions are in {listed(columns.answer)}"
    unused = (f"not used: {listed(columns.ignored)}",) if columns.ignored else ()
    notes = (*aligned.notes, taken, *unused, *answers.notes, *notes)
    answered = part if len(rows) == len(part) else part.take(rows)
    predictions = Predictions(
        logits,
        answered.content_hash,
        model,
        notes=(f"imported from {answers.file}", f"aligned {aligned.how}", *notes),
        origin=Origin(columns.kind, role, student, part.content_hash),
        rows=None if answered is part else rows,
        ranking=ranking,
    )
    read = Read(answers.file, len(answers), columns, aligned.how, len(part), len(rows), notes)
    return Brought(predictions, answered, read)


def as_logits(
    answers: Answers,
    row_of: Rows,
    pairs: PairTable,
    requested: Rows,
    others: Rows,
    part: Rows,
    smoothing: float,
) -> tuple[Floats, Floats | None, tuple[str, ...]]:
    """Return (requested, classes) logits, (requested,) ranking numbers or None, and notes on both.

    row_of: (pairs,) the row of the answers for each pair. others: answered pairs on whose labels a
    free score may be fitted. part: rows whose labels must have no influence. smoothing: see above.
    """
    values = answers.values[row_of[requested]]
    if answers.kind == "logits":
        return values, None, ("logits used unchanged",)
    if answers.kind == "probabilities":
        _check_probabilities(answers)
        parts = _positive(values)
        logits = np.log(parts / parts.sum(axis=1, keepdims=True))
        return logits, None, ("probabilities turned into logits", *_clipped(values == 0))
    number = values[:, 0]
    if answers.kind == "grade":
        return _of_grades(number, len(pairs.scheme), smoothing)
    if answers.kind == "relevance":
        _check_relevance(answers)
        odds = np.log(_positive(number)) - np.log(_positive(1 - number))
        notes = (
            ("one number per pair, read as P(relevant)"),
            *_clipped((number == 0) | (number == 1)),
        )
    elif answers.kind == "logit":
        odds, notes = number, ("one number per pair, read as the logit of P(relevant)",)
    else:
        labelled = others[pairs.grades[others] != UNLABELLED]
        scores = answers.values[row_of[labelled], 0]
        odds, note = odds_of_score(number, scores, pairs.relevant[labelled])
        notes = (note,)
    shares, how = grade_shares(pairs, part)
    notes = (*notes, how) if len(pairs.scheme) > 2 else notes
    return spread(odds, pairs.scheme, shares), number, notes


def _of_grades(
    grades: Floats, classes: int, smoothing: float
) -> tuple[Floats, Floats, tuple[str, ...]]:
    others = smoothing / classes
    chances = (1 - smoothing) * (grades[:, None] == np.arange(classes)) + others
    its, rest = f"{1 - smoothing + others:.3g}", f"{others:.3g}"
    note = f"one grade per pair: its probability is {its}, that of each other grade to {rest}"
    return np.log(_positive(chances)), grades, (note,)


def _positive(probabilities: Floats) -> Floats:
    """Replace 0 by 1e-9 or less, below every positive probability, so that no order changes."""
    above = probabilities[probabilities > 0]
    least = min(_TINY, float(above.min()) / 2) if len(above) else _TINY
    return np.where(probabilities > 0, probabilities, max(least, np.finfo(np.float64).tiny))


def _clipped(exact: NDArray[np.bool_]) -> tuple[str, ...]:
    count = int(exact.sum())
    note = f"{count:,} probabilities of exactly 0 or 1 have no logit and count as {_TINY:g} from it"
    return (f"{note}, which bounds their NLL",) if count else ()


def odds_of_score(
    scores: Floats, labelled_scores: Floats, relevant: NDArray[np.bool_]
) -> tuple[Floats, str]:
    """Turn (pairs,) free scores into log-odds; return them and how.

    labelled_scores, relevant: scores and labels of pairs that are not evaluated, to fit on.
    """
    why = "only its order has a meaning; calibration and KL of these predictions have none"
    if min(relevant.sum(), (~relevant).sum()) >= LEAST_TO_FIT and np.ptp(labelled_scores) > 0:
        a, b = fit_logistic(labelled_scores, relevant)
        on = f"fitted on {len(labelled_scores):,} labelled pairs that are not evaluated"
        if a > 0:
            formula = f"P(relevant) = sigmoid({a:.4g} s {_signed(b)}), {on}"
            return np.clip(a * scores + b, -_STEEPEST, _STEEPEST), formula
        why += f" (a curve {on}, falls as the score rises)"
    low, middle, high = np.percentile(scores, [25, 50, 75])
    scale = (high - low) / 1.349 or float(scores.std()) or 1.0
    formula = f"P(relevant) = sigmoid((s {_signed(-middle)}) / {scale:.4g}), the score standardised"
    with np.errstate(over="ignore", invalid="ignore"):
        odds = np.nan_to_num(scores / scale - middle / scale)
    return np.clip(odds, -_STEEPEST, _STEEPEST), f"{formula}: {why}"


def _signed(number: float) -> str:
    """A number to add, as a formula has it: "+ 0.5" or "− 0.5"."""
    return f"{'−' if number < 0 else '+'} {abs(number):.4g}"


def fit_logistic(scores: Floats, relevant: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit (a, b) of P(relevant) = sigmoid(a s + b) by Newton's method.

    A small penalty on the standardised slope keeps separable scores finite.
    """
    centre, scale = float(scores.mean()), float(scores.std()) or 1.0
    x = np.stack([(scores - centre) / scale, np.ones_like(scores)], axis=1)
    y, weights, pull = relevant.astype(float), np.zeros(2), np.diag([1e-2, 1e-6])
    for _ in range(50):
        p = np.exp(-np.logaddexp(0.0, -(x @ weights)))  # the sigmoid, without overflow
        gradient = x.T @ (y - p) - pull @ weights
        curvature = (x * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ x + pull
        step = np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0] / scale), float(weights[1] - weights[0] * centre / scale)


def _check_probabilities(answers: Answers) -> None:
    outside = np.any((answers.values < 0) | (answers.values > 1), axis=1)
    totals = answers.values.sum(axis=1)
    bad = np.flatnonzero(outside | (np.abs(totals - 1) > SUM_SLACK)).tolist()
    problems = [
        answers.problem(row, f"its probabilities sum to {totals[row]:.4g}", "let them sum to 1")
        if not outside[row]
        else answers.problem(row, "a probability is outside 0..1", "give logits, or correct it")
        for row in bad
    ]
    if problems:
        raise refusal(f"{answers.file} holds no probabilities ({len(bad):,} problems):", problems)


def _check_relevance(answers: Answers) -> None:
    bad = np.flatnonzero((answers.values[:, 0] < 0) | (answers.values[:, 0] > 1)).tolist()
    problems = [
        answers.problem(
            row, f"{answers.values[row, 0]:.4g} is outside 0..1", "import it as a score"
        )
        for row in bad
    ]
    if problems:
        raise refusal(f"{answers.file} holds no P(relevant) ({len(bad):,} problems):", problems)
