"""GLUE scores of one day's leaderboard, as the deck prints them."""

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.figures.scale import Dot, dots
from app.views.scale.deck import GLUE, GLUE_DAY, HUMANS, SOURCE


def draw() -> str:
    """The picture; returns the finding."""
    points = [
        Dot(name, score, "gold" if name == HUMANS else "teacher", f"{name}\nGLUE {score:.1f}")
        for name, score in GLUE.items()
    ]
    above = sum(score > GLUE[HUMANS] for score in GLUE.values())
    best = max(GLUE, key=lambda name: GLUE[name])
    sentence = (
        f"On {GLUE_DAY} the deck's leaderboard has {above} models above the human baseline of "
        f"{GLUE[HUMANS]:.1f}; {best} leads with {GLUE[best]:.1f}."
    )
    legend = {"teacher": "model", "gold": "people"}
    controls.chart(
        dots(points, list(GLUE), legend, "GLUE score", log=False, dark=controls.dark()),
        pd.DataFrame({"model": list(GLUE), "GLUE score": list(GLUE.values())}),
        sentence,
        "scale_glue",
        f"{SOURCE}; GLUE leaderboard of {GLUE_DAY}",
        Caption(f"GLUE scores, leaderboard of {GLUE_DAY}", SOURCE),
    )
    st.caption(
        f"Source: {SOURCE}, the leaderboard of {GLUE_DAY} as printed; the axis does not begin at "
        "0. A GLUE score is the mean of a model's scores on the benchmark's tasks, from 0 to 100; "
        "the leaderboard gives no interval. This lab's models have no GLUE score: they learn "
        "search relevance only, and performance against parameters shows them by their own metric."
    )
    return sentence
