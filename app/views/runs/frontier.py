"""Quality against what a student costs: the frontier, and performance against parameters."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from statistics import mean

import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures import runs as figures
from app.kit.figures.runs import Point
from app.kit.texts import md
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.services.runs.names import named, names, without_seed
from app.views.runs.columns import p50
from app.views.runs.drift import caption, inputs
from app.views.runs.one import conditions
from kdcore.catalog import STUDENTS
from kdcore.judging.drift import machine_of
from kdcore.judging.seeds import over_seeds, spread
from kdcore.metrics.definitions import CATALOG


@dataclass(frozen=True)
class Cost:
    """What a student costs: its name with unit, and where it stands in a run."""

    name: str
    of: Callable[[Entry], float | None]
    timed: bool = False


COSTS: Mapping[str, Cost] = {
    "parameters": Cost("parameters", lambda e: e.row.parameters),
    "megabytes": Cost("weights at float32, MB", lambda e: e.row.megabytes),
    "p50": Cost("p50 latency, ms per pair", p50, True),
    "p95": Cost("p95 latency, ms per pair", lambda e: p50(e, "p95_ms"), True),
    "seconds": Cost("training, seconds", lambda e: e.row.seconds),
}
PAPER = (
    "Performance against parameters: one line per training method, as in figure 2 of Knowledge "
    "Distillation from Internal Representations (arXiv:1910.03723), with the runs of this lab."
)


def draw(view: RunsView) -> None:
    """Axes, the picture, and what the numbers were measured under."""
    test = f"test {CATALOG[view.metric].name}"
    _controls(test)
    now, runs = state.now().runs, view.charted
    cost, on_validation = COSTS[now.cost], now.quality == "best"
    labels = names([named(e.key, e.row.run) for e in runs], short=True)
    placed = {e.key: _point(view, e, cost) for e in runs}
    points = [replace(p, label=labels[key]) for key, p in placed.items() if p is not None]
    drawn = {p.key for p in points}
    if now.lines_by_method and now.fold_seeds:
        points = _over_seeds(points, {e.key: e for e in runs})
    if not points:
        st.info(_nothing(view, cost, runs))
        return
    axes = (cost.name, "val. ROC-AUC" if on_validation else test)
    higher = CATALOG[view.metric].higher_is_better or on_validation
    figure = figures.quality_against_cost(
        points,
        axes,
        higher=higher,
        by_way=now.lines_by_method,
        mixed=view.mixed,
        dark=controls.dark(),
    )
    best = figures.frontier(points, higher)
    cells = (
        f"{p.title} ({p.y:.3f} at {f'{p.x:,.0f}' if p.x >= 100 else f'{p.x:.3g}'})" for p in best
    )
    sentence = f"{len(drawn)} runs by {axes[1]} and {axes[0]}. On the frontier: {', '.join(cells)}."
    shown = [e for e in runs if e.key in drawn]
    around = caption(view, f"Quality against cost: {axes[1]} by {axes[0]}", shown)
    table = figures.frontier_table(points, axes, higher)
    controls.chart(figure, table, sentence, "runs_frontier", inputs(view), around)
    st.caption(_conditions(runs, drawn, cost))


def _controls(test: str) -> None:
    """The axes. test: how the test metric is called."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_axes"):
        costs = {key: cost.name for key, cost in COSTS.items()}
        controls.select("runs.cost", "Cost", costs, width=240)
        qualities = {"test": test, "best": "best validation ROC-AUC"}
        controls.select("runs.quality", "Quality", qualities, width=240)
        st.button("Performance against parameters", on_click=_paper, key="runs_paper", help=PAPER)
        controls.bound(
            st.toggle, "runs.lines_by_method", "One line per training method", help=PAPER
        )


def _paper() -> None:
    state.change(runs={"cost": "parameters", "quality": "test", "lines_by_method": True})


def _point(view: RunsView, entry: Entry, cost: Cost) -> Point | None:
    """A run in the picture; None where it lacks one of the two numbers."""
    x, row = cost.of(entry), entry.row
    if state.now().runs.quality == "best":
        y, low, high = row.best.roc_auc if row.best else nan, nan, nan
    elif (measured := row.test.metrics.get(view.metric)) is not None:
        y, low, high = measured.value, measured.low, measured.high
    else:
        return None
    if x is None or isnan(y):
        return None
    chosen = entry.key in listing.picks()
    model = STUDENTS.get(str(row.settings.get("student.name", "")))
    kind = model.title if model else entry.student
    way = "Teacher" if entry.role == "teacher" else f"{kind}, {entry.family_title or entry.method}"
    return Point(entry.key, entry.title, entry.family, way, float(x), y, low, high, chosen=chosen)


def _over_seeds(points: Sequence[Point], runs: Mapping[str, Entry]) -> list[Point]:
    """A point for runs that differ in their seed alone: their mean and how it varies over seeds.

    Its ends are Student's 95 % interval over three seeds or more, else the least and the most.
    """
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        row = runs[point.key].row
        same = (point.way, row.run.settings_but_seed, row.test.data_hash)
        groups.setdefault(same, []).append(point)
    folded = []
    for group in groups.values():
        first, of_seeds = group[0], spread(p.y for p in group)
        if len(group) > 1:
            low, high, _ = over_seeds([p.y for p in group])
            low, high = (of_seeds.least, of_seeds.most) if isnan(low) else (low, high)
            title = without_seed(first.title, runs[first.key].row.run.seed)
            size = mean(p.x for p in group)  # a vocabulary may differ by a few pieces
            first = replace(first, title=title, x=size, y=of_seeds.mean, low=low, high=high)
        folded.append(replace(first, seeds=len(group)))
    return folded


def _nothing(view: RunsView, cost: Cost, runs: Sequence[Entry]) -> str:
    if view.unfit and not view.override:
        return (
            f"No run that has {cost.name} can be shown here: the line above the table says why, "
            "and its switch shows them anyway. Or choose another cost."
        )
    if cost.timed:
        return (
            f"None of these {len(runs)} runs has its latency measured: a run measures it at its "
            "end; for others the page Distill can measure it here. Or choose another cost."
        )
    return f"None of these {len(runs)} runs has both {cost.name} and this quality."


def _conditions(runs: Sequence[Entry], drawn: Collection[str], cost: Cost) -> str:
    parts = [
        "No other run is both cheaper and better than one on the frontier; bars are 95 % "
        "intervals, and neighbours on it may not differ clearly."
    ]
    if state.now().runs.quality == "best":
        parts.append(
            "The kept step was chosen on validation, so those values are slightly optimistic; "
            "trust the test set."
        )
    if lacking := len(runs) - len(drawn):
        lack = "1 run lacks" if lacking == 1 else f"{lacking} runs lack"
        parts.append(f"{lack} one of the two numbers.")
    if cost.timed:
        parts += sorted({md(conditions(e)) for e in runs if cost.of(e) is not None})
    if cost is COSTS["seconds"]:
        timed = (machine_of(e.row, latency=False) for e in runs if e.row.seconds is not None)
        machines = sorted({md(machine or "not recorded") for machine in timed})
        parts.append(
            "Seconds that each run's process took, whatever else was running there; machine: "
            f"{', '.join(machines)}."
        )
    if state.now().runs.lines_by_method:
        parts.append(
            f"{PAPER} A line needs one kind of student in two sizes. Runs that differ in their "
            "seed alone are one point, their mean: its bar is Student's 95 % interval over three "
            "seeds or more, the range of two, and for a single run the interval over queries."
        )
    return " ".join(parts)
