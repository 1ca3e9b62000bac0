"""Curves of a training as inline SVG: readable without a script, in light and dark and in print."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle

import numpy as np

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 14, 34
MOST_POINTS = 400
DASHES = {
    "student": "",
    "teacher": "7 4",
    "twin": "2 4",
    "soft": "9 3 2 3",
    "hard": "4 4",
    "term1": "12 3",  # the terms of a loss beside soft and hard
    "term2": "1 3",
    "term3": "6 2 1 2",
}
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A line over steps. role: one of DASHES, which is its color and its dash.

    One point alone is a level: a line across the whole width.
    """

    name: str
    role: str
    points: Sequence[Point]


def roles_of_terms(names: Iterable[str]) -> dict[str, str]:
    """The role of each term of a loss; those beside soft and hard take three in turn."""
    turn = cycle(role for role in DASHES if role.startswith("term"))
    return {name: name if name in ("soft", "hard") else next(turn) for name in names}


def chart(title: str, curves: Sequence[Curve], marked: float | None = None) -> str:
    """A figure with axes, direct labels and a sentence; "" when there is nothing to draw.

    marked: a step that is shown by a line, the one whose weights were saved.
    """
    shown = [Curve(c.name, c.role, _thinned(c.points)) for c in curves]
    shown = [c for c in shown if c.points]
    lines = [c for c in shown if len(c.points) > 1]
    if not lines:
        return ""
    steps = [x for c in lines for x, _ in c.points]
    values = [y for c in shown for _, y in c.points]
    across, up = (min(steps), max(steps)), _padded(min(values), max(values))
    inner = _axes(across, up)
    if marked is not None and across[0] <= marked <= across[1]:
        x = _x(marked, across)
        inner += f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{TOP}' y2='{HEIGHT - BOTTOM}' class='grid'/>"
        inner += f"<text x='{x:.1f}' y='{TOP + 4}' text-anchor='end' class='faint'>saved </text>"
    inner += "".join(_line(c, across, up) for c in shown) + _labels(shown, up)
    caption = escape(sentence(title, shown))
    return (
        f"<figure><svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' role='img' "
        f"aria-label='{escape(title, quote=True)}'>{inner}</svg>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def sentence(title: str, curves: Sequence[Curve]) -> str:
    """What the picture shows, for those who do not see it."""
    parts = []
    for curve in curves:
        first, last = curve.points[0], curve.points[-1]
        if len(curve.points) == 1:
            parts.append(f"{curve.name} {first[1]:.4g}")
        else:
            parts.append(f"{curve.name} from {first[1]:.4g} to {last[1]:.4g}")
    return f"{title} over steps: {'; '.join(parts)}."


def _thinned(points: Sequence[Point]) -> list[Point]:
    """The points that are numbers, evenly thinned when there are too many; the last one stays."""
    real = [(float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if len(real) <= MOST_POINTS:
        return real
    chosen = np.linspace(0, len(real) - 1, MOST_POINTS).round().astype(int)
    return [real[i] for i in chosen]


def _padded(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.05 or max(abs(high) * 0.05, 1e-3)
    return low - room, high + room


def _x(step: float, across: tuple[float, float]) -> float:
    wide = (across[1] - across[0]) or 1.0
    return LEFT + (step - across[0]) / wide * (WIDTH - LEFT - RIGHT)


def _y(value: float, up: tuple[float, float]) -> float:
    return HEIGHT - BOTTOM - (value - up[0]) / (up[1] - up[0]) * (HEIGHT - TOP - BOTTOM)


def _line(curve: Curve, across: tuple[float, float], up: tuple[float, float]) -> str:
    points = list(curve.points)
    if len(points) == 1:
        points = [(across[0], points[0][1]), (across[1], points[0][1])]
    path = "L".join(f"{_x(x, across):.1f} {_y(y, up):.1f}" for x, y in points)
    dash = f" stroke-dasharray='{DASHES[curve.role]}'" if DASHES[curve.role] else ""
    return f"<path d='M{path}' stroke='var(--{curve.role})'{dash}/>"


def _labels(curves: Sequence[Curve], up: tuple[float, float]) -> str:
    """Names at the right ends, moved apart where they would cover each other."""
    by_height = sorted(((_y(c.points[-1][1], up), c) for c in curves), key=lambda pair: pair[0])
    drawn, lowest = [], 0.0
    for y, curve in by_height:
        lowest = max(y, lowest + 15)
        x = WIDTH - RIGHT + 8
        dash = f" stroke-dasharray='{DASHES[curve.role]}'" if DASHES[curve.role] else ""
        drawn.append(
            f"<path d='M{x} {lowest:.0f}h22' stroke='var(--{curve.role})'{dash}/>"
            f"<text x='{x + 27}' y='{lowest + 4:.0f}'>{escape(curve.name)}</text>"
        )
    return "".join(drawn)


def _axes(across: tuple[float, float], up: tuple[float, float]) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    drawn = [
        f"<line x1='{LEFT}' x2='{right}' y1='{_y(v, up):.1f}' y2='{_y(v, up):.1f}' class='grid'/>"
        f"<text x='{LEFT - 6}' y='{_y(v, up) + 4:.1f}' text-anchor='end' class='faint'>{v:g}</text>"
        for v in ticks(*up)
    ]
    drawn += [
        f"<text x='{_x(v, across):.1f}' y='{bottom + 16}' text-anchor='middle' class='faint'>"
        f"{v:g}</text>"
        for v in ticks(*across)
    ]
    drawn.append(f"<text x='{right}' y='{HEIGHT - 4}' text-anchor='end' class='faint'>step</text>")
    return "".join(drawn)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers inside a range, about `count` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * min((m for m in (1, 2, 5, 10) if m * unit >= rough), default=10)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
