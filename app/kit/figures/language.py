"""Figures of the Masked word page."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.kit.figures import style

_ROLES = ("teacher", "student", "rival")  # one color, dash and symbol per loss


def loss_curves(table: pd.DataFrame, dark: bool) -> go.Figure:
    """One panel per loss over the steps, each with its own axis from 0.

    table: a column `step`, then a column for each loss.
    """
    losses = [name for name in table.columns if name != "step"]
    figure = make_subplots(
        rows=len(losses), cols=1, shared_xaxes=True, vertical_spacing=0.09, subplot_titles=losses
    )
    for row, (name, role) in enumerate(zip(losses, _ROLES, strict=False), start=1):
        line = {"color": style.color(role, dark), "dash": style.MARKS[role].dash, "width": 2}
        figure.add_scatter(
            x=table["step"],
            y=table[name],
            mode="lines",
            line=line,
            name=name,
            hovertemplate=f"{name} %{{y:.3f}} at step %{{x:,}}<extra></extra>",
            row=row,
            col=1,
        )
        figure.update_yaxes(rangemode="tozero", nticks=4, row=row, col=1)
    figure.update_xaxes(title="step", row=len(losses), col=1)
    return figure.update_layout(template=style.template(dark), height=420, showlegend=False)


_PANELS = {  # column of the table: how it is called over its panel
    "accuracy": "masked-word accuracy of the student",
    "kept probability": "kept probability",
    "KL, nats": "KL from all logits, nats",
    "bytes per hidden word": "bytes per hidden word, log scale",
}


def stored_logits(table: pd.DataFrame, lines: Mapping[str, float], dark: bool) -> go.Figure:
    """Panels over k: the students' accuracy, what the stored logits hold and lose, and bytes.

    table: a row per k; columns as in _PANELS with their ends " low" and " high", and an accuracy
    for each way to treat what was dropped. lines: accuracies that do not depend on k.
    """
    figure = make_subplots(
        rows=4, cols=1, shared_xaxes=True, vertical_spacing=0.07, subplot_titles=[*_PANELS.values()]
    )
    ks = [f"{k:,}" for k in table["k"][:-1]] + [f"all {table['k'].iloc[-1]:,}"]
    accuracies = [
        n for n in map(str, table.columns) if n.startswith("accuracy, ") and f"{n} low" in table
    ]
    for name, role in zip(accuracies, ("student", "rival"), strict=True):
        _over_k(figure, 1, ks, table, name, role, dark)
    for (name, value), role in zip(lines.items(), ("teacher", "twin"), strict=True):
        dash = {"color": style.color(role, dark), "dash": "dash" if role == "teacher" else "dot"}
        figure.add_scatter(
            x=ks,
            y=[value] * len(ks),
            mode="lines",
            line=dash,
            name=name,
            hovertemplate=f"{name} %{{y:.3f}}<extra></extra>",
            row=1,
            col=1,
        )
    for row, name in enumerate([*_PANELS][1:], start=2):
        _over_k(figure, row, ks, table, name, "muted" if row == 4 else "truth", dark)
    figure.update_yaxes(nticks=5)
    figure.update_yaxes(type="log", dtick=1, row=4, col=1)
    figure.update_xaxes(type="category")
    figure.update_xaxes(title="k, logits stored per hidden word", row=4, col=1)
    return figure.update_layout(
        template=style.template(dark), height=760, legend={"yanchor": "bottom", "y": 1.05}
    )


def _over_k(
    figure: go.Figure,
    row: int,
    ks: list[str],
    table: pd.DataFrame,
    name: str,
    role: str,
    dark: bool,
) -> None:
    """One line over k, with intervals where the table has them."""
    shade = style.color(role, dark)
    more: dict[str, Any] = {}
    ends = ""
    if f"{name} low" in table:
        low, high = table[f"{name} low"], table[f"{name} high"]
        more["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": high - table[name],
            "arrayminus": table[name] - low,
            "color": shade,
            "thickness": 1,
            "width": 3,
        }
        more["customdata"] = list(zip(low, high, strict=True))
        ends = " [%{customdata[0]:.3f}, %{customdata[1]:.3f}]"
    short = name.removeprefix("accuracy, ")
    value = "%{y:,}" if row == 4 else "%{y:.3f}"
    figure.add_scatter(
        x=ks,
        y=table[name],
        name=short,
        mode="lines+markers",
        line={"color": shade, "dash": style.MARKS[role].dash, "width": 2},
        marker={"symbol": "circle" if row == 4 else style.MARKS[role].symbol, "size": 9},
        hovertemplate=f"k = %{{x}}<br>{short} {value}{ends}<extra></extra>",
        showlegend=row == 1,
        row=row,
        col=1,
        **more,
    )
