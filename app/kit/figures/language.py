"""Figures of the Masked word page."""

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
