"""Reliability diagrams: does a probability come true as often as it says?"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.kit.figures.style import BACKGROUND, MARKS, color, template
from kdcore.evaluation.recalibration import BeforeAfter
from kdcore.metrics.calibration import Reliability

ROOM = [-0.025, 1.04]  # of an axis from 0 to 1: marks at its ends are not cut
TITLES = ("as trained, T = 1", "after its best T")


@dataclass(frozen=True)
class Model:
    """One model of the diagram: its name, its role in the palette, and what was measured."""

    name: str
    role: str
    calibration: BeforeAfter


def reliability_diagram(models: list[Model], dark: bool) -> go.Figure:
    """Share of relevant pairs over mean P(relevant), before and after T; counts below."""
    figure = make_subplots(
        rows=2,
        cols=2,
        row_heights=[0.76, 0.24],
        shared_xaxes=True,
        shared_yaxes=True,
        vertical_spacing=0.06,
        horizontal_spacing=0.05,
        subplot_titles=TITLES,
    )
    for column, side in enumerate(("before", "after"), start=1):
        diagonal = go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": color("muted", dark), "dash": "dot", "width": 1.5},
            hoverinfo="skip",
            name="perfect",
            showlegend=column == 1,
        )
        figure.add_trace(diagonal, row=1, col=column)
        for model in models:
            bins = getattr(model.calibration, side).bins
            figure.add_trace(_curve(model, bins, dark, column == 1), row=1, col=column)
            figure.add_trace(_counts(model, bins, dark), row=2, col=column)
    return _axes(figure, dark)


def _curve(model: Model, bins: Reliability, dark: bool, legend: bool) -> go.Scatter:
    filled = bins.count > 0
    size = 5 + 11 * np.sqrt(bins.count[filled] / max(bins.count.max(), 1))
    mark = MARKS[model.role]
    return go.Scatter(
        x=bins.confidence[filled],
        y=bins.frequency[filled],
        mode="lines+markers",
        name=model.name,
        legendgroup=model.role,
        showlegend=legend,
        line={"color": color(model.role, dark), "dash": mark.dash, "width": 2},
        marker={
            "size": size,
            "symbol": mark.symbol,
            "color": color(model.role, dark),
            "line": {"width": 1, "color": BACKGROUND["dark" if dark else "light"]},
        },
        customdata=bins.count[filled],
        hovertemplate="says %{x:.2f}, comes true %{y:.2f}<br>%{customdata:,} pairs",
    )


def _counts(model: Model, bins: Reliability, dark: bool) -> go.Scatter:
    size = len(bins.count)
    return go.Scatter(
        x=(np.arange(size) + 0.5) / size,
        y=bins.count,
        mode="lines",
        name=model.name,
        legendgroup=model.role,
        showlegend=False,
        line={
            "color": color(model.role, dark),
            "shape": "hvh",
            "width": 1.8,
            "dash": MARKS[model.role].dash,
        },
        hovertemplate="%{y:,} pairs<br>P(relevant) near %{x:.2f}",
    )


def _axes(figure: go.Figure, dark: bool) -> go.Figure:
    figure.update_layout(
        template=template(dark),
        height=520,
        margin={"l": 60, "r": 12, "t": 64, "b": 44},
        legend={"orientation": "h", "y": 1.16, "x": 0},
    )
    figure.update_xaxes(range=ROOM, dtick=0.2)
    figure.update_xaxes(title_text="P(relevant) that the model says", row=2)
    figure.update_yaxes(range=ROOM, dtick=0.2, row=1)
    figure.update_yaxes(title_text="share that is relevant", row=1, col=1)
    most = max(max(trace.y, default=1) for trace in figure.data if trace.yaxis in ("y3", "y4"))
    figure.update_yaxes(range=[0, 1.05 * float(most)], row=2)
    figure.update_yaxes(title_text="pairs", row=2, col=1)
    return figure
