"""Compare teacher and student pair by pair: which side each takes, and which one is right.

`score_pairs` reads logits once; `add_outcomes` adds what depends on the two thresholds; `cube`
counts label x teacher x student. The tags are in `tags.py`, filtering in `filters.py`.
"""

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.analysis.attributes import words
from kdcore.analysis.tags import TAGS, is_labelled
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError
from kdcore.evaluation.measures import checked
from kdcore.predictions import Predictions
from kdcore.scores import Scores
from kdcore.softlabels import Floats, entropy, kl, log_soften

OUTCOMES = ("both", "only_teacher", "only_student", "neither", "unlabelled")
OUTCOME_TITLES = {
    "both": "both right",
    "only_teacher": "only the teacher right",
    "only_student": "only the student right",
    "neither": "both wrong",
    "unlabelled": "no label",
}
NEGATION = re.compile(r"\b(?:not|no|without|never|except)\b")


def read_texts(pairs: PairTable) -> pd.DataFrame:
    """Read the part of `score_pairs` that needs no model and can be shared by several calls."""
    frame = pairs.frame[["query", "title", "description", "grade"]].copy()
    frame.insert(0, "row", np.arange(len(frame)))
    texts = frame["query"] + "\n" + frame["title"] + "\n" + frame["description"]
    frame["text"] = texts.str.lower()
    frame["words"] = _words(frame["title"]) + _words(frame["description"])
    frame["shared"] = _shared_words(frame)
    queries = frame["query"].tolist()  # a list, for pandas is slow to walk along a column of texts
    negates = {q: NEGATION.search(q.lower()) is not None for q in dict.fromkeys(queries)}
    frame["negates"] = [negates[q] for q in queries]
    return frame


def score_pairs(
    pairs: PairTable,
    teacher: Predictions,
    student: Predictions,
    twin: Predictions | None = None,
    texts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Make one row per pair: its texts, its grade and the models' answers; no threshold yet.

    Columns row, query, title, description, text (all three, lower case), words, shared (share of
    the query's words in the title), negates (the query does), grade, grade_name, relevant; of
    teacher, student (and twin, when given): _p (P(relevant)), _odds (its log-odds, which order
    pairs where P is 0 or 1), _grade (likeliest), _entropy (bits), _loss (cross-entropy, nan without
    a label); kl (teacher to student, nats), loss_gap (student's loss minus the teacher's); truth_p
    when the data knows the truth.
    """
    frame = (read_texts(pairs) if texts is None else texts).copy()
    frame["grade_name"] = _categories(
        np.where(pairs.grades == UNLABELLED, len(pairs.scheme), pairs.grades),
        (*pairs.scheme.grades, "unlabelled"),
    )
    frame["relevant"] = pairs.relevant
    models = {"teacher": teacher, "student": student} | ({"twin": twin} if twin else {})
    for role, predictions in models.items():
        frame = frame.assign(**_answers_of(pairs, predictions, role))
    frame["kl"] = kl(teacher.logits, student.logits)
    frame["loss_gap"] = frame["student_loss"] - frame["teacher_loss"]
    if pairs.truth is not None:
        frame["truth_p"] = pairs.scheme.relevance(pairs.truth)
    return frame


def _answers_of(pairs: PairTable, predictions: Predictions, role: str) -> dict[str, NDArray[Any]]:
    logits = checked(pairs, predictions).logits
    log_p = log_soften(logits)
    relevance = pairs.scheme.relevance(np.exp(log_p))
    labelled = pairs.grades != UNLABELLED
    loss = -log_p[np.arange(len(log_p)), np.where(labelled, pairs.grades, 0)]
    return {
        # rounded to single precision, in which a browser counts the same pairs
        f"{role}_p": np.clip(relevance, 0.0, 1.0).astype(np.float32).astype(np.float64),
        f"{role}_odds": Scores.of(predictions, pairs.scheme).log_odds,
        f"{role}_grade": np.argmax(logits, axis=1).astype(np.int64),
        f"{role}_entropy": entropy(logits),
        f"{role}_loss": np.where(labelled, loss, np.nan),
    }


def add_outcomes(frame: pd.DataFrame, ct: float = 0.5, cs: float = 0.5) -> pd.DataFrame:
    """Add sides, outcome and tags at thresholds ct (teacher) and cs (student, twin).

    New columns: teacher_says, student_says (P(relevant) reaches the threshold), teacher_right,
    student_right (False without a label), outcome, cell ("101" = label, teacher, student; "-" for
    no label), and a boolean column for every tag; twin_says, twin_right with a twin. ConfigError
    for a threshold outside 0..1.
    """
    for name, value in (("ct", ct), ("cs", cs)):
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: {value} is not a threshold on a probability; use 0 to 1")
    labelled, label = is_labelled(frame), frame["relevant"].to_numpy()
    added: dict[str, Any] = {}
    for role, threshold in (("teacher", ct), ("student", cs), ("twin", cs)):
        if f"{role}_p" in frame:
            sides = frame[f"{role}_p"].to_numpy() >= threshold
            added |= {f"{role}_says": sides, f"{role}_right": labelled & (sides == label)}
    right = np.where(
        labelled, 3 - 2 * _int(added["teacher_right"]) - _int(added["student_right"]), 4
    )
    added["outcome"] = _categories(right, OUTCOMES)
    place = 4 * np.where(labelled, _int(label), 2)
    place = place + 2 * _int(added["teacher_says"]) + _int(added["student_says"])
    added["cell"] = _categories(place, CELLS)
    result = frame.assign(**added)
    none = np.zeros(len(frame), dtype=bool)
    tags = {k: tag.rule(result) if tag.needs in result else none for k, tag in TAGS.items()}
    return result.assign(**tags)


CELLS = tuple(f"{label}{t}{s}" for label in "01-" for t in "01" for s in "01")


def cube(frame: pd.DataFrame, role: str = "student") -> dict[str, int]:
    """Count the pairs in each cell label x teacher x role ("student" or "twin")."""
    labelled, label = is_labelled(frame), _int(frame["relevant"])
    place = 4 * np.where(labelled, label, 2) + 2 * _int(frame["teacher_says"])
    counts = np.bincount(place + _int(frame[f"{role}_says"]), minlength=len(CELLS))
    return dict(zip(CELLS, counts.tolist(), strict=True))


def outcome_of(cell: str) -> str:
    """Return the outcome to which a cell of the cube belongs: "111" is both right."""
    label, teacher, student = tuple(cell)
    if label == "-":
        return "unlabelled"
    return OUTCOMES[3 - 2 * (teacher == label) - (student == label)]


def _categories(codes: NDArray[np.int64], names: tuple[str, ...]) -> "pd.Categorical[str]":
    unique = pd.Index([n if n not in names[:i] else f"{n} (-1)" for i, n in enumerate(names)])
    return pd.Categorical.from_codes(codes.astype(np.int64), unique)


def _int(values: Any) -> NDArray[np.int64]:
    return np.asarray(values).astype(np.int64)


def _words(texts: pd.Series) -> NDArray[np.int64]:
    return np.fromiter((len(t.split()) for t in texts.tolist()), np.int64, len(texts))


def _shared_words(frame: pd.DataFrame) -> Floats:
    unique = cache(lambda text: frozenset(words(text)))
    queries, titles = (frame[name].tolist() for name in ("query", "title"))
    texts = zip(map(unique, queries), map(unique, titles), strict=True)
    return np.array([len(q & t) / len(q) if q else 0.0 for q, t in texts], dtype=np.float64)
