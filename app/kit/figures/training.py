"""The training curves of several runs, each in the look of its family."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from app.kit.figures.labels import Frame, places, write_names
from app.kit.figures.style import TEXT, hue, mark_of, template
from app.kit.texts import plot
from kdcore.runs.loss_terms import NAMES

_FAR = 4  # times as many steps, from which on the steps are on a log scale
_PIXELS = (760.0, 330.0)  # of the part with the curves; a wider one has room to spare


@dataclass(frozen=True)
class Curve:
    """A run as it learned. label: its name in the picture, shorter than the title.

    family: the kind of its training, a key of NAMES. points: (step, value) each, at least one.
    """

    key: str
    title: str
    label: str
    family: str
    points: Sequence[tuple[int, float]]


def training_curves(curves: Sequence[Curve], name: str, dark: bool = False) -> go.Figure:
    """A line per run over the steps; color, dash and symbol are its family's, as the legend says.

    A run's name stands at the end of its line, where there is room. name: of the value.
    """
    figure = go.Figure(layout={"template": template(dark)})
    in_order = sorted(curves, key=lambda curve: list(NAMES).index(curve.family))
    drawn: set[str] = set()
    for curve in in_order:
        mark = mark_of(curve.family)
        shade = hue(mark, dark)
        last = len(curve.points) - 1
        figure.add_scatter(
            x=[step for step, _ in curve.points],
            y=[value for _, value in curve.points],
            name=NAMES[curve.family],
            legendgroup=curve.family,
            showlegend=curve.family not in drawn,
            mode="lines+markers",
            line={"color": shade, "dash": mark.dash, "width": 2},
            marker={
                "symbol": mark.symbol if curve.family else "circle-open",
                "size": [10 if at == last else 5 for at in range(len(curve.points))],
                "color": shade,
            },
            hovertemplate=f"{plot(curve.title)}<br>%{{y:.3f}} at step %{{x:,}}<extra></extra>",
        )
        drawn.add(curve.family)
    _frame(figure, curves, dark)
    return figure.update_layout(
        height=430,
        legend={"yanchor": "bottom", "y": 1.02},
        xaxis={"title": "step"},
        yaxis={"title": name},
    )


def _frame(figure: go.Figure, curves: Sequence[Curve], dark: bool) -> None:
    """Axes with room around the curves, and the names of the runs at the ends of their lines.

    The steps are on a log scale where one run takes many times the steps of another.
    """
    ends = [curve.points[-1] for curve in curves]
    steps, values = zip(*(point for curve in curves for point in curve.points), strict=True)
    is_log = min(steps) > 0 and max(ends)[0] > _FAR * min(ends)[0]
    across: Callable[[float], float] = math.log10 if is_log else float
    left, right = across(min(steps)) if is_log else 0.0, across(max(steps))
    right += 0.2 * ((right - left) or 1.0)
    room = 0.1 * ((max(values) - min(values)) or 0.1)
    frame = Frame((left, min(values) - room), (right, max(values) + room), _PIXELS)
    figure.update_xaxes(type="log" if is_log else "linear", range=[left, right], nticks=8)
    figure.update_yaxes(range=[frame.low[1], frame.high[1]])
    on_axis = [(across(step), value) for step, value in ends]
    names = [curve.label for curve in curves]
    others = [(across(step), value) for each in curves for step, value in each.points[:-1]]
    at = places(names, on_axis, others, frame)
    write_names(figure, names, ends, at, TEXT["dark" if dark else "light"])


def curves_table(curves: Sequence[Curve], name: str) -> pd.DataFrame:
    """A row per point: run, title, family, step and value."""
    rows = [
        (curve.key, curve.title, NAMES[curve.family], step, value)
        for curve in curves
        for step, value in curve.points
    ]
    return pd.DataFrame(rows, columns=["run", "title", "family", "step", name])
