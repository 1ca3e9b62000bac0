"""Match answers with pairs, count what does not match, and make predictions of the rest.

A judge that names one grade says nothing of the others, so its probabilities are made here (ours,
from no paper): the named grade gets its confidence, at least 1 / classes, or where it gave none the
probability that a file of grades gets (see data/answers/imported.py); the other grades share the
rest evenly. Pages mark what is computed from such probabilities.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdcore.data.answers.choice import BY_NAME
from kdcore.data.judge.replies import Reply
from kdcore.data.judge.requests import pair_ids
from kdcore.data.pairs import PairTable, part_of
from kdcore.errors import DataError
from kdcore.predictions import Origin, Predictions

_LEAST = 1e-9  # what a probability of 0 counts as: it has no logit
_EXAMPLES = 3


@dataclass(frozen=True)
class Counts:
    """What became of the lines of a file of answers.

    lines: of the file. refusals: reason -> how many. repeated: answers to a pair that agree with
    an earlier one; contradicted: pairs with several answers of different grades, which are left
    out. unknown: ids of no pair of the data; elsewhere: of pairs of another split. pairs:
    different pairs that should be answered; missing: those of them without an answer.
    """

    lines: int
    refusals: Mapping[str, int]
    repeated: int
    contradicted: int
    unknown: int
    elsewhere: int
    pairs: int
    missing: int


@dataclass(frozen=True)
class Judgments:
    """The answers of a judge to the pairs of a split.

    part: the pairs of the split. grades: (pairs,) the named grade, -1 without an answer.
    probabilities: (pairs, classes), nan without an answer. kind: what the judge gave, see
    predictions.Origin; "grade" where probabilities were made here. examples: a sentence each for
    some answers that were not used. notes: a sentence each.
    """

    part: PairTable
    grades: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    kind: str
    counts: Counts
    examples: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Positions of the answered pairs in the split."""
        return np.flatnonzero(self.grades >= 0)


def judgments(
    replies: Sequence[Reply], pairs: PairTable, split: str, requested: Iterable[str] = ()
) -> Judgments:
    """Match answers with the pairs of a split by their ids; DataError when none of them fits.

    requested: ids that were sent to the judge; without them, all pairs of the split.
    """
    part = part_of(pairs, split)
    ids, everywhere = pair_ids(part), set(pair_ids(pairs))
    here = set(ids)
    readable = [reply for reply in replies if not reply.refusal]
    answers: dict[str, list[Reply]] = {}
    for reply in readable:
        if reply.id in here:
            answers.setdefault(reply.id, []).append(reply)
    contradicted = {k: v for k, v in answers.items() if len({r.grade for r in v}) > 1}
    usable = {k: v[0] for k, v in answers.items() if k not in contradicted}
    if not usable:
        raise _unmatched(replies, readable, everywhere, part, split)
    expected = (set(requested) or here) & here
    counts = Counts(
        len(replies),
        dict(Counter(reply.refusal for reply in replies if reply.refusal).most_common()),
        sum(len(v) - 1 for k, v in answers.items() if k in usable),
        len(contradicted),
        sum(reply.id not in everywhere for reply in readable),
        sum(reply.id in everywhere - here for reply in readable),
        len(expected),
        len(expected - set(usable)),
    )
    classes = len(pairs.scheme)
    grades = np.array([usable[k].grade if k in usable else -1 for k in ids], dtype=np.int64)
    shares = {k: _probabilities(reply, classes) for k, reply in usable.items()}
    nothing = np.full(classes, np.nan)
    probabilities = np.array([shares.get(k, nothing) for k in ids])
    kind = _kind(list(usable.values()), classes)
    examples = (*_refused(replies), *_contradictions(contradicted, part))
    notes = _notes(list(usable.values()), classes)
    return Judgments(part, grades, probabilities, kind, counts, examples, notes)


def predictions_of(
    judge: Judgments, model: str, file: str, role: str = "teacher"
) -> tuple[Predictions, PairTable]:
    """Make predictions of the answered pairs, and return them with these pairs.

    model: the judge's name. file: the name of the file of answers.
    """
    rows, part = judge.rows, judge.part
    whole = len(rows) == len(part)
    answered = part if whole else part.take(rows)
    shares = judge.probabilities[rows]
    predictions = Predictions(
        np.log(np.maximum(shares, _LEAST)),
        answered.content_hash,
        model,
        notes=(f"imported from {file}", "matched by the ids of the pairs", *judge.notes),
        origin=Origin(judge.kind, role, "", part.content_hash),
        rows=None if whole else rows,
    )
    return predictions, answered


def _kind(replies: Sequence[Reply], classes: int) -> str:
    """Name what the judge gave; of two grades, a grade with its confidence says everything."""
    if all(reply.probabilities for reply in replies):
        return "probabilities"
    sure = all(reply.probabilities or reply.confidence >= 1 / classes for reply in replies)
    return "label_score" if classes == 2 and sure else "grade"


def _probabilities(reply: Reply, classes: int) -> NDArray[np.float64]:
    if reply.probabilities:
        return np.asarray(reply.probabilities)
    confidence = max(reply.confidence, 1 / classes)
    if np.isnan(reply.confidence):
        confidence = 1 - BY_NAME.smoothing * (1 - 1 / classes)
    shares = np.full(classes, (1 - confidence) / (classes - 1))
    shares[reply.grade] = confidence
    return shares


def _notes(replies: Sequence[Reply], classes: int) -> tuple[str, ...]:
    """Say where probabilities come from, and which answers do not agree with themselves."""
    notes = []
    given = [reply for reply in replies if reply.probabilities]
    named = [reply for reply in replies if not reply.probabilities]
    if given:
        notes.append(f"{len(given):,} answers give a probability for each grade")
    if named:
        unsure = sum(np.isnan(reply.confidence) for reply in named)
        smoothed = 1 - BY_NAME.smoothing * (1 - 1 / classes)
        other = f", or {smoothed:.3g} in the {unsure:,} answers that state none" if unsure else ""
        notes.append(
            f"{len(named):,} answers name a grade without probabilities: the grade gets the stated "
            f"confidence{other}, and the other grades share the rest evenly"
        )
    low = sum(reply.confidence < 1 / classes for reply in named)
    if low:
        notes.append(
            f"{low:,} confidences are below {1 / classes:.2g}, an equal share, and are raised to it"
        )
    odd = sum(r.probabilities[r.grade] < max(r.probabilities) for r in given)
    if odd:
        notes.append(
            f"{odd:,} answers name a grade to which they do not give the highest probability"
        )
    return tuple(notes)


def _refused(replies: Sequence[Reply]) -> list[str]:
    refused = [reply for reply in replies if reply.refusal]
    return [f"line {r.line}, {r.id or 'no id'}: {r.refusal}: {r.raw}" for r in refused[:_EXAMPLES]]


def _contradictions(contradicted: Mapping[str, list[Reply]], part: PairTable) -> list[str]:
    names = part.scheme.grades
    return [
        f"{name}: answered as {' and '.join(sorted({names[r.grade] for r in replies}))}, in lines "
        + ", ".join(str(r.line) for r in replies)
        for name, replies in list(contradicted.items())[:_EXAMPLES]
    ]


def _unmatched(
    replies: Sequence[Reply],
    readable: Sequence[Reply],
    everywhere: set[str],
    part: PairTable,
    split: str,
) -> DataError:
    ours = sum(reply.id in everywhere for reply in readable)
    where = f"{len(replies):,} answers, {len(readable):,} of them readable"
    if ours:
        what = f"{ours:,} belong to pairs of these data, none usable belongs to the split {split}"
        cure = "choose the split that was exported"
    elif readable:
        what = "none has the id of a pair of these data"
        cure = f"export the pairs of {part.name} again, and keep the ids as they are"
    else:
        what = "none can be used"
        cure = 'let each line hold an id and a grade: {"id": "...", "grade": "..."}'
    return DataError(
        "These answers cannot be used:", [f"{where}: {what}; {cure}", *_refused(replies)]
    )
