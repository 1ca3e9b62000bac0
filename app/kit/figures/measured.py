"""A picture of what was measured: differences with their intervals, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from app.kit.figures.style import GRID, TEXT, color, template
from app.kit.texts import plot, signed

_COLORS = {"BETTER": "student", "WORSE": "defect", "INCONCLUSIVE": "muted"}
_SYMBOLS = {"BETTER": "triangle-up", "WORSE": "triangle-down", "INCONCLUSIVE": "circle-open"}


@dataclass(frozen=True)
class Difference:
    """What a method changed: its name, the mean of the seeds, two intervals, and the verdict.

    queries: 95 % over queries. seeds: 95 % over seeds, None where there are too few.
    """

    name: str
    mean: float
    queries: tuple[float, float]
    seeds: tuple[float, float] | None
    verdict: str
    by_seed: tuple[float, ...]


def differences(rows: Sequence[Difference], name: str, dark: bool = False) -> go.Figure:
    """A line per method: a thick bar over queries, a thin one over seeds, a mark at the mean."""
    figure = go.Figure(layout={"template": template(dark)})
    theme = "dark" if dark else "light"
    names = [plot(row.name) for row in rows]
    shades = [color(_COLORS.get(row.verdict, "muted"), dark) for row in rows]
    for row, label, shade in zip(rows, names, shades, strict=True):
        for interval, width in ((row.seeds, 1.5), (row.queries, 6)):
            if interval is not None:
                figure.add_scatter(
                    x=list(interval),
                    y=[label, label],
                    mode="lines",
                    line={"color": shade, "width": width},
                    opacity=0.45 if width > 2 else 1.0,
                    hoverinfo="skip",
                )
    figure.add_scatter(
        x=[row.mean for row in rows],
        y=names,
        mode="markers",
        marker={
            "size": 11,
            "symbol": [_SYMBOLS.get(row.verdict, "circle") for row in rows],
            "color": shades,
            "line": {"width": 2, "color": shades},
        },
        customdata=[(sentence(row),) for row in rows],
        hovertemplate="%{customdata[0]}<extra></extra>",
    )
    figure.add_vline(x=0, line={"color": TEXT[theme], "width": 1, "dash": "dot"})
    return figure.update_layout(
        height=90 + 34 * len(rows),
        margin={"l": 8, "r": 12, "t": 8, "b": 44},
        showlegend=False,
        xaxis=_axis(rows, name),
        yaxis={"autorange": "reversed", "automargin": True, "gridcolor": GRID[theme]},
    )


def _axis(rows: Sequence[Difference], name: str) -> dict[str, Any]:
    """The axis of differences: it holds 0 and both ends of every bar, with some room."""
    ends = [end for row in rows for end in (0.0, row.mean, *row.queries, *(row.seeds or ()))]
    room = 0.05 * (max(ends) - min(ends)) or 1.0
    return {
        "title": plot(f"difference in {name}"),
        "tickformat": "+.3f",
        "nticks": 5,
        "range": [min(ends) - room, max(ends) + room],
    }


def sentence(row: Difference) -> str:
    """A difference in words."""
    low, high = row.queries
    seeds = ""
    if row.seeds is not None:
        seeds = f", over seeds [{signed(row.seeds[0])}, {signed(row.seeds[1])}]"
    queries = f"over queries [{signed(low)}, {signed(high)}]"
    return f"{plot(row.name)}: {signed(row.mean)}, {queries}{seeds}: {row.verdict}"
