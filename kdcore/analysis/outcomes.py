"""Outcomes: pair by pair, what teacher and student say, who is right, and which tags follow.

`score_pairs` reads logits once; `judge` adds what depends on the two thresholds; `cube` counts
gold x teacher x student. The tags are in `tags.py`, filtering in `filters.py`.
"""

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.analysis.tags import TAGS, known
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
WORD = re.compile(r"\w+")


def read_texts(pairs: PairTable) -> pd.DataFrame:
    """The part of `score_pairs` that needs no model, which may be read once for several."""
    frame = pairs.frame[["query", "title", "description", "grade"]].copy()
    frame.insert(0, "row", np.arange(len(frame)))
    texts = frame["query"] + "\n" + frame["title"] + "\n" + frame["description"]
    frame["text"] = texts.str.lower()
    frame["words"] = _words(frame["title"]) + _words(frame["description"])
    frame["shared"] = _shared_words(frame)
    frame["negates"] = [NEGATION.search(q) is not None for q in frame["query"].str.lower()]
    return frame


def score_pairs(
    pairs: PairTable,
    teacher: Predictions,
    student: Predictions,
    twin: Predictions | None = None,
    temperature: float = 1.0,
    texts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """A row a pair: its texts, grade, and what the models say of it; no threshold yet.

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
    for who, predictions in models.items():
        frame = frame.assign(**_said(pairs, predictions, who, temperature))
    frame["kl"] = kl(teacher.logits, student.logits, temperature)
    frame["loss_gap"] = frame["student_loss"] - frame["teacher_loss"]
    if pairs.truth is not None:
        frame["truth_p"] = pairs.scheme.relevance(pairs.truth)
    return frame


def _said(
    pairs: PairTable, predictions: Predictions, who: str, temperature: float
) -> dict[str, NDArray[Any]]:
    logits = checked(pairs, predictions).logits
    log_p = log_soften(logits, temperature)
    relevance = pairs.scheme.relevance(np.exp(log_p))
    labelled = pairs.grades != UNLABELLED
    loss = -log_p[np.arange(len(log_p)), np.where(labelled, pairs.grades, 0)]
    return {
        # rounded to single precision, in which a browser counts the same pairs
        f"{who}_p": np.clip(relevance, 0.0, 1.0).astype(np.float32).astype(np.float64),
        f"{who}_odds": Scores.of(predictions, pairs.scheme).log_odds,
        f"{who}_grade": np.argmax(logits, axis=1).astype(np.int64),
        f"{who}_entropy": entropy(logits, temperature),
        f"{who}_loss": np.where(labelled, loss, np.nan),
    }


def judge(frame: pd.DataFrame, ct: float = 0.5, cs: float = 0.5) -> pd.DataFrame:
    """The frame with sides, outcome and tags at thresholds ct (teacher) and cs (student, twin).

    Adds teacher_says, student_says (P(relevant) reaches the threshold), teacher_right,
    student_right (False without a label), outcome, cell ("101" = gold, teacher, student; "-" for
    no label), and a boolean column for every tag; twin_says, twin_right with a twin.
    """
    for name, value in (("ct", ct), ("cs", cs)):
        if not 0 <= value <= 1:
            raise ConfigError(f"{name}: {value} is no threshold on a probability; use 0 to 1")
    labelled, gold = known(frame), frame["relevant"].to_numpy()
    added: dict[str, Any] = {}
    for who, threshold in (("teacher", ct), ("student", cs), ("twin", cs)):
        if f"{who}_p" in frame:
            says = frame[f"{who}_p"].to_numpy() >= threshold
            added |= {f"{who}_says": says, f"{who}_right": labelled & (says == gold)}
    right = np.where(
        labelled, 3 - 2 * _int(added["teacher_right"]) - _int(added["student_right"]), 4
    )
    added["outcome"] = _categories(right, OUTCOMES)
    place = 4 * np.where(labelled, _int(gold), 2)
    place = place + 2 * _int(added["teacher_says"]) + _int(added["student_says"])
    added["cell"] = _categories(place, CELLS)
    judged = frame.assign(**added)
    nobody = np.zeros(len(frame), dtype=bool)
    tags = {k: tag.rule(judged) if tag.needs in judged else nobody for k, tag in TAGS.items()}
    return judged.assign(**tags)


def per_pair(
    pairs: PairTable,
    teacher: Predictions,
    student: Predictions,
    twin: Predictions | None = None,
    *,
    temperature: float = 1.0,
    ct: float = 0.5,
    cs: float = 0.5,
) -> pd.DataFrame:
    """`score_pairs`, then `judge`: all that is known of each pair."""
    return judge(score_pairs(pairs, teacher, student, twin, temperature), ct, cs)


CELLS = tuple(f"{gold}{t}{s}" for gold in "01-" for t in "01" for s in "01")


def cube(judged: pd.DataFrame, who: str = "student") -> dict[str, int]:
    """How many pairs stand in each cell gold x teacher x `who` ("student" or "twin")."""
    labelled, gold = known(judged), _int(judged["relevant"])
    place = 4 * np.where(labelled, gold, 2) + 2 * _int(judged["teacher_says"])
    counts = np.bincount(place + _int(judged[f"{who}_says"]), minlength=len(CELLS))
    return dict(zip(CELLS, counts.tolist(), strict=True))


def outcome_of(cell: str) -> str:
    """The outcome that a cell of the cube belongs to: "111" is both right."""
    gold, teacher, student = tuple(cell)
    if gold == "-":
        return "unlabelled"
    return OUTCOMES[3 - 2 * (teacher == gold) - (student == gold)]


def _categories(codes: NDArray[np.int64], names: tuple[str, ...]) -> "pd.Categorical[str]":
    unique = pd.Index([n if n not in names[:i] else f"{n} (-1)" for i, n in enumerate(names)])
    return pd.Categorical.from_codes(codes.astype(np.int64), unique)


def _int(values: Any) -> NDArray[np.int64]:
    return np.asarray(values).astype(np.int64)


def _words(texts: pd.Series) -> NDArray[np.int64]:
    return np.fromiter((len(t.split()) for t in texts.tolist()), np.int64, len(texts))


def _shared_words(frame: pd.DataFrame) -> Floats:
    @cache
    def words(text: str) -> frozenset[str]:
        return frozenset(WORD.findall(text.lower()))

    found = zip(map(words, frame["query"].tolist()), map(words, frame["title"]), strict=True)
    return np.array([len(q & t) / len(q) if q else 0.0 for q, t in found], dtype=np.float64)
