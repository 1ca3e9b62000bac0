"""The one door of the app to files, runs and models, and the one place that caches."""

from app.services.access import PUBLIC_REASON, demo, home, public
from app.services.answers import Answers, Source, sources, sources_on
from app.services.boards import (
    DEMO_DATA,
    Board,
    DataChoice,
    board,
    chosen_data,
    data_choices,
    pairs_of,
    rival_of,
    whole_data,
)
from app.services.links import fetch as fetch_link
from app.services.links import keep as keep_link
from app.services.machine import Machine, machine
from app.services.measured import comparison, evaluation, evaluation_of_rows, gap
from app.services.missing import HINT as MISSING_HINT
from app.services.missing import TWIN_HINT, left_out, missing
from app.services.models import Replay, Scored, model_run, replay, score
from app.services.probe import teacher_on_probe
from app.services.roles import in_order
from app.services.story import Rung, Story, story

__all__ = [
    "DEMO_DATA",
    "MISSING_HINT",
    "PUBLIC_REASON",
    "TWIN_HINT",
    "Answers",
    "Board",
    "DataChoice",
    "Machine",
    "Replay",
    "Rung",
    "Scored",
    "Source",
    "Story",
    "board",
    "chosen_data",
    "comparison",
    "data_choices",
    "demo",
    "evaluation",
    "evaluation_of_rows",
    "fetch_link",
    "gap",
    "home",
    "in_order",
    "keep_link",
    "left_out",
    "machine",
    "missing",
    "model_run",
    "pairs_of",
    "public",
    "replay",
    "rival_of",
    "score",
    "sources",
    "sources_on",
    "story",
    "teacher_on_probe",
    "whole_data",
]
