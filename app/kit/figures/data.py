"""Figures of the Data page."""

import pandas as pd
import plotly.graph_objects as go

from app.kit.figures import style
from app.kit.texts import plot

_DASH_OF_GRADE = ("/", "\\", "x", "-", "+")  # hatches double the colors


def teacher_against_gold(table: pd.DataFrame, dark: bool) -> go.Figure:
    """Stacked bars of a teacher's P(relevant), a color and a hatch for each grade."""
    figure = go.Figure()
    grades = [name for name in table.columns if name not in ("from", "to")]
    colors = [*style.grade_colors(len(grades), dark)]
    middle = (table["from"] + table["to"]) / 2
    for place, grade in enumerate(grades):
        shape, name = _DASH_OF_GRADE[place % len(_DASH_OF_GRADE)], plot(grade)
        figure.add_bar(
            x=middle,
            y=table[grade],
            width=(table["to"] - table["from"]) * 0.94,
            name=name,
            marker={
                "color": colors[place],
                "pattern": {"shape": shape if place % 2 else "", "fillmode": "overlay", "size": 6},
            },
            hovertemplate=f"P(relevant) %{{x:.2f}}<br>%{{y:,}} labelled {name}<extra></extra>",
        )
    return figure.update_layout(
        template=style.template(dark),
        barmode="stack",
        bargap=0,
        height=330,
        legend={"traceorder": "normal"},
        xaxis={"title": "the teacher's P(relevant)", "range": [0, 1], "dtick": 0.1},
        yaxis={"title": "pairs"},
    )
