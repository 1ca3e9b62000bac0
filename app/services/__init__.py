"""The one door of the app to files, runs and models, and the one place that caches."""

from app.services.boards import (
    Answers,
    Board,
    DataChoice,
    Source,
    board,
    chosen_data,
    data_choices,
    pairs_of,
    rival_of,
    sources,
    sources_on,
    whole_data,
)
from app.services.links import fetch as fetch_link
from app.services.links import keep as keep_link
from app.services.measured import comparison, evaluation, gap
from app.services.models import Replay, Scored, model_run, replay, score
from app.services.places import PUBLIC_REASON, demo, home, public

__all__ = [
    "PUBLIC_REASON",
    "Answers",
    "Board",
    "DataChoice",
    "Replay",
    "Scored",
    "Source",
    "board",
    "chosen_data",
    "comparison",
    "data_choices",
    "demo",
    "evaluation",
    "fetch_link",
    "gap",
    "home",
    "keep_link",
    "model_run",
    "pairs_of",
    "public",
    "replay",
    "rival_of",
    "score",
    "sources",
    "sources_on",
    "whole_data",
]
