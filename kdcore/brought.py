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

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdcore.datasets.answers import Answers, read_answers
from kdcore.datasets.rows import Problem, quoted, refusal
from kdcore.errors import DataError
from kdcore.pairs import ALL, UNLABELLED, PairTable, part_of
from kdcore.predictions import Predictions
from kdcore.regrade import grade_shares, spread
from kdcore.workspace import Workspace, check_name, slug

KINDS = ("auto", "logits", "probabilities", "relevance", "logit", "score")
LEAST_TO_FIT = 50  # labelled pairs of each kind
_UNNAMED = "(the file names no pair)"
_LONGEST, _MARK = 80, 8  # letters of a name and of the hash behind it in a file's name
_SUM_SLACK = 0.01  # rounded probabilities of a file need not sum to 1
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aligned:
    """Which row of the file answers each pair of the table; -1 where none does."""

    row_of: Rows
    notes: tuple[str, ...]


def bring(
    path: Path,
    pairs: PairTable,
    split: str = ALL,
    *,
    model: str,
    kind: str = "auto",
    column: str = "",
) -> Predictions:
    """The answers of a file to one split of a data set (or to "all" its pairs).

    Rows stand in the order of the whole table or of the split, or carry query and title (and
    description). DataError tells every missing, doubled or unreadable row at once.
    """
    found = read_answers(path, len(pairs.scheme), kind, column)
    asked = np.arange(len(pairs))
    if split != ALL:
        asked = np.flatnonzero((pairs.frame["split"] == split).to_numpy())
    aligned = _align(found, pairs, asked)
    aside = np.setdiff1d(np.flatnonzero(aligned.row_of >= 0), asked)
    logits, notes = _as_logits(found, aligned.row_of, pairs, asked, aside)
    said = (f"brought from {found.file}", *aligned.notes, *notes)
    return Predictions(
        logits.astype(np.float32), part_of(pairs, split).content_hash, model, notes=said
    )


def brought_path(workspace: Workspace, data: str, name: str, data_hash: str) -> Path:
    """Where brought predictions lie: by data set, name (any text) and the hash of their pairs.

    So one name may answer several splits, each in a file of its own.
    """
    folder = workspace.data_folder(data) / "brought"
    stem = f"{slug(name)[:_LONGEST].rstrip('._-')}-{data_hash[:_MARK]}"
    return folder / f"{check_name(stem, 'name of predictions')}.parquet"


def brought_name(path: Path) -> str:
    """What such a file is called, without the mark of its pairs."""
    return re.sub(rf"-[0-9a-f]{{{_MARK}}}$", "", path.stem)


def _align(found: Answers, pairs: PairTable, asked: Rows) -> Aligned:
    """By order where the lengths fit (and the texts, if the file has any, agree), else by text."""
    whole = np.arange(len(pairs))
    for targets, what in ((whole, "all pairs"), (asked, "these pairs")):
        if len(found) == len(targets) and _agree(found, pairs, targets):
            row_of = np.full(len(pairs), -1)
            row_of[targets] = np.arange(len(targets))
            how = f"and with their {', '.join(found.keys)}" if found.keys else _UNNAMED
            how = "and with their texts" if _names(found) else how
            return Aligned(row_of, (f"aligned by order with {what} {how}",))
    if _names(found):
        return _by_text(found, pairs, asked)
    raise _unaligned(found, pairs, asked)


def _names(found: Answers) -> bool:
    """Whether the file says of each row which pair it is."""
    return {"query", "title"} <= set(found.keys)


def _unaligned(found: Answers, pairs: PairTable, asked: Rows) -> DataError:
    held = f"{len(asked):,}" + (f" (or all {len(pairs):,})" if len(asked) < len(pairs) else "")
    what = f"it has {len(found):,} rows where the data has {held} pairs"
    if len(found) in (len(asked), len(pairs)):
        has = ", ".join(found.keys)
        what = f"its rows stand in another order than the pairs (its {has} is not theirs)"
    cure = "bring a row for each pair in their order, or add columns query and title"
    return refusal(f"{found.file} cannot be aligned:", [Problem(found.file, 0, what, cure)])


def _agree(found: Answers, pairs: PairTable, targets: Rows) -> bool:
    frame = pairs.frame.iloc[targets]
    return all(list(map(_plain, frame[c])) == list(map(_plain, t)) for c, t in found.keys.items())


def _plain(text: str) -> str:
    return " ".join(text.split())


def _texts(columns: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return list(zip(*([_plain(text) for text in column] for column in columns), strict=True))


def _by_text(found: Answers, pairs: PairTable, asked: Rows) -> Aligned:
    names = list(found.keys)
    problems: list[Problem] = []
    row_at: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(_texts([found.keys[name] for name in names])):
        first = row_at.setdefault(key, row)
        if first != row and not np.array_equal(found.values[first], found.values[row]):
            what = f"this pair was answered otherwise in {found.unit} {found.lines[first]}"
            problems.append(found.problem(row, what, "keep one of the two"))
    keys = _texts([pairs.frame[name].tolist() for name in names])
    row_of = np.array([row_at.get(key, -1) for key in keys], dtype=np.int64)
    problems += _missing(found, pairs, asked, row_of, names)
    if problems:
        count = f"{len(problems):,} problem{'s'[: len(problems) > 1]}"
        raise refusal(f"{found.file} cannot be aligned ({count}):", problems)
    spare = len(found) - len(np.unique(row_of[row_of >= 0]))
    extra = (f"{spare:,} rows of the file belong to no pair here and were left out",)
    return Aligned(row_of, (f"aligned by {', '.join(names)}", *(extra if spare else ())))


def _missing(
    found: Answers, pairs: PairTable, asked: Rows, row_of: Rows, names: list[str]
) -> list[Problem]:
    """A problem for each pair without an answer, and for pairs that the file cannot tell apart."""
    cure = "add a row for it"
    problems = [
        Problem(found.file, 0, f"no row for query {quoted(query)}, title {quoted(title)}", cure)
        for query, title in pairs.frame.iloc[asked[row_of[asked] < 0]][["query", "title"]].values
    ]
    if "description" not in names:
        ads = pairs.frame.iloc[asked][["query", "title", "description"]].drop_duplicates()
        doubled = ads[ads.duplicated(["query", "title"])]
        what = "{} pairs differ in their description only, which the file leaves out"
        if len(doubled):
            cure = "add a column description"
            problems.append(Problem(found.file, 0, what.format(f"{len(doubled):,}"), cure))
    return problems


def _as_logits(
    found: Answers, row_of: Rows, pairs: PairTable, asked: Rows, aside: Rows
) -> tuple[Floats, tuple[str, ...]]:
    """(asked, classes) logits, and sentences on how they were made."""
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
    shares, told = grade_shares(pairs, asked)
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
