"""Retrieval: what does separability buy, and what does the funnel lose?"""

from collections.abc import Callable

import streamlit as st

from app import services, state
from app.kit import controls
from app.kit.texts import md
from app.shell import frame
from app.views.retrieval import measuring, queries, rails
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study

TABS = {
    "search": "Search",
    "recall": "Recall and time",
    "funnel": "Funnel",
    "twin": "Student and twin",
    "storage": "Serving",
}


def open_part() -> Callable[[services.Board, Request, Study], str]:
    """What draws the open part and returns its finding; the others are not even imported."""
    match state.now().retrieval.tab:
        case "search":
            from app.views.retrieval.search import draw
        case "recall":
            from app.views.retrieval.curve import draw
        case "funnel":
            from app.views.retrieval.funnel import draw
        case "twin":
            from app.views.retrieval.change import draw
        case _:
            from app.views.retrieval.serving import draw
    return draw


board = services.board()
top = st.container()
controls.choose("retrieval.tab", "Part of the page", TABS)
request = queries.request_of(board)
if request is None:
    sentence = measuring.offer_towers(board)
else:
    rails.size(board)
    study = queries.study_of(request)
    sentence = measuring.draw(request) if study is None else open_part()(board, request, study)
    if study is not None:
        if study.card["note"]:
            st.caption(md(study.card["note"]))
        measuring.standing(board, request, study)
with top:
    frame.finding(sentence)
