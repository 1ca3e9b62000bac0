"""Pictures of the Scale page: a mark or more per row of names, on one axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from app.kit.figures.style import GRID, MARKS, TEXT, hue, template
from app.kit.texts import plot

_SIZES = {  # of models, from a million to a hundred billion parameters
    "type": "log",
    "tickvals": [10**n for n in range(5, 12)],
    "ticktext": ["0.1 M", "1 M", "10 M", "100 M", "1 B", "10 B", "100 B"],
}


@dataclass(frozen=True)
class Dot:
    """A mark. row: the name beside it; role: a key of MARKS, its color and shape."""

    row: str
    x: float
    role: str
    text: str  # under the pointer


def dots(
    points: Sequence[Dot],
    rows: Sequence[str],
    legend: Mapping[str, str],
    axis: str,
    *,
    log: bool,
    dark: bool = False,
) -> go.Figure:
    """Marks in rows of names, the first row on top.

    legend: what each role stands for; axis: its title.
    """
    theme = "dark" if dark else "light"
    figure = go.Figure(layout={"template": template(dark)})
    for role, name in legend.items():
        chosen = [p for p in points if p.role == role]
        shade = hue(MARKS[role], dark)
        figure.add_scatter(
            x=[p.x for p in chosen],
            y=[plot(p.row) for p in chosen],
            name=plot(name),
            mode="markers",
            marker={
                "symbol": MARKS[role].symbol,
                "size": 11,
                "color": shade,
                "line": {"width": 2 if "open" in MARKS[role].symbol else 0, "color": shade},
            },
            customdata=[plot(p.text).replace("\n", "<br>") for p in chosen],
            hovertemplate="%{customdata}<extra></extra>",
        )
    return figure.update_layout(
        height=110 + 26 * len(rows),
        margin={"l": 8, "r": 16, "t": 24, "b": 44},
        legend={"yanchor": "bottom", "y": 1.01, "font": {"color": TEXT[theme]}},
        showlegend=len(legend) > 1,
        xaxis={"title": axis} | (_SIZES if log else {}),
        yaxis={
            "categoryorder": "array",
            "categoryarray": [plot(row) for row in reversed(rows)],
            "automargin": True,
            "gridcolor": GRID[theme],
        },
    )
