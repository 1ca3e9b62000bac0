"""Side-by-side lists of one query: teacher, student, ideal, truth, and an order of one's own."""

import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.texts import number
from app.services import Board
from app.shell import captions, frame, lacking
from app.views.ranking import query as ranking_query
from app.views.ranking.models import chosen_gain
from app.views.ranking.parts.paired_lists import message, paired_lists
from app.views.ranking.query import Query
from kdcore.metrics.ranking import ndcg, ndcg_random
from kdcore.scores import Scores, ranking_score

Floats = NDArray[np.float64]
KEY = "paired_lists"


@st.fragment
def draw(board: Board) -> None:
    """The finding, the query, its lists, and their export."""
    top = st.container()
    query = ranking_query.choose(board, _depth)
    columns = columns_of(board, query) if query else []
    if query is None or not columns:
        with top:
            lacking.draw(board)
        return
    table = table_of(board, query, columns)
    sentence = finding(board, query, columns)
    with top:
        frame.finding(sentence, board)
    with st.container(key="lists_picture"):
        paired_lists(
            payload(board, query, columns),
            KEY,
            pair=_take_pair,
            scratch=lambda: _take_order(query),
        )
    models = " ".join(f"{c['role']}={c['hash']}" for c in columns if c["hash"])
    marks = f"KD Lab lists; data {board.pairs.content_hash}; {models}"
    n = f"n = {len(query.rows):,} ads of this query"
    caption = captions.of_board(board, f"One query, ranked: “{query.text}”", n=n, twin=False)
    controls.exports("lists_picture", table, sentence, marks, caption)


def _depth() -> None:
    controls.bound(st.slider, "ranking.k", "Depth k", min_value=1, max_value=20, width=200)


def columns_of(board: Board, query: Query) -> list[dict[str, Any]]:
    """The orders that a score makes: role, name, score of each ad, what the score is."""
    columns = []
    for role, model in board.models.items():
        if role != "twin":
            scores = Scores.of(model.predictions.take(query.rows), board.pairs.scheme)
            name = f"{role.capitalize()}, {model.title}"
            columns.append(_column(board, role, name, scores.soft, scores.ranking, model.hash))
    if board.pairs.truth is not None and columns:
        exact = board.pairs.truth[query.rows]
        with np.errstate(divide="ignore"):
            order = ranking_score(np.log(exact))
        columns.append(_column(board, "truth", "Truth of the world", exact, order, ""))
    return columns


def _column(
    board: Board, role: str, name: str, soft: Floats, ranking: Floats, marks: str
) -> dict[str, Any]:
    """scores: the expected grades that are shown; ranks: whole numbers, the best ad's is greatest.

    Ads have equal ranks only where the model's own numbers, unrounded, are equal.
    """
    shown = [float(f"{s:.7g}") for s in board.pairs.scheme.expected_gain(soft)]
    ranks = np.unique(ranking, return_inverse=True)[1].tolist()
    note = "score: expected grade" + (" under the exact chances" if role == "truth" else "")
    return {
        "role": role,
        "name": name,
        "scores": shown,
        "ranks": ranks,
        "note": note,
        "hash": marks,
    }


def payload(board: Board, query: Query, columns: list[dict[str, Any]]) -> dict[str, Any]:
    """What the browser part draws."""
    now, scheme = state.now(), board.pairs.scheme
    marks = [board.pairs.content_hash, str(query.id), *(c["hash"] for c in columns)]
    return {
        "stamp": ":".join(marks),
        "queryId": query.id,
        "k": now.ranking.k,
        "gain": chosen_gain(board),
        "gains": {kind: scheme.gains(kind).tolist() for kind in scheme.gain_kinds},
        "pair": now.pair,
        "grades": list(scheme.grades),
        "ads": ads_of(board, query),
        "columns": columns,
        "scratch": scratch_of(query, columns, turns_of(board, query)),
        "hidden": query.hidden,
    }


def ads_of(board: Board, query: Query) -> list[dict[str, Any]]:
    """The ads as the browser parts know them: row in the pairs, texts, grade (-1: unlabelled).

    turn: which of equal scores stands first, by a hash of the texts.
    """
    frame = board.pairs.frame.iloc[query.rows]
    texts = (frame[name] for name in ("title", "description", "grade"))
    columns = zip(query.rows, *texts, turns_of(board, query), strict=True)
    return [
        {
            "row": int(row),
            "title": str(title),
            "description": str(text),
            "grade": int(grade),
            "turn": int(turn),
        }
        for row, title, text, grade, turn in columns
    ]


def turns_of(board: Board, query: Query) -> NDArray[np.int64]:
    """(ads,) place of each ad among those of its query by a hash of the texts."""
    return np.argsort(np.argsort(board.pairs.tiebreaks[query.rows]))


def scratch_of(query: Query, columns: list[dict[str, Any]], turns: NDArray[np.int64]) -> list[int]:
    """The visitor's own order of this query, else the student's (or the only one there is)."""
    by_role = {c["role"]: c["ranks"] for c in columns}
    ranks = np.asarray(by_role.get("student", columns[0]["ranks"]))
    start = [int(ad) for ad in np.lexsort((turns, -ranks))]
    own = re.fullmatch(r"(\d+):(\d+(?:-\d+)*)", state.now().ranking.own_order)
    if not own or int(own[1]) != query.id:
        return start
    order = [int(ad) for ad in own[2].split("-")]
    if sorted(order) == sorted(start):
        return order
    state.ignore("scratch: this is no order of the query's ads; the student's is shown")
    state.change(ranking={"own_order": ""})
    return start


def table_of(board: Board, query: Query, columns: list[dict[str, Any]]) -> pd.DataFrame:
    """A row an ad: place and score in each column, label, place in the visitor's order."""
    ads, grades = ads_of(board, query), board.pairs.scheme.grades
    labels, turns = board.pairs.grades[query.rows], turns_of(board, query)
    table = pd.DataFrame({"query": query.text, "title": [ad["title"] for ad in ads]})
    table["label"] = ["unlabelled" if g < 0 else grades[g] for g in labels]
    for column in columns:
        table[f"place, {column['role']}"] = _places(np.asarray(column["ranks"]), turns)
        table[f"expected grade, {column['role']}"] = column["scores"]
    nearest = next(c for c in reversed(columns) if c["role"] != "truth")
    places = _places(np.asarray(nearest["ranks"]), turns)
    ideal = np.lexsort((places, -labels))  # as the part breaks ties
    table["place, ideal by label"] = np.argsort(ideal) + 1
    own = np.empty(len(ads), dtype=int)
    own[scratch_of(query, columns, turns)] = np.arange(1, len(ads) + 1)
    return table.assign(**{"place, your order": own})


def _places(ranks: NDArray[Any], turns: NDArray[np.int64]) -> NDArray[np.int64]:
    places = np.empty(len(ranks), dtype=np.int64)
    places[np.lexsort((turns, -ranks))] = np.arange(1, len(ranks) + 1)
    return places


def finding(board: Board, query: Query, columns: list[dict[str, Any]]) -> str:
    """What each order scores on this query, beside a random one."""
    now = state.now().ranking
    grades = board.pairs.grades[query.rows]
    rows = np.flatnonzero(grades >= 0)
    gains = board.pairs.scheme.gains(chosen_gain(board))[grades[rows]]
    if not gains.any():
        why = "none of its ads is labelled" if not len(rows) else "none of its ads has any gain"
        return f"For “{query.text}” no order is better than another: {why}."
    same = np.zeros(len(rows), dtype=np.int64)
    k = min(now.k, len(rows))
    values = [
        f"{number(float(ndcg(gains, np.asarray(c['ranks'])[rows], same, k)[0, -1]))} "
        f"{'by' if c['role'] == 'truth' else 'for'} the {c['role']}"
        for c in columns
    ]
    chance = number(float(ndcg_random(gains, same, k)[0, -1]))
    return f"For “{query.text}”, nDCG@{now.k} is {', '.join(values)}; a random order has {chance}."


def _take_pair() -> None:
    state.change(pair=message(KEY, "pair").get("row"))


def _take_order(query: Query) -> None:
    """Store the order with its query's number: another query starts afresh."""
    sent = message(KEY, "scratch")
    order = sent.get("order")
    if sent.get("query") != query.id or not isinstance(order, list):
        return
    if sorted(map(str, order)) == sorted(map(str, range(len(query.rows)))):
        state.change(ranking={"own_order": f"{query.id}:{'-'.join(map(str, order))}"})
