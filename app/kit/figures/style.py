"""The palette and the look of every picture, for light and for dark.

Okabe and Ito's hues with a fixed meaning; each is doubled by shape, dash or text wherever it is
used. Marks keep a contrast of 3:1 and texts 4.5:1 against both themes, which a test computes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

BACKGROUND = {"light": "#FFFFFF", "dark": "#10151C"}
TEXT = {"light": "#1B2430", "dark": "#E8EDF3"}
MUTED = {"light": "#566273", "dark": "#9FACBB"}
GRID = {"light": "#DCE1E8", "dark": "#2C3643"}


@dataclass(frozen=True)
class Mark:
    """How one role is drawn: a color a theme, and what doubles it."""

    light: str
    dark: str
    dash: str  # Plotly's name of the line's dash
    symbol: str  # Plotly's name of the marker


MARKS = {
    "teacher": Mark("#0072B2", "#56B4E9", "solid", "circle"),
    "student": Mark("#B06A00", "#E69F00", "solid", "square"),
    "twin": Mark("#8A5A83", "#CC79A7", "dot", "diamond"),
    "rival": Mark("#00795A", "#2CC295", "dash", "triangle-up"),
    "truth": Mark("#00795A", "#2CC295", "dashdot", "x"),
    "gold": Mark("#000000", "#FFFFFF", "solid", "square-open"),
    "defect": Mark("#C04A00", "#FF8A4C", "longdash", "cross"),
    "muted": Mark(MUTED["light"], MUTED["dark"], "dot", "line-ew"),
}
# The kinds of distillation, by the keys of kdcore.runs.loss_terms
FAMILY_MARKS = {
    "labels": MARKS["twin"],
    "response": MARKS["student"],
    "feature": Mark("#00795A", "#2CC295", "dash", "triangle-up"),
    "relation": Mark("#5B4FC4", "#A99BFF", "dashdot", "hexagon"),
    "ranking": Mark("#00708A", "#4FD0E6", "longdash", "x"),
    "internal": Mark("#B3262A", "#FF8080", "longdashdot", "star"),
    "label_aware": Mark("#8C2D62", "#FFA7C8", "6px,2px", "hourglass"),
    "residual": Mark("#6B6B00", "#CFCF45", "8px,2px,2px,2px", "pentagon"),
    "online": Mark("#7A4A21", "#D9AE82", "4px,4px", "triangle-down"),
    "self": Mark("#B0307F", "#FF8AD0", "12px,3px", "star-diamond"),
    "ensemble": Mark("#3F6212", "#A3D977", "10px,2px,2px,2px,2px,2px", "bowtie"),
    "several": Mark("#3D4B5F", "#C3CEDC", "3px,2px", "cross"),
}
_DASHES = {
    "solid": "none",
    "dash": "9 4",
    "dot": "2 4",
    "dashdot": "9 3 2 3",
    "longdash": "14 4",
    "longdashdot": "14 3 2 3",
}
# Grades worst to best, one hue family (cividis), by number of grades
GRADE_RAMP = {
    "light": ("#A05A2C", "#8C7A3F", "#4F7E86", "#1F5F99", "#0B3C6F"),
    "dark": ("#E09A6A", "#CFC07A", "#8FC1C8", "#6FB4EA", "#B5D8FA"),
}


def color(role: str, dark: bool = False) -> str:
    """The color of a role in a theme."""
    return hue(MARKS[role], dark)


def hue(mark: Mark, dark: bool = False) -> str:
    """The color of a mark in a theme."""
    return mark.dark if dark else mark.light


def mark_of(family: str) -> Mark:
    """How a run is drawn by its family (kdcore.runs.loss_terms.KINDS)."""
    return MARKS["teacher"] if family == "teacher" else FAMILY_MARKS.get(family, MARKS["muted"])


def dash_of(mark: Mark) -> str:
    """The dash of a mark as SVG takes it."""
    return _DASHES.get(mark.dash, mark.dash.replace("px", "").replace(",", " "))


def grade_colors(grades: int, dark: bool = False) -> list[str]:
    """One color a grade, worst first; always shown with the grade's name."""
    ramp = GRADE_RAMP["dark" if dark else "light"]
    picked = {2: (0, 3), 3: (0, 2, 3), 4: (0, 1, 2, 3)}.get(grades, range(len(ramp)))
    return [ramp[i % len(ramp)] for i in (picked if grades <= 5 else range(grades))]


def light_of_dark() -> dict[str, str]:
    """The light color of every dark one (#RRGGBB), for pictures that are saved from a dark page."""
    marks = (*MARKS.values(), *FAMILY_MARKS.values())
    pairs = [(mark.dark, mark.light) for mark in marks]
    pairs += zip(GRADE_RAMP["dark"], GRADE_RAMP["light"], strict=True)
    pairs += [(each["dark"], each["light"]) for each in (TEXT, MUTED, GRID, BACKGROUND)]
    return {dark.upper(): light.upper() for dark, light in pairs}


def css() -> str:
    """The palette as CSS custom properties, dark ones under [data-dark]."""

    def block(theme: str) -> str:
        dark = theme == "dark"
        lines = [f"--kd-{role}: {color(role, dark)};" for role in MARKS]
        lines += [f"--kd-grade-{i}: {c};" for i, c in enumerate(GRADE_RAMP[theme])]
        lines += [
            f"--kd-background: {BACKGROUND[theme]};",
            f"--kd-text: {TEXT[theme]};",
            f"--kd-grid: {GRID[theme]};",
        ]
        return " ".join(lines)

    return f".kd {{ {block('light')} }}\n.kd[data-dark] {{ {block('dark')} }}\n"


def template(dark: bool = False) -> "go.layout.Template":
    """The look of a Plotly figure in a theme."""
    import plotly.graph_objects as go  # a second that pages without Plotly do not pay

    theme = "dark" if dark else "light"
    axis: dict[str, Any] = {"gridcolor": GRID[theme], "zeroline": False, "linecolor": GRID[theme]}
    return go.layout.Template(
        layout={
            "font": {"color": TEXT[theme], "size": 13},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 56, "r": 16, "t": 24, "b": 44},
            "legend": {"orientation": "h", "y": 1.08, "x": 0},
            "hoverlabel": {"bgcolor": BACKGROUND[theme], "font": {"color": TEXT[theme]}},
            "colorway": [color(r, dark) for r in ("teacher", "student", "twin", "rival")],
        }
    )
