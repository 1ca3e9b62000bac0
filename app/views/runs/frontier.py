"""Quality against what a student costs: the frontier, and performance against parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures import runs as figures
from app.kit.figures.runs import Point
from app.kit.texts import md
from app.services.runs import listing
from app.services.runs import names as runs_names
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.views.runs import columns
from app.views.runs.drift import about, caption
from app.views.runs.one import conditions
from kdcore.judging.drift import machine_of
from kdcore.metrics.definitions import CATALOG


@dataclass(frozen=True)
class Cost:
    """What a student costs: its name with unit, and where a run tells it."""

    name: str
    of: Callable[[Entry], float | None]
    timed: bool = False


COSTS: Mapping[str, Cost] = {
    "parameters": Cost("parameters", lambda e: e.row.parameters),
    "megabytes": Cost("weights at float32, MB", lambda e: e.row.megabytes),
    "p50": Cost("p50 latency, ms per pair", columns.p50, True),
    "p95": Cost("p95 latency, ms per pair", lambda e: columns.p50(e, "p95_ms"), True),
    "seconds": Cost("training, seconds", lambda e: e.row.seconds),
}
PAPER = (
    "Performance against parameters: one line per training method, as in figure 2 of Knowledge "
    "Distillation from Internal Representations (arXiv:1910.03723), with the runs of this lab."
)


def draw(view: RunsView) -> None:
    """Axes, the picture, and what the numbers were measured under."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="runs_axes"):
        _axes(view)
    runs, cost = view.charted, COSTS[state.now().runs.cost]
    labels = runs_names.names([runs_names.named(e.key, e.row.run) for e in runs], short=True)
    known = ((e, _point(view, e, cost)) for e in runs)
    points = [replace(p, label=labels[e.key]) for e, p in known if p is not None]
    if not points:
        st.info(_nothing(view, cost, runs))
        return
    names = (cost.name, _quality(view))
    higher = CATALOG[view.metric].higher_is_better or state.now().runs.quality == "best"
    figure = figures.quality_against_cost(
        points,
        names,
        higher=higher,
        by_way=state.now().runs.lines_by_method,
        mixed=view.mixed,
        dark=controls.dark(),
    )
    table = figures.frontier_table(points, names, higher)
    shown = [e for e in runs if e.key in {p.key for p in points}]
    sentence = _sentence(points, names, higher)
    around = caption(view, f"Quality against cost: {names[1]} by {names[0]}", shown)
    controls.chart(figure, table, sentence, "runs_frontier", about(view), around)
    st.caption(_conditions(view, runs, points, cost))


def _axes(view: RunsView) -> None:
    qualities = {"test": f"test {CATALOG[view.metric].name}", "best": "best validation ROC-AUC"}
    controls.bound(
        st.selectbox,
        "runs.cost",
        "Cost",
        options=list(COSTS),
        format_func=lambda k: COSTS[k].name,
        width=240,
    )
    controls.bound(
        st.selectbox,
        "runs.quality",
        "Quality",
        options=list(qualities),
        format_func=lambda k: qualities[k],
        width=240,
    )
    st.button(
        "Performance against parameters",
        on_click=_paper,
        key="runs_paper",
        help=PAPER,
        type="secondary",
    )
    controls.bound(st.toggle, "runs.lines_by_method", "One line per training method", help=PAPER)


def _paper() -> None:
    state.change(runs={"cost": "parameters", "quality": "test", "lines_by_method": True})


def _quality(view: RunsView) -> str:
    return (
        f"test {CATALOG[view.metric].name}"
        if state.now().runs.quality == "test"
        else "val. ROC-AUC"
    )


def _point(view: RunsView, entry: Entry, cost: Cost) -> Point | None:
    x, row = cost.of(entry), entry.row
    if state.now().runs.quality == "best":
        ends = (row.best.roc_auc if row.best else float("nan"), float("nan"), float("nan"))
    else:
        measured = row.test.metrics.get(view.metric)
        ends = (measured.value, measured.low, measured.high) if measured else (float("nan"),) * 3
    if x is None or ends[0] != ends[0]:
        return None
    chosen = entry.key in listing.picks()
    kind = str(row.settings.get("student.name", ""))
    way = "teacher" if entry.role == "teacher" else f"{kind}, {entry.method}"
    return Point(entry.key, entry.title, entry.role, way, float(x), *ends, chosen=chosen)


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


def _sentence(points: Sequence[Point], names: tuple[str, str], higher: bool) -> str:
    best = figures.frontier(points, higher)
    names_of_best = ", ".join(f"{p.title} ({p.y:.3f} at {_cost(p.x)})" for p in best)
    return f"{len(points)} runs by {names[1]} and {names[0]}. On the frontier: {names_of_best}."


def _cost(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _conditions(view: RunsView, runs: Sequence[Entry], points: Sequence[Point], cost: Cost) -> str:
    parts = [
        "No other run is both cheaper and better than one on the frontier; bars are 95 % "
        "intervals, and neighbours on it may not differ clearly."
    ]
    if state.now().runs.quality == "best":
        parts.append(
            "The kept step was chosen on validation, so those values are slightly optimistic; "
            "trust the test set."
        )
    if len(points) < len(runs):
        few = len(runs) - len(points)
        lack = "1 run lacks" if few == 1 else f"{few} runs lack"
        parts.append(f"{lack} one of the two numbers.")
    if cost.timed:
        parts += sorted({md(conditions(e)) for e in runs if cost.of(e) is not None})
    if cost is COSTS["seconds"]:
        known = (machine_of(e.row, latency=False) for e in runs if e.row.seconds is not None)
        machines = sorted({md(m or "not recorded") for m in known})
        parts.append(
            "Seconds that each run's process took, whatever else was running there; machine: "
            f"{', '.join(machines)}."
        )
    if state.now().runs.lines_by_method:
        parts.append(PAPER + " A line needs one kind of student in two sizes.")
    return " ".join(parts)
