"""Smart tags: what makes a pair worth reading, each a title, a sentence and a rule, as data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.pairs import UNLABELLED

Bools = NDArray[np.bool_]
SURE = 0.9  # a model is sure of its side when it gives it at least this probability
UNSURE = 0.15  # unsure when P(relevant) is at most this far from one half


@dataclass(frozen=True)
class Tag:
    """A smart tag: its title, a sentence, and its rule over a frame with outcomes.

    needs: the column without which no pair can carry it.
    """

    title: str
    sentence: str
    rule: Callable[[pd.DataFrame], Bools]
    needs: str = "row"


def is_labelled(frame: pd.DataFrame) -> Bools:
    """Return (pairs,) whether each pair has a label."""
    return np.asarray(frame["grade"].to_numpy() != UNLABELLED, dtype=bool)


def _sure(frame: pd.DataFrame, role: str) -> Bools:
    p = frame[f"{role}_p"].to_numpy()
    side = frame[f"{role}_says"].to_numpy()
    return np.asarray(np.where(side, p, 1 - p) >= SURE)


def _wrong(frame: pd.DataFrame, role: str) -> Bools:
    right: Bools = frame[f"{role}_right"].to_numpy(dtype=bool)
    return is_labelled(frame) & ~right


def _unsure(frame: pd.DataFrame, role: str) -> Bools:
    return np.asarray(np.abs(frame[f"{role}_p"].to_numpy() - 0.5) <= UNSURE)


def _length(frame: pd.DataFrame, longest: bool) -> Bools:
    words = frame["words"].to_numpy()
    low, high = np.quantile(words, [0.1, 0.9]) if len(words) else (0.0, 0.0)
    if low == high:  # all texts are about as long: nothing is short
        return np.zeros(len(words), dtype=bool)
    return np.asarray(words >= high if longest else words <= low)


TAGS: dict[str, Tag] = {
    "student_flips_teacher": Tag(
        "student flips teacher",
        "Teacher and student are on different sides of their thresholds.",
        lambda f: np.asarray(f["teacher_says"].to_numpy() != f["student_says"].to_numpy()),
    ),
    "lost_by_distillation": Tag(
        "lost by distillation",
        "The same student trained on labels alone is right here, the distilled one is wrong.",
        lambda f: f["twin_right"].to_numpy() & _wrong(f, "student"),
        "twin_p",
    ),
    "gained": Tag(
        "gained by distillation",
        "The same student trained on labels alone is wrong here, the distilled one is right.",
        lambda f: f["student_right"].to_numpy() & _wrong(f, "twin"),
        "twin_p",
    ),
    "label_suspect": Tag(
        "label suspect",
        f"The teacher is at least {SURE:.0%} sure of one side and the label says the other.",
        lambda f: _sure(f, "teacher") & _wrong(f, "teacher"),
    ),
    "label_against_truth": Tag(
        "label against truth",
        "The label is one that the true probabilities make unlikely: chance, not a mistake.",
        lambda f: is_labelled(f) & ((f["truth_p"] >= 0.5) != f["relevant"]).to_numpy(),
        "truth_p",
    ),
    "both_wrong_sure": Tag(
        "both wrong and sure",
        f"Teacher and student are both at least {SURE:.0%} sure and both wrong.",
        lambda f: (
            _sure(f, "teacher") & _sure(f, "student") & _wrong(f, "teacher") & _wrong(f, "student")
        ),
    ),
    "teacher_unsure": Tag(
        "teacher unsure",
        f"The teacher's P(relevant) is between {0.5 - UNSURE:.2f} and {0.5 + UNSURE:.2f}.",
        lambda f: _unsure(f, "teacher"),
    ),
    "student_unsure": Tag(
        "student unsure",
        f"The student's P(relevant) is between {0.5 - UNSURE:.2f} and {0.5 + UNSURE:.2f}.",
        lambda f: _unsure(f, "student"),
    ),
    "title_has_query_words": Tag(
        "title has all query words",
        "Every word of the query is in the title.",
        lambda f: np.asarray(f["shared"].to_numpy() == 1.0),
    ),
    "title_lacks_query_words": Tag(
        "title has no query word",
        "No word of the query is in the title.",
        lambda f: np.asarray(f["shared"].to_numpy() == 0.0),
    ),
    "query_negates": Tag(
        "query says not",
        "The query holds not, no, without, never or except.",
        lambda f: f["negates"].to_numpy(),
        "negates",
    ),
    "short_text": Tag(
        "short ad",
        "Title and description are among the shortest tenth by words (ties included).",
        lambda f: _length(f, longest=False),
    ),
    "long_text": Tag(
        "long ad",
        "Title and description are among the longest tenth by words (ties included).",
        lambda f: _length(f, longest=True),
    ),
}
_RESTATES = {
    "student_flips_teacher",
    "lost_by_distillation",
    "gained",
    "both_wrong_sure",
    "student_unsure",
}


def stands_out(frame: pd.DataFrame, chosen: Bools, among: Bools) -> tuple[str, float, float]:
    """Find the tag that is most over-represented in `chosen`, a part of `among`.

    Returns its name, its share in `chosen` and in `among`; ("", nan, nan) when no tag holds for a
    tenth of `chosen`, at 1.2 times its share in `among` and three standard errors above it. Tags
    that restate which model is right don't count.
    """
    best = ("", float("nan"), float("nan"))
    if not chosen.any():
        return best
    lift = 1.2
    for name in (k for k in TAGS if k not in _RESTATES):
        tagged = frame[name].to_numpy()
        share, base = float(tagged[chosen].mean()), float(tagged[among].mean())
        if share < 0.1 or not 0 < base < 1:
            continue
        beyond_chance = share - base > 3 * np.sqrt(base * (1 - base) / chosen.sum())
        if beyond_chance and share / base > lift:
            best, lift = (name, share, base), share / base
    return best
