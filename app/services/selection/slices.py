"""Slices of a board's pairs: those where the student loses most, and as a mask for the filters."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.kit.by_hash import by_hash
from app.services.answers import Answers
from app.services.boards import Board
from app.services.selection import picked
from kdcore.analysis.attributes import Attributes, attributes
from kdcore.analysis.attributes import describe as in_words
from kdcore.analysis.outcomes import add_outcomes, read_texts, score_pairs
from kdcore.analysis.slices import Slice, Slices, effect_of, find
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError
from kdcore.softlabels import log_soften, soften

Floats = NDArray[np.float64]
Against = Literal["teacher", "twin"]
MOST = 30_000  # labelled pairs in which slices are looked for; of more, whole queries are drawn


@by_hash(most=8, on=lambda board: (board.pairs, board.teacher))
def _attributes(board: Board) -> Attributes:
    """What can be said of the board's pairs without looking at the student."""
    if board.teacher is None:
        return attributes(board.pairs)
    teacher = board.teacher.predictions
    confidence = soften(teacher.logits).max(axis=1)
    # at even thresholds: the tags that a slice may use do not depend on them
    scored = score_pairs(board.pairs, teacher, teacher, texts=texts(board))
    outcomes: pd.DataFrame = add_outcomes(scored)
    return attributes(board.pairs, confidence, {name: outcomes[name].to_numpy() for name in TAGS})


def mask(board: Board, name: str) -> NDArray[np.bool_] | None:
    """(pairs,) which pairs a slice holds; None when the name is empty or names no slice."""
    if name.startswith(picked.KIND):
        return picked.mask(board, name)
    try:
        return _attributes(board).mask(name) if name else None
    except ConfigError:
        return None


def describe(board: Board, name: str) -> str:
    """A slice in words; "" where the name is empty or names none."""
    if mask(board, name) is None:
        return ""
    if name.startswith(picked.KIND):
        return "the pair was picked on the map"
    return in_words(name, board.pairs.scheme)


@by_hash(most=16)
def search(board: Board, against: Against, fewest: int) -> Slices | None:
    """Slices on the student's loss less that of `against`; None when one of them is missing."""
    gap = _loss_gap(board, against)
    return None if gap is None else find(_attributes(board), gap, fewest)


@by_hash(most=200)
def effect(board: Board, against: Against, name: str) -> Slice | None:
    """One slice's effect against another model, tested alone; None when it is not defined."""
    gap, inside = _loss_gap(board, against), mask(board, name)
    if gap is None or inside is None:
        return None
    return effect_of(inside, gap, board.pairs.query_ids)


@by_hash(most=4)
def _loss_gap(board: Board, against: Against) -> Floats | None:
    """(pairs,) the student's loss less the other's; nan off the sample and without a label."""
    other: Answers | None = getattr(board, against)
    if board.student is None or other is None:
        return None
    gap = _losses(board, board.student) - _losses(board, other)
    return np.where(_sample(board.pairs), gap, np.nan)


def _losses(board: Board, model: Answers) -> Floats:
    """(pairs,) cross-entropy on the label in nats at T = 1; nan without a label."""
    grades = board.pairs.grades
    log_p = log_soften(model.predictions.logits)
    losses = -log_p[np.arange(len(grades)), np.maximum(grades, 0)]
    return np.where(grades == UNLABELLED, np.nan, losses)


@by_hash(most=4, on=lambda board: board.pairs)
def texts(board: Board) -> pd.DataFrame:
    """What `read_texts` says of the board's pairs, read once; never change it."""
    return read_texts(board.pairs)


def sampled(pairs: PairTable) -> bool:
    """Whether slices are looked for in a sample; then the screen says so."""
    return int((pairs.grades != UNLABELLED).sum()) > MOST


def _sample(pairs: PairTable) -> NDArray[np.bool_]:
    """(pairs,) those that slices are looked for in: all, or whole queries with at most MOST."""
    labelled = pairs.grades != UNLABELLED
    if not sampled(pairs):
        return np.ones(len(pairs), dtype=bool)
    queries = pairs.canonical.query_ids  # the sample knows no order of the rows
    sizes = np.bincount(queries, labelled[pairs.canonical_rows])
    order = np.random.default_rng(0).permutation(len(sizes))
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[np.cumsum(sizes[order]) <= MOST]] = True
    return np.asarray(chosen[queries][pairs.tiebreaks])
