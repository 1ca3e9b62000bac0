"""Invented boards of many kinds, and a part of the Ranking page drawn on one of them."""

from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

from app.services import Answers, Board, DataChoice
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY, FIVE_GRADES, FOUR_GRADES
from kdcore.predictions import Predictions

SCHEMES = {2: BINARY, 4: FOUR_GRADES, 5: FIVE_GRADES}
SKILLS = {"teacher": 2.0, "student": 1.0, "twin": 0.5}
HOSTILE = "<img src=x onerror=alert(1)> **bold** =1+1"


def make_table(grades=4, queries=12, ads=6, unlabelled=0.0, truth=False, money=False) -> PairTable:
    rng = np.random.default_rng(grades)
    n = queries * ads
    labels = rng.integers(0, grades, n)
    labels[rng.random(n) < unlabelled] = -1
    query = [f"{HOSTILE} {q}" for q in range(queries) for _ in range(ads)]
    title = [f"offer {a} {HOSTILE}" for _ in range(queries) for a in range(ads)]
    frame = make_frame(query, title, [""] * n, labels, "test")
    if truth:
        exact = rng.dirichlet(np.ones(grades), n)
        frame = frame.assign(**{f"truth_{k}": exact[:, k] for k in range(grades)})
    if money:
        frame = frame.assign(bid=rng.uniform(0.1, 2, n), p_click=rng.uniform(0.01, 0.3, n))
    return PairTable(frame, SCHEMES[grades], "invented")


def make_answers(pairs: PairTable, key: str) -> Answers:
    rng = np.random.default_rng(len(key))
    logits = rng.normal(size=(len(pairs), len(pairs.scheme))).astype(np.float32)
    rows = np.flatnonzero(pairs.grades >= 0)
    logits[rows, pairs.grades[rows]] += SKILLS[key]
    return Answers(key, f"Model {key}", Predictions(logits, pairs.content_hash, key), None)


def make_board(pairs: PairTable, models=("teacher", "student", "twin")) -> Board:
    choice = DataChoice("mine", "mine", "imported", Path())
    return Board(choice, pairs, *(make_answers(pairs, k) if k in models else None for k in SKILLS))


KINDS = {
    "two grades": make_board(make_table(2)),
    "four grades": make_board(make_table(4, queries=30)),
    "four grades and a truth": make_board(make_table(4, truth=True, money=True)),
    "five grades": make_board(make_table(5)),
    "no twin": make_board(make_table(4), models=("teacher", "student")),
    "no student": make_board(make_table(4), models=("teacher",)),
    "no teacher": make_board(make_table(4), models=("student",)),
    "no model": make_board(make_table(4), models=()),
    "some unlabelled": make_board(make_table(4, unlabelled=0.4)),
    "none labelled": make_board(make_table(4, unlabelled=1.1)),
    "an ad a query": make_board(make_table(2, ads=1)),
    "one query": make_board(make_table(4, queries=1)),
    "a very long list": make_board(make_table(4, queries=2, ads=130)),
}


def page(board, part, **choices):
    import importlib

    import streamlit as st

    from app import state

    if state.is_new():
        state.change(**state.of_keys({"rtab": part, **choices}))
    importlib.import_module(f"app.views.ranking.{part}").draw(board)
    st.session_state["marks"] = state.link()  # what main.py gives to every link


def run(board: Board, part: str, **choices) -> AppTest:
    return AppTest.from_function(page, args=(board, part), kwargs=choices, default_timeout=30).run()
