"""Which two models a ranking page sets against each other, and how they are chosen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import md
from app.services import Answers, Board, ranking
from app.shell import captions
from kdcore.labels import GainKind
from kdcore.metrics.ranking import DEPTH

ROLES = {"student": "Student", "teacher": "Teacher", "twin": "Twin", "rival": "Rival"}
NOUNS = {
    "student": "the student",
    "teacher": "the teacher",
    "twin": "its twin without a teacher",
}


@dataclass(frozen=True)
class Side:
    """A model in its role on this page."""

    role: str
    answers: Answers

    @property
    def name(self) -> str:
        """Role and title, for a legend."""
        return f"{ROLES[self.role]}, {self.answers.title}"

    @property
    def noun(self) -> str:
        """The role inside a sentence."""
        return NOUNS.get(self.role) or f"its rival {self.answers.title}"


def sides_of(board: Board) -> dict[str, Side]:
    """Every role that a model fills, in the order in which pictures show them."""
    models = board.models
    if rival := services.rival_of(board):
        models["rival"] = rival
    return {role: Side(role, models[role]) for role in ROLES if role in models}


def chosen(board: Board) -> tuple[Side, Side] | None:
    """A and B; a role without a model gives way to the next one. None below two models."""
    sides, now = sides_of(board), state.now().ranking
    if len(sides) < 2:
        return None
    a = sides.get(now.model_a) or next(iter(sides.values()))
    rest = [sides[r] for r in (now.model_b, "twin", "teacher", "student", "rival") if r in sides]
    return a, next(side for side in rest if side.role != a.role)


def choose(board: Board, more: Callable[[], None]) -> tuple[Side, Side] | None:
    """One row of controls: A, B, the rival, then a tab's own; and A and B as they come out."""
    names = {s.key: s.title for s in services.sources_on(board.all_pairs)} | {"": "none"}
    offered = list(dict.fromkeys(["", *names, state.now().rival]))  # a link may name a stranger
    with st.container(horizontal=True, vertical_alignment="center", key="ranking_controls"):
        _select("ranking.model_a", "A", list(ROLES), ROLES, 128)
        _select("ranking.model_b", "B", list(ROLES), ROLES, 128)
        _select("rival", "Rival", offered, names, 170)
        more()
    pair = chosen(board)
    if pair:
        _say_replaced(sides_of(board), *pair)
    return pair


def _select(path: str, label: str, options: list[str], titles: dict[str, str], width: int) -> None:
    controls.bound(
        st.selectbox,
        path,
        label,
        options=options,
        format_func=lambda key: f"{label}: {titles.get(key, 'not here')}",
        label_visibility="collapsed",
        width=width,
    )


def _say_replaced(sides: dict[str, Side], a: Side, b: Side) -> None:
    """Say when a role without a model, or one chosen twice, gave way to another."""
    now = state.now().ranking
    for role in sorted({now.model_a, now.model_b} - set(sides)):
        how = "choose one beside it" if role == "rival" else "none has scored these pairs"
        st.caption(f"No {role}: {how}. Shown is {md(a.name)} against {md(b.name)}.")
    if now.model_a == now.model_b:
        st.caption(f"A is set against itself, so B is {md(b.name)} instead.")


def chosen_gain(board: Board) -> GainKind:
    """The gain that is chosen; 2^grade - 1 where these data state no gains of their own."""
    now = state.now().ranking.gain
    return next((kind for kind in board.pairs.scheme.gain_kinds if kind == now), "exp2")


def say_ties(board: Board, *sides: Side) -> None:
    """Say under a picture which of the models give many of the top ads one score."""
    for side in sides:
        for note in ranking.per_query(board, side.answers).tied_notes(f"{ROLES[side.role]}: "):
            st.caption(note)


def deepest(board: Board) -> int:
    """The largest k that can differ from the one before: the longest list, 20 at most."""
    sizes = np.bincount(board.pairs.query_ids)
    return int(min(max(sizes.max(initial=1), 2), DEPTH))


def caption(board: Board, title: str, *sides: Side, lines: tuple[str, ...] = ()) -> Caption:
    """What a saved picture of these models says around itself: A and B are named below it."""
    letters = ("A: ", "B: ") if len(sides) == 2 else ("",) * len(sides)
    named = zip(letters, sides, strict=True)
    names = [f"{letter}{captions.plain(side.name)}" for letter, side in named]
    queries = board.pairs.frame["query"].nunique()
    n = f"n = {len(board.pairs):,} pairs of {queries:,} queries"
    return captions.of_models(board, title, *lines, models=names, n=n)


def provenance(board: Board, *sides: Side) -> str:
    """The hash line of an export."""
    models = " ".join(f"{s.role}={s.answers.hash}" for s in sides)
    return f"KD Lab ranking; data {board.pairs.content_hash}; {models}"
