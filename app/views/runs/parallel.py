"""Settings and results of the shown runs on parallel axes; a brush chooses runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs import columns
from app.views.runs.drift import about, caption
from app.views.runs.parts.parallel import AxisView, Brush, LineView, runs_parallel
from kdcore.config import UNSEEN_BY_THE_MODEL
from kdcore.metrics.definitions import CATALOG

AXES = 8  # more would stand too near to brush
DISTINCT = 7  # values of a number up to which each has its own place
WARNING = "Different inputs together: not a fair comparison"
USUAL = (
    "method.params.temperature",
    "method.params.loss",
    "limit",
    "hard_weight",
    "soft_weight",
    "training.epochs",
    "training.learning_rate",
    "training.batch_size",
    "seed",
)
HOW = {"threads", "device", *(f"training.{name}" for name in UNSEEN_BY_THE_MODEL)}
LONGEST = 13  # letters of a word beside an axis


@dataclass(frozen=True)
class Axis:
    """An axis and the value of each run on it, None where it has none."""

    key: str
    title: str
    values: Sequence[Any]
    even: bool = True  # a setting's few values stand at even distances, results never do

    def view(self) -> tuple[AxisView, list[float]]:
        """As it is drawn, and each run's place from 0 to 1, -1 for none."""
        known = [v for v in self.values if v is not None and v == v]
        numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in known)
        kinds: list[Any] = sorted(set(known)) if numeric else sorted(set(map(str, known)))
        if not numeric or len(kinds) < 2 or (self.even and len(kinds) <= DISTINCT):
            return self._steps(kinds, numeric)
        low, high = kinds[0], kinds[-1]
        at = [-1.0 if v is None or v != v else (v - low) / (high - low) for v in self.values]
        ticks = [(p, self._text(low + p * (high - low))) for p in (0.0, 0.25, 0.5, 0.75, 1.0)]
        return AxisView(self.key, self.title, ticks), at

    def _steps(self, kinds: Sequence[Any], numeric: bool) -> tuple[AxisView, list[float]]:
        gap = 1 / max(len(kinds) - 1, 1)
        place = {kind: i * gap if len(kinds) > 1 else 0.5 for i, kind in enumerate(kinds)}
        at = [
            place.get(v if numeric else str(v), -1.0) if v is not None else -1.0
            for v in self.values
        ]
        named = [(p, self._text(k) if numeric else _short(str(k))) for k, p in place.items()]
        return AxisView(self.key, self.title, named), at

    def _text(self, value: float) -> str:
        if abs(value) >= 10_000:
            return f"{value / 1000:,.0f}k"
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

    @property
    def parts(self) -> bool:
        """Whether it tells runs apart: two values at least, unknown ones aside."""
        return len({repr(v) for v in self.values if v is not None and v == v}) > 1


def _short(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"


def draw(view: RunsView) -> None:
    """The picture, what a brush keeps, and its table."""
    runs = _fitting(view)
    if len(runs) < 2:
        st.info("Parallel axes need at least two shown runs.")
        return
    axes, left_out = axes_of(view, runs)
    with st.container(key="runs_parallel_box"):
        runs_parallel(
            [axis.view()[0] for axis in axes],
            _lines(runs, axes),
            brush(),
            _brushed,
            WARNING if view.mixed else "",
        )
    if left_out:
        st.caption(
            f"{left_out} more settings differ; Side by side has them. "
            "A search that leaves fewer runs brings them here."
        )
    table = pd.DataFrame({"run": [e.key for e in runs]} | {a.title: a.values for a in axes})
    sentence = f"{len(runs)} runs on {len(axes)} axes: {', '.join(a.title for a in axes)}."
    around = caption(view, "Runs on parallel axes: settings and results", runs)
    controls.exports("runs_parallel_box", table, sentence, about(view), around)


def _fitting(view: RunsView) -> list[Entry]:
    """What may share the picture: shown, and of the baseline's inputs unless overridden."""
    return [e for e in view.shown if view.override or e.key not in view.apart]


def axes_of(view: RunsView, runs: Sequence[Entry]) -> tuple[list[Axis], int]:
    """Student, method, settings that differ, results; and how many settings are left out."""
    words = [
        Axis("student", "student", [str(e.row.settings.get("student.name", "")) for e in runs]),
        Axis("method", "method", [e.method for e in runs]),
    ]
    paths = _telling(runs)
    axes = [a for a in words if len(set(a.values)) > 1]
    settings = [Axis(p, p.rpartition(".")[2], [e.row.settings.get(p) for e in runs]) for p in paths]
    settings = [axis for axis in settings if axis.parts]
    name = CATALOG[view.metric].name
    fits = [view.override or e.key not in view.unfit for e in runs]
    looks = [
        e.row.best.roc_auc if e.row.best and fit else None
        for e, fit in zip(runs, fits, strict=True)
    ]
    results = [
        Axis("parameters", "parameters", [e.row.parameters for e in runs], False),
        Axis("validation", "val. ROC-AUC", looks, False),
        Axis("test", f"test {name}", [_known(e.value(view.metric)) for e in runs], False),
    ]
    results = [axis for axis in results if axis.parts]
    room = max(AXES - len(axes) - len(results), 1)
    return [*axes, *settings[:room], *results], max(0, len(settings) - room)


def _telling(runs: Sequence[Entry]) -> list[str]:
    """Settings that differ, in the order in which they tell most.

    First what a sweep varied, then the usual ones, then the rest, sizes of a student last; how a
    run was computed and watched is none of them.
    """
    swept = Counter(path for e in runs for path in e.row.about.changed if e.row.about.sweep)
    order = [path for path, _ in swept.most_common()]
    differ = [
        path
        for path in columns.setting_columns(runs, everything=False)
        if path not in HOW and path not in ("student.name", "method.name")
    ]
    first = [path for path in (*order, *USUAL) if path in differ]
    rest = [path for path in differ if not path.startswith("student.params.")]
    return list(dict.fromkeys([*first, *rest, *differ]))


def _known(value: float) -> float | None:
    return value if value == value else None


def _lines(runs: Sequence[Entry], axes: Sequence[Axis]) -> list[LineView]:
    places = [axis.view()[1] for axis in axes]
    chosen = set(listing.picks())
    return [
        LineView(e.title, e.role, e.key in chosen, [round(column[i], 4) for column in places])
        for i, e in enumerate(runs)
    ]


def brush() -> Brush:
    """The brush of the state: percent of an axis, low and high, by the axis's key."""
    ranges = {}
    for part in state.now().runs.axis_ranges.split(";"):
        key, _, ends = part.rpartition(":")
        name, _, low = key.rpartition(":")
        if name and low.isdecimal() and ends.isdecimal():
            ranges[name] = (min(int(low), 100), min(int(ends), 100))
    return ranges


def inside(view: RunsView, ends: Brush) -> list[Entry]:
    """The runs whose lines pass between the handles of every axis."""
    runs = _fitting(view)
    inside_all = [True] * len(runs)
    for axis in axes_of(view, runs)[0] if len(runs) > 1 else ():
        if axis.key not in ends:
            continue
        low, high = ends[axis.key]
        for i, place in enumerate(axis.view()[1]):
            inside_all[i] &= place >= 0 and low - 0.51 <= 100 * place <= high + 0.51
    return [e for e, k in zip(runs, inside_all, strict=True) if k]


def _brushed(ends: Brush) -> None:
    """A release: the runs inside are the chosen ones; without a brush none is."""
    state.change(
        runs={"axis_ranges": ";".join(f"{k}:{low}:{high}" for k, (low, high) in ends.items())}
    )
    entries_inside = inside(listing.runs_view(), ends) if ends else []
    listing.pick([e.key for e in entries_inside][:MOST])
