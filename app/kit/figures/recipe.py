"""What each stage of a recipe brought: a waterfall of ROC-AUC with its intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from app.kit.figures.style import TEXT, color, template
from app.kit.texts import VERDICT_MARKS, plot, signed

_COLORS = {"BETTER": "student", "WORSE": "defect"}  # else gray
_DOT, _BAR = (
    -0.2,
    0.2,
)  # where dot and bar of a row lie, so that neither covers the other's interval


@dataclass(frozen=True)
class Step:
    """A model: its value with its interval; delta, with its own, less the model before it.

    role: teacher, student or twin.
    """

    name: str
    role: str
    value: float
    interval: tuple[float, float]
    delta: float | None = None
    delta_interval: tuple[float, float] | None = None
    verdict: str = ""


def waterfall(steps: Sequence[Step], dark: bool = False) -> go.Figure:
    """A row per model: a dot with its interval, and below it a bar from the model before it.

    The bar has the paired interval of the difference, at its end.
    """
    figure = go.Figure(layout={"template": template(dark)})
    _bars(figure, steps, dark)
    _dots(figure, steps, dark)
    for step in steps:
        if step.role == "teacher":
            figure.add_vline(
                x=step.value, line={"color": color("teacher", dark), "width": 1, "dash": "dot"}
            )
    return figure.update_layout(
        height=90 + 48 * len(steps),
        margin={"l": 8, "r": 76, "t": 8, "b": 44},
        showlegend=False,
        annotations=_changes(steps, dark),
        xaxis={"title": "ROC-AUC on test", "tickformat": ".3f", "nticks": 6},
        yaxis={
            "range": [len(steps) - 0.45, -0.55],
            "automargin": True,
            "tickvals": list(range(len(steps))),
            "ticktext": [plot(step.name) for step in steps],
            "zeroline": False,
        },
    )


def _bars(figure: go.Figure, steps: Sequence[Step], dark: bool) -> None:
    """What each stage brought, from the model before it."""
    for place, step in enumerate(steps):
        if step.delta is None or step.delta_interval is None:
            continue
        shade = color(_COLORS.get(step.verdict, "muted"), dark)
        figure.add_bar(
            x=[step.delta],
            y=[place + _BAR],
            base=[step.value - step.delta],
            orientation="h",
            marker={"color": shade, "opacity": 0.55},
            error_x=_whiskers([step.delta], [step.delta_interval], dark),
            width=0.34,
            customdata=[(sentence(step),)],
            hovertemplate="%{customdata[0]}<extra></extra>",
        )


def _changes(steps: Sequence[Step], dark: bool) -> list[dict[str, Any]]:
    """What each stage brought, at the right: ▲ a gain, ▼ a loss, ≈ no difference shown."""
    return [
        {
            "x": 1.0,
            "xref": "paper",
            "xanchor": "left",
            "xshift": 6,
            "y": place,
            "text": f"{VERDICT_MARKS.get(step.verdict, '')} {signed(step.delta)}",
            "font": {"color": color(_COLORS.get(step.verdict, "muted"), dark)},
            "showarrow": False,
        }
        for place, step in enumerate(steps)
        if step.delta is not None
    ]


def _dots(figure: go.Figure, steps: Sequence[Step], dark: bool) -> None:
    """Each model's own value."""
    values = [step.value for step in steps]
    figure.add_scatter(
        x=values,
        y=[place + _DOT for place in range(len(steps))],
        mode="markers",
        marker={"size": 10, "color": [color(step.role, dark) for step in steps]},
        error_x=_whiskers(values, [step.interval for step in steps], dark),
        customdata=[(sentence(step),) for step in steps],
        hovertemplate="%{customdata[0]}<extra></extra>",
    )


def _whiskers(
    values: Sequence[float], intervals: Sequence[tuple[float, float]], dark: bool
) -> dict[str, Any]:
    return {
        "array": [high - value for value, (_, high) in zip(values, intervals, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, intervals, strict=True)],
        "color": TEXT["dark" if dark else "light"],
        "thickness": 1.5,
    }


def sentence(step: Step) -> str:
    """A model's value and what its stage brought, in words."""
    low, high = step.interval
    text = f"{plot(step.name)}: {step.value:.3f} [{low:.3f}, {high:.3f}]"
    if step.delta is None or step.delta_interval is None:
        return text
    low, high = step.delta_interval
    return f"{text}; brought {signed(step.delta)} [{signed(low)}, {signed(high)}]: {step.verdict}"
