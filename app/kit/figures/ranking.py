"""nDCG over depth with its reference lines, and how the order of models moves with the variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app.kit.figures.style import MARKS, MUTED, TEXT, color, template
from app.kit.texts import plot
from kdcore.evaluation.curves import GAIN_NAMES, NdcgCurve
from kdcore.metrics.ranking import skill

Variant = tuple[str, int]
# models without a role here share one color: dash and symbol tell them apart
OTHER_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
OTHER_SYMBOLS = ("circle-open", "star", "triangle-down", "pentagon", "hexagram", "bowtie", "x")
LABELS = 2.3  # room for the names of models before the first variant, in steps between two
_SHORT = {"exp2": "2^g−1", "linear": "grade", "own": "own"}


@dataclass(frozen=True)
class Line:
    """A model's curve in its role."""

    role: str
    name: str
    curve: NdcgCurve


def ndcg_over_depth(
    lines: Sequence[Line], gain: str, k: int, deepest: int, skilled: bool, dark: bool = False
) -> go.Figure:
    """nDCG@1..deepest of each model with its 95 % band, between worst, random and ideal order.

    The axis follows the references alone, never a model or k: a change of either shows as itself.
    skilled: (nDCG - random) / (1 - random) instead, where random is 0 and the ideal 1.
    """
    figure = go.Figure(layout={"template": template(dark)})
    depths = list(range(1, deepest + 1))
    for name, values, dash in references(lines[0].curve, skilled):
        figure.add_scatter(
            x=depths,
            y=values[:deepest],
            name=name,
            mode="lines",
            line={"color": MUTED["dark" if dark else "light"], "dash": dash, "width": 1.5},
            hovertemplate=f"{name} order, k %{{x}}: %{{y:.3f}}<extra></extra>",
        )
    for line in lines:
        _add_model(figure, line, depths, skilled, dark)
    figure.add_vline(x=k, line={"color": TEXT["dark" if dark else "light"], "width": 1})
    what = "skill score" if skilled else "nDCG"
    floor = axis_floor(lines[0].curve, skilled, deepest)
    return figure.update_layout(
        height=400,
        legend={"yanchor": "bottom", "y": 1.02},
        xaxis={"title": "depth k", "dtick": 1, "range": [0.7, deepest + 0.3]},
        yaxis={"title": f"{what}@k, gain {GAIN_NAMES[gain]}", "range": [floor, 1.04]},
    )


def references(curve: NdcgCurve, skilled: bool) -> list[tuple[str, list[float], str]]:
    """The orders that need no model: ideal, random, worst; name, values by depth, dash."""
    random, worst = np.array(curve.random), np.array(curve.worst)
    ideal = np.where(np.isfinite(random), 1.0, np.nan)
    if skilled:
        random, worst = skill(random, random), skill(worst, random)
    return [
        ("Ideal", ideal.tolist(), "longdash"),
        ("Random", random.tolist(), "dash"),
        ("Worst", worst.tolist(), "dot"),
    ]


def axis_floor(curve: NdcgCurve, skilled: bool, deepest: int) -> float:
    """The lower end of the axis: 0 for nDCG, the worst order (-1 at most) for the skill score."""
    if not skilled:
        return 0.0
    worst = np.array(references(curve, True)[2][1][:deepest])
    finite = worst[np.isfinite(worst)]
    return float(max(np.floor(finite.min() * 10) / 10, -1.0)) if len(finite) else -1.0


def _add_model(figure: go.Figure, line: Line, depths: list[int], skilled: bool, dark: bool) -> None:
    shade, last, name = color(line.role, dark), len(depths), plot(line.name)
    low, value, high = (drawn[:last] for drawn in band(line.curve, skilled))
    figure.add_scatter(
        x=[*depths, *depths[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=_faint(shade),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        name=f"{name}, 95 %",
    )
    figure.add_scatter(
        x=depths,
        y=value,
        name=name,
        mode="lines+markers",
        line={"color": shade, "dash": MARKS[line.role].dash, "width": 2},
        marker={"symbol": MARKS[line.role].symbol, "size": 7, "color": shade},
        customdata=np.column_stack([low, high]),
        hovertemplate=f"{name}, k %{{x}}: %{{y:.3f}} [%{{customdata[0]:.3f}}, "
        "%{customdata[1]:.3f}]<extra></extra>",
    )


def band(curve: NdcgCurve, skilled: bool) -> tuple[list[float], list[float], list[float]]:
    """Low end, value and high end by depth. The random order is the data's, so ends move as one."""
    low, value, high = (np.array(row) for row in (curve.low, curve.model, curve.high))
    if skilled:
        random = np.array(curve.random)
        low, value, high = (skill(row, random) for row in (low, value, high))
    return low.tolist(), value.tolist(), high.tolist()


def _faint(shade: str) -> str:
    red, green, blue = (int(shade[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def ndcg_table(lines: Sequence[Line], deepest: int) -> pd.DataFrame:
    """The numbers of the curves: a row a depth, the references first."""
    curve = lines[0].curve
    columns: dict[str, Sequence[float]] = {
        "k": list(range(1, deepest + 1)),
        "random": curve.random[:deepest],
        "worst": curve.worst[:deepest],
    }
    for line in lines:
        of = line.curve
        columns |= {
            line.name: of.model[:deepest],
            f"{line.name}, 95 % low": of.low[:deepest],
            f"{line.name}, 95 % high": of.high[:deepest],
            f"{line.name}, skill": of.skill[:deepest],
        }
    return pd.DataFrame(columns)


ROUNDING = 1e-9  # values of nDCG this near are equal


def ranks(values: Mapping[str, Mapping[Variant, float]]) -> dict[str, dict[Variant, int]]:
    """Each model's place under each variant, 1 is best; equal values share the better place.

    Values that differ by a rounding alone are equal.
    """
    variants = next(iter(values.values()), {}).keys()
    return {
        name: {
            v: 1 + sum(other[v] > own[v] + ROUNDING for other in values.values()) for v in variants
        }
        for name, own in values.items()
    }


def variant_name(variant: Variant) -> str:
    """A short name of gain and depth: "2^g−1 @5"."""
    gain, k = variant
    return f"{_SHORT[gain]} @{k}"


def rank_moves(
    values: Mapping[str, Mapping[Variant, float]],
    roles: Mapping[str, str],
    chosen: Variant,
    dark: bool = False,
) -> go.Figure:
    """A line a model through its place under each variant; where lines cross, the variant decides.

    roles: the palette role of the models that have one here; the others are drawn muted.
    """
    places = ranks(values)
    variants = list(next(iter(values.values())))
    x = [variant_name(v) for v in variants]
    theme = "dark" if dark else "light"
    figure = go.Figure(layout={"template": template(dark)})
    starts: list[int] = []
    for at, (name, own) in enumerate(places.items()):
        tied = starts.count(own[variants[0]])
        starts.append(own[variants[0]])
        look = _look(roles.get(name, "muted"), at, dark)
        figure.add_scatter(
            x=x,
            y=[own[v] for v in variants],
            name=plot(name),
            mode="lines+markers",
            customdata=[values[name][v] for v in variants],
            hovertemplate=f"{plot(name)}: place %{{y}}, nDCG %{{customdata:.4f}}<extra></extra>",
            showlegend=False,
            **look,
        )
        _name(figure, plot(name), own[variants[0]] - 0.36 + 0.72 * tied, TEXT[theme])
    if chosen in variants:
        at = variants.index(chosen)
        figure.add_vrect(
            x0=at - 0.4, x1=at + 0.4, fillcolor=TEXT[theme], opacity=0.07, line_width=0
        )
    return figure.update_layout(
        height=110 + 46 * len(places),
        xaxis={"title": "gain and depth", "range": [-LABELS, len(variants) - 0.5]},
        yaxis={"title": "place", "range": [len(places) + 0.6, 0.4], "dtick": 1},
    )


def _name(figure: go.Figure, text: str, y: float, color: str) -> None:
    """A model's name before its line's start; on a phone, where names are wide, above the line."""
    font = {"size": 12, "color": color}
    figure.add_annotation(x=-LABELS, y=y, text=text, showarrow=False, xanchor="left", font=font)


def _look(role: str, at: int, dark: bool) -> dict[str, dict[str, object]]:
    """Line and marker of a model: its role's, or the next free dash and symbol."""
    dash, symbol, shade = MARKS[role].dash, MARKS[role].symbol, color(role, dark)
    if role == "muted":
        dash, symbol = (cycle[at % len(cycle)] for cycle in (OTHER_DASHES, OTHER_SYMBOLS))
    return {
        "line": {"color": shade, "dash": dash, "width": 2},
        "marker": {"symbol": symbol, "size": 9, "color": shade},
    }


def rank_table(values: Mapping[str, Mapping[Variant, float]]) -> pd.DataFrame:
    """A row a model: its place and its value under each variant."""
    places = ranks(values)
    rows = []
    for name, own in values.items():
        row: dict[str, str | float] = {"model": name}
        for variant, value in own.items():
            row[f"{variant_name(variant)}, place"] = places[name][variant]
            row[f"{variant_name(variant)}, nDCG"] = value
        rows.append(row)
    return pd.DataFrame(rows)
