"""Slices of a board's pairs: found once for each pair of hashes, and as a mask for the filters."""

from typing import Any, Literal

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.services.answers import Answers
from app.services.boards import Board
from kdcore.analysis.attributes import Attributes, attributes
from kdcore.analysis.outcomes import add_outcomes, read_texts, score_pairs
from kdcore.analysis.slices import Slice, Slices, effect_of, find
from kdcore.analysis.tags import TAGS
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError
from kdcore.softlabels import log_soften, soften

Floats = NDArray[np.float64]
Against = Literal["teacher", "twin"]
Keyed = tuple[str, ...]
MOST = 30_000  # labelled pairs in which slices are looked for; of more, whole queries are drawn


def about(board: Board) -> Attributes:
    """What can be said of the board's pairs without looking at the student."""
    return _attributes(_key(board, board.teacher), board)


def mask(board: Board, name: str) -> NDArray[np.bool_] | None:
    """(pairs,) which pairs a slice holds; None when the name says no slice."""
    try:
        return about(board).mask(name)
    except ConfigError:
        return None


def search(board: Board, against: Against, fewest: int) -> Slices | None:
    """Slices on the student's loss less that of `against`; None when one of them is missing."""
    other = getattr(board, against)
    if board.student is None or other is None:
        return None
    return _search(_key(board, board.teacher, board.student, other), fewest, board, other)


def effect(board: Board, against: Against, name: str) -> Slice | None:
    """One slice's effect against another model, tested alone; None when it cannot be told."""
    other, inside = getattr(board, against), mask(board, name)
    if board.student is None or other is None or inside is None:
        return None
    key = _key(board, board.teacher, board.student, other)
    return _effect(key, name, board, other, inside)


def losses(board: Board, who: Answers) -> Floats:
    """(pairs,) cross-entropy on the label in nats at T = 1; nan without a label."""
    grades = board.pairs.grades
    log_p = log_soften(who.predictions.logits)
    picked = -log_p[np.arange(len(grades)), np.maximum(grades, 0)]
    return np.where(grades == UNLABELLED, np.nan, picked)


def texts(board: Board) -> pd.DataFrame:
    """What `read_texts` says of the board's pairs, read once; never change it."""
    return _texts(board.pairs.content_hash, board.pairs)


@st.cache_resource(max_entries=4, show_spinner=False)
def _texts(key: str, _pairs: PairTable) -> pd.DataFrame:
    return read_texts(_pairs)


def _key(board: Board, *who: Answers | None) -> Keyed:
    return (board.pairs.content_hash, *(answers.hash if answers else "" for answers in who))


@st.cache_resource(max_entries=8, show_spinner=False)
def _attributes(key: Keyed, _board: Board) -> Attributes:
    teacher = _board.teacher
    confidence = soften(teacher.predictions.logits).max(axis=1) if teacher else None
    return attributes(_board.pairs, confidence, _tags(_board))


def _tags(board: Board) -> dict[str, Any]:
    """Tags at even thresholds: those that a slice may use do not depend on them."""
    if board.teacher is None:
        return {}
    teacher = board.teacher.predictions
    judged: pd.DataFrame = add_outcomes(
        score_pairs(board.pairs, teacher, teacher, texts=texts(board))
    )
    return {name: judged[name].to_numpy() for name in TAGS}


@st.cache_resource(max_entries=16, show_spinner=False)
def _search(key: Keyed, fewest: int, _board: Board, _other: Answers) -> Slices:
    return find(about(_board), _difference(key, _board, _other), fewest)


@st.cache_resource(max_entries=200, show_spinner=False)
def _effect(
    key: Keyed, name: str, _board: Board, _other: Answers, _inside: NDArray[np.bool_]
) -> Slice:
    return effect_of(_inside, _difference(key, _board, _other), _board.pairs.query_ids)


@st.cache_resource(max_entries=4, show_spinner=False)
def _difference(key: Keyed, _board: Board, _other: Answers) -> Floats:
    """(pairs,) the student's loss less the other's; nan off the sample and without a label."""
    assert _board.student is not None
    lost = losses(_board, _board.student) - losses(_board, _other)
    return np.where(_sample(_board.pairs), lost, np.nan)


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
