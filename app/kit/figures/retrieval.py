"""Pictures of the Retrieval page: recall against time, what the first ads hold, and storage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from app.kit.figures.style import MARKS, TEXT, hue, template
from app.kit.texts import plot


@dataclass(frozen=True)
class Spot:
    """A mark with its 95 % interval; text: under the pointer."""

    x: float
    y: float
    low: float
    high: float
    text: str


def spots(
    lines: Sequence[tuple[str, str, Sequence[Spot]]],
    axes: tuple[str, str],
    *,
    current: Spot | None = None,
    dark: bool = False,
) -> go.Figure:
    """Lines of marks over a log axis, y from 0 to 1; lines: of (name, role, marks).

    A line joins its marks in their order.
    """
    figure = go.Figure(layout={"template": template(dark)})
    for name, role, marks in lines:
        figure.add_trace(_line(name, role, marks, dark))
    if current is not None:
        figure.add_trace(_ring(current, dark))
    return figure.update_layout(
        height=380,
        legend={"yanchor": "bottom", "y": 1.01},
        xaxis={"title": plot(axes[0]), "type": "log", **_ticks(lines)},
        yaxis={"title": plot(axes[1]), "range": [0, 1.04]},
    )


def _ticks(lines: Sequence[tuple[str, str, Sequence[Spot]]]) -> dict[str, Any]:
    """Marks at 1, 2 and 5 of each power of ten; over many powers only the powers."""
    places = [each.x for _, _, marks in lines for each in marks if each.x > 0]
    if not places:
        return {"dtick": 1}
    powers = range(math.floor(math.log10(min(places))), math.ceil(math.log10(max(places))) + 1)
    bases = (1,) if max(places) > 300 * min(places) else (1, 2, 5)
    values = [base * 10.0**power for power in powers for base in bases]
    return {"tickvals": values, "ticktext": [f"{value:,.10g}" for value in values]}


def _line(name: str, role: str, marks: Sequence[Spot], dark: bool) -> go.Scatter:
    shade = hue(MARKS[role], dark)
    return go.Scatter(
        x=[each.x for each in marks],
        y=[each.y for each in marks],
        error_y={
            "array": [each.high - each.y for each in marks],
            "arrayminus": [each.y - each.low for each in marks],
            "thickness": 1.2,
            "width": 3,
        },
        name=plot(name),
        mode="lines+markers",
        line={"color": shade, "dash": MARKS[role].dash},
        marker={"symbol": MARKS[role].symbol, "size": 9, "color": shade},
        **_hover(marks),
    )


def _ring(current: Spot, dark: bool) -> go.Scatter:
    """A circle around what is chosen now."""
    shade = TEXT["dark" if dark else "light"]
    ring = {"symbol": "circle-open", "size": 20, "color": shade, "line": {"width": 3}}
    return go.Scatter(
        x=[current.x],
        y=[current.y],
        name="chosen now",
        mode="markers",
        marker=ring,
        **_hover([current]),
    )


def _hover(marks: Sequence[Spot]) -> dict[str, object]:
    texts = [plot(each.text).replace("\n", "<br>") for each in marks]
    return {"customdata": texts, "hovertemplate": "%{customdata}<extra></extra>"}
