"""Pictures of many runs: quality against cost with its frontier, and a sweep as a heat map."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from app.kit.figures.labels import Frame, places, write_names
from app.kit.figures.style import BACKGROUND, GRID, TEXT, color, hue, mark_of, template
from app.kit.texts import plot
from kdcore.runs.loss_terms import NAMES

WARNING = "Different inputs together: not a fair comparison"
_ALIKE = 0.02  # a spread of costs, as a share of them, that is none to the eye
_ROUND = [m * 10**n for n in range(12) for m in (1, 2, 5)]  # ticks of a short logarithmic axis
_PIXELS = (760.0, 300.0)  # of the part with the points; a wider one has room to spare


@dataclass(frozen=True)
class Point:
    """A run. x: its cost; y: its quality with a 95 % interval, nan ends for none.

    family: the kind of its training, a key of NAMES; way: that and its model. label: its name in
    the picture, shorter than the title; "" for the title. seeds: of how many runs y is the mean.
    note: a line under the pointer, such as what y is counted over.
    """

    key: str
    title: str
    family: str
    way: str
    x: float
    y: float
    low: float
    high: float
    chosen: bool = False
    label: str = ""
    seeds: int = 1
    note: str = ""


def frontier(points: Sequence[Point], higher: bool) -> list[Point]:
    """The points that no other beats in both: less or equal cost, better or equal quality."""
    sign = 1 if higher else -1
    unbeaten: list[Point] = []
    best = float("-inf")
    for point in sorted(points, key=lambda p: (p.x, -sign * p.y)):
        if sign * point.y > best:
            unbeaten.append(point)
            best = sign * point.y
    return unbeaten


def quality_against_cost(
    points: Sequence[Point],
    names: tuple[str, str],
    *,
    higher: bool,
    by_way: bool,
    mixed: bool,
    dark: bool = False,
    log: bool = False,
) -> go.Figure:
    """Runs by cost and quality, the frontier as a step line.

    names: of the axes; by_way: one line per training method by cost, as in Aguilar et al.
    2019 (arXiv:1910.03723, figure 2), instead of the frontier; mixed: inputs differ, said in the
    picture; log: a logarithmic axis of costs even where they are close to each other.
    """
    figure = go.Figure(layout={"template": template(dark)})
    log = log or _wide(points)
    if by_way:
        _ways(figure, points, dark)
    else:
        best = frontier(points, higher)
        line = {"shape": "hv", "color": TEXT["dark" if dark else "light"], "width": 1.5}
        x, y = [p.x for p in best], [p.y for p in best]
        figure.add_scatter(x=x, y=y, name="Frontier", mode="lines", line=line, hoverinfo="skip")
        for family in NAMES:
            _marks(figure, [p for p in points if p.family == family], family, dark)
        _names(figure, points, best, dark, log)
    if mixed:
        figure.add_annotation(
            text=WARNING,
            font={"color": color("defect", dark), "size": 13},
            xref="paper",
            yref="paper",
            x=0.01,
            y=0.99,
            showarrow=False,
        )
    return figure.update_layout(
        height=430,
        legend={"yanchor": "bottom", "y": 1.02},
        xaxis={"title": names[0], "type": "log" if log else "linear"} | _room(points, log),
        yaxis={"title": names[1]},
    )


def _wide(points: Sequence[Point]) -> bool:
    costs = [p.x for p in points if p.x > 0]
    return len(costs) == len(points) and bool(costs) and max(costs) > 20 * min(costs)


def _room(points: Sequence[Point], log: bool) -> dict[str, object]:
    """A range around costs that are nearly equal: ticks between them would tell nothing apart."""
    if log:
        return {} if _wide(points) else {"tickvals": _ROUND, "tickformat": "~s"}
    low, high = min(p.x for p in points), max(p.x for p in points)
    if high - low > _ALIKE * abs(high):
        return {}
    aside = abs(high) * 0.1 or 1.0
    return {"range": [low - aside, high + aside], "nticks": 5}


def _names(
    figure: go.Figure, points: Sequence[Point], best: Sequence[Point], dark: bool, log: bool
) -> None:
    """The names of the chosen runs and of those on the frontier, where there is room for them."""
    shown = [p for p in points if p.chosen] + [p for p in best[::-1] if not p.chosen]
    texts = [p.label or p.title for p in shown]
    across: Callable[[float], float] = math.log10 if log else float
    others = [(across(p.x), p.y) for p in points if p not in shown]
    at = places(texts, [(across(p.x), p.y) for p in shown], others, _frame(points, across, log))
    write_names(figure, texts, [(p.x, p.y) for p in shown], at, TEXT["dark" if dark else "light"])


def _frame(points: Sequence[Point], across: Callable[[float], float], log: bool) -> Frame:
    """What Plotly shows of these points: a little room around them, error bars and all."""
    xs = [across(p.x) for p in points]
    ys = [y for p in points for y in (p.low, p.y, p.high) if y == y]
    room = 0.06 * (max(xs) - min(xs)), 0.06 * (max(ys) - min(ys))
    if "range" in _room(points, log):
        room = abs(max(xs)) * 0.1 or 1.0, room[1]
    low, high = (min(xs) - room[0], min(ys) - room[1]), (max(xs) + room[0], max(ys) + room[1])
    return Frame(low, high, _PIXELS)


def _marks(figure: go.Figure, points: Sequence[Point], family: str, dark: bool) -> None:
    if not points:
        return
    text, mark = TEXT["dark" if dark else "light"], mark_of(family)
    shade = hue(mark, dark)
    figure.add_scatter(
        name=NAMES[family],
        mode="markers",
        marker={
            "symbol": mark.symbol if family else "circle-open",
            "size": [15 if p.chosen else 10 for p in points],
            "color": shade,
            "line": {"width": [2 if p.chosen else 0 for p in points], "color": text},
        },
        **_drawn(points, shade),
    )


def _ways(figure: go.Figure, points: Sequence[Point], dark: bool) -> None:
    """One line per model and family, in the family's color, dash and symbol."""
    order = list(NAMES)
    ways = dict.fromkeys(p.way for p in sorted(points, key=lambda p: order.index(p.family)))
    for way in ways:
        line = sorted((p for p in points if p.way == way), key=lambda p: p.x)
        mark = mark_of(line[0].family)
        shade = hue(mark, dark)
        figure.add_scatter(
            name=plot(way),
            mode="lines+markers" if len(line) > 1 else "markers",
            line={"color": shade, "dash": mark.dash, "width": 2},
            marker={"symbol": mark.symbol, "size": 10, "color": shade},
            **_drawn(line, shade),
        )


def _drawn(points: Sequence[Point], shade: str) -> dict[str, object]:
    """Places of points, a text under the pointer, and error bars where there is an interval."""
    texts = []
    for p in points:
        ends = f" [{p.low:.3f}, {p.high:.3f}]" if p.low == p.low else ""
        note = f"<br>{plot(p.note)}" if p.note else ""
        of = f", mean of {p.seeds} seeds" if p.seeds > 1 else ""
        texts.append(f"{plot(p.title)}<br>{p.y:.3f}{ends}{of}<br>cost {p.x:,.3g}{note}")
    return {
        "x": [p.x for p in points],
        "y": [p.y for p in points],
        "customdata": texts,
        "hovertemplate": "%{customdata}<extra></extra>",
        "error_y": {
            "type": "data",
            "symmetric": False,
            "thickness": 1,
            "width": 3,
            "color": shade,
            "array": [p.high - p.y if p.high == p.high else 0 for p in points],
            "arrayminus": [p.y - p.low if p.low == p.low else 0 for p in points],
        },
    }


def frontier_table(points: Sequence[Point], names: tuple[str, str], higher: bool) -> pd.DataFrame:
    """A row a run: cost, quality with its interval, and whether it stands on the frontier."""
    best = {p.key for p in frontier(points, higher)}
    return pd.DataFrame(
        {
            "run": [p.key for p in points],
            "title": [p.title for p in points],
            "trained": [p.way for p in points],
            "seeds": [p.seeds for p in points],
            names[0]: [p.x for p in points],
            names[1]: [p.y for p in points],
            "95 % low": [p.low for p in points],
            "95 % high": [p.high for p in points],
            "on the frontier": ["yes" if p.key in best else "no" for p in points],
        }
    )


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    names: tuple[str, str, str],
    dark: bool = False,
) -> go.Figure:
    """A sweep over two settings; each cell has its text, which its color only repeats.

    names: of the columns' setting, of the rows' setting, of the value.
    """
    theme = "dark" if dark else "light"
    figure = go.Figure(layout={"template": template(dark)})
    across, down = [plot(c) for c in columns], [plot(r) for r in rows]
    lines = [[t.replace("\n", "<br>") for t in row] for row in texts]
    tiles = {"x": across, "y": down, "xgap": 3, "ygap": 3}
    figure.add_heatmap(  # the grid stands from the start; a cell without a value has no other color
        z=[[0.0] * len(across)] * len(down),
        colorscale=[[0.0, GRID[theme]], [1.0, GRID[theme]]],
        showscale=False,
        hoverinfo="skip",
        **tiles,
    )
    figure.add_heatmap(
        z=values,
        text=lines,
        colorscale=[[0.0, GRID[theme]], [1.0, color("student", dark)]],
        showscale=any(math.isfinite(v) for row in values for v in row),
        colorbar={"title": {"text": plot(names[2])}, "thickness": 12},
        hovertemplate="%{x}, %{y}<br>%{text}<extra></extra>",
        **tiles,
    )
    _cell_texts(figure, across, down, lines, TEXT[theme])
    return figure.update_layout(
        height=130 + 74 * len(rows),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor=BACKGROUND[theme],
        xaxis={"title": plot(names[0]), "type": "category", "showgrid": False},
        yaxis={"title": plot(names[1]), "type": "category", "showgrid": False},
    )


def _cell_texts(
    figure: go.Figure,
    across: Sequence[str],
    down: Sequence[str],
    lines: Sequence[Sequence[str]],
    ink: str,
) -> None:
    """The text of each cell; a heat map itself writes nothing where it has no value."""
    figure.add_scatter(
        x=[column for _ in down for column in across],
        y=[row for row in down for _ in across],
        text=[text for row in lines for text in row],
        mode="text",
        textfont={"size": 13, "color": ink},
        hoverinfo="skip",
        showlegend=False,
    )
