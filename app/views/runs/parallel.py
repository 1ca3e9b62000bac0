"""Settings and results of the shown runs on parallel axes; a brush chooses runs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures.style import dash_of, hue, mark_of
from app.kit.forms import title_of
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs.columns import setting_columns
from app.views.runs.drift import caption, inputs
from app.views.runs.parts.parallel import (
    AxisView,
    Brush,
    FamilyView,
    LineView,
    runs_parallel,
)
from kdcore.catalog import STUDENTS
from kdcore.config import UNSEEN_BY_THE_MODEL
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.loss_terms import NAMES

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
    """An axis and the value of each run on it, None where it has none.

    zero_is_all: 0 stands for all there is, so it is the greatest.
    """

    key: str
    title: str
    values: Sequence[Any]
    even: bool = True  # a setting's few values stand at even distances, results never do
    zero_is_all: bool = False

    @property
    def present(self) -> list[Any]:
        """The values of the runs that have one."""
        return [v for v in self.values if v is not None and v == v]

    @property
    def differs(self) -> bool:
        """Whether it tells runs apart: two values at least, unknown ones aside."""
        return len({repr(v) for v in self.present}) > 1

    def view(self) -> tuple[AxisView, list[float]]:
        """As it is drawn, and each run's place from 0 to 1, -1 for none."""
        numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in self.present)
        kinds: list[Any] = sorted({v if numeric else str(v) for v in self.present})
        if top := self.zero_is_all and 0 in kinds:
            kinds = [*kinds[1:], 0]
        if top or not numeric or len(kinds) < 2 or (self.even and len(kinds) <= DISTINCT):
            gap = 1 / max(len(kinds) - 1, 1)
            places = {kind: i * gap if len(kinds) > 1 else 0.5 for i, kind in enumerate(kinds)}
            words = [_number(k) if numeric else _word(k) for k in kinds]
            ticks = list(zip(places.values(), [*words[:-1], "all"] if top else words, strict=True))
            at = [
                -1.0 if v is None else places.get(v if numeric else str(v), -1.0)
                for v in self.values
            ]
        else:
            low, high = kinds[0], kinds[-1]
            quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
            ticks = [(place, _number(low + place * (high - low))) for place in quarters]
            at = [-1.0 if v is None or v != v else (v - low) / (high - low) for v in self.values]
        return AxisView(self.key, self.title, ticks), at


def _number(value: float) -> str:
    if abs(value) >= 10_000:
        return f"{value / 1000:,.0f}k"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _word(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"


def draw(view: RunsView) -> None:
    """Draw the picture, which settings it leaves out, and its table as an export."""
    runs = _fitting(view)
    if len(runs) < 2:
        st.info("Parallel axes need at least two shown runs.")
        return
    axes, left_out = axes_of(view, runs)
    drawn = [axis.view() for axis in axes]
    chosen = set(listing.picks())
    lines = [
        LineView(e.title, e.family, e.key in chosen, [round(at[i], 4) for _, at in drawn])
        for i, e in enumerate(runs)
    ]
    with st.container(key="runs_parallel_box"):
        runs_parallel(
            [axis for axis, _ in drawn],
            lines,
            _families(runs),
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
    controls.exports("runs_parallel_box", table, sentence, inputs(view), around)


def _families(runs: Sequence[Entry]) -> list[FamilyView]:
    """How the families of some runs are drawn, as they are in every picture of runs."""
    present, dark = {e.family for e in runs}, controls.dark()
    marks = [(key, title, mark_of(key)) for key, title in NAMES.items() if key in present]
    return [FamilyView(key, title, hue(mark, dark), dash_of(mark)) for key, title, mark in marks]


def _fitting(view: RunsView) -> list[Entry]:
    """The shown runs that may be compared with the baseline, or all where inputs mix."""
    return [e for e in view.shown if view.override or e.key not in view.apart]


def axes_of(view: RunsView, runs: Sequence[Entry]) -> tuple[list[Axis], int]:
    """Student, family, settings that differ, results; and how many settings are left out."""
    students = [_student(str(e.row.settings.get("student.name", ""))) for e in runs]
    words = [
        Axis("student", "student", students),
        Axis("method", "family", [e.family_title or e.method for e in runs]),
    ]
    settings = [
        Axis(
            path,
            _title(path),
            [e.row.settings.get(path) for e in runs],
            zero_is_all=path == "limit",
        )
        for path in _paths(runs)
    ]
    validation = [
        e.row.best.roc_auc if e.row.best and (view.override or e.key not in view.unfit) else None
        for e in runs
    ]
    values = (e.value(view.metric) for e in runs)
    test = [None if isnan(value) else value for value in values]
    results = [
        Axis("parameters", "parameters", [e.row.parameters for e in runs], False),
        Axis("validation", "val. ROC-AUC", validation, False),
        Axis("test", f"test {CATALOG[view.metric].name}", test, False),
    ]
    words = [axis for axis in words if len(set(axis.values)) > 1]
    settings, results = ([axis for axis in each if axis.differs] for each in (settings, results))
    room = max(AXES - len(words) - len(results), 1)
    return [*words, *settings[:room], *results], max(0, len(settings) - room)


def _student(name: str) -> str:
    """What the form calls a student."""
    return STUDENTS[name].title if name in STUDENTS else name


def _title(path: str) -> str:
    """What the form calls a setting, behind the term of the loss that it belongs to."""
    first, _, rest = path.partition(".")
    title = title_of(path.rpartition(".")[2])
    return f"{title_of(rest.partition('.')[0])}: {title.lower()}" if first == "terms" else title


def _paths(runs: Sequence[Entry]) -> list[str]:
    """Settings that differ, in the order in which they tell most.

    First what a sweep varied, then the usual ones, then the rest, sizes of a student last; how a
    run was computed and watched is none of them.
    """
    purposes = [each.row.run.purpose for each in runs]
    swept = Counter(path for p in purposes if p.sweep for path in p.changed)
    differing = [p for p in setting_columns(runs, everything=False) if p not in HOW]
    usual = [path for path, _ in swept.most_common()] + list(USUAL)
    first = [path for path in usual if path in differing]
    rest = [path for path in differing if not path.startswith("student.params.")]
    return list(dict.fromkeys([*first, *rest, *differing]))


def brush() -> Brush:
    """The brush of the state: percent of an axis, low and high, by the axis's key."""
    ranges = {}
    for part in state.now().runs.axis_ranges.split(";"):
        key, _, high = part.rpartition(":")
        name, _, low = key.rpartition(":")
        if name and low.isdecimal() and high.isdecimal():
            ranges[name] = (min(int(low), 100), min(int(high), 100))
    return ranges


def inside(view: RunsView, ends: Brush) -> list[Entry]:
    """The runs whose lines pass between the handles of every axis."""
    runs = _fitting(view)
    inside_all = [True] * len(runs)
    for axis in axes_of(view, runs)[0] if len(runs) > 1 else ():
        if axis.key in ends:
            low, high = ends[axis.key]
            for i, place in enumerate(axis.view()[1]):
                inside_all[i] &= place >= 0 and low - 0.51 <= 100 * place <= high + 0.51
    return [run for run, fits in zip(runs, inside_all, strict=True) if fits]


def _brushed(ends: Brush) -> None:
    """A release: the runs inside are the chosen ones; without a brush none is."""
    ranges = ";".join(f"{key}:{low}:{high}" for key, (low, high) in ends.items())
    state.change(runs={"axis_ranges": ranges})
    runs = inside(listing.runs_view(), ends) if ends else []
    listing.pick([e.key for e in runs][:MOST])
