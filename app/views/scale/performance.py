"""Performance against parameters: ROC-AUC of every run that was tested on the same pairs."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from app import state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.figures.runs import Point, frontier, frontier_table, quality_against_cost
from app.services.runs import listing
from app.services.runs.entry import Entry
from app.services.runs.names import named, names
from kdcore.metrics.definitions import CATALOG

METRIC = "roc_auc"


def draw() -> str:
    """The picture of the runs on the chosen test pairs; returns the finding."""
    tested = [
        e
        for e in listing.entries()
        if e.row.parameters and e.value(METRIC) == e.value(METRIC) and not e.scoring
    ]
    if not tested:
        st.info("No run here has both a saved model and a ROC-AUC on test pairs yet.")
        return "No run here can be shown by its parameters yet."
    shown = _chosen(tested)
    labels = names([named(e.key, e.row.run) for e in shown], short=True)
    points = [_point(e, labels[e.key]) for e in shown]
    axes = ("parameters (log scale)", f"test {CATALOG[METRIC].name}")
    best = frontier(points, higher=True)
    cells = ", ".join(f"{p.title} ({p.y:.3f} with {p.x / 1e6:.2f} million)" for p in best)
    sentence = (
        f"{len(points)} runs by test ROC-AUC and parameters. No other run is both smaller and "
        f"better than {cells}."
    )
    _picture(points, shown, axes, sentence)
    return sentence


def _picture(
    points: Sequence[Point], shown: Sequence[Entry], axes: tuple[str, str], sentence: str
) -> None:
    """The chart, and what its numbers are."""
    figure = quality_against_cost(
        points, axes, higher=True, by_way=False, mixed=False, dark=controls.dark(), log=True
    )
    part = shown[0].row.test.data_hash
    n = shown[0].row.test.metrics[METRIC].n
    controls.chart(
        figure,
        frontier_table(points, axes, higher=True),
        sentence,
        "scale_runs",
        f"KD Lab, runs tested on pairs {part}",
        Caption(
            "Performance against parameters",
            f"data {_data(shown)} · n = {n:,} test pairs · {len(points)} runs",
        ),
    )
    st.caption(
        f"{CATALOG[METRIC].name}: {CATALOG[METRIC].sentence} n = {n:,} test pairs of "
        f"{_data(shown)}, the same for every run shown; bars are 95 % intervals, bootstrap over "
        "queries. Colors and shapes show the family of the distillation method. Parameters are "
        "counted in the saved model, embeddings included. Runs → Frontier shows other costs."
    )


def _chosen(tested: Sequence[Entry]) -> list[Entry]:
    """The runs of the test pairs that the visitor chose, else of those with most runs."""
    counts = Counter(e.row.test.data_hash for e in tested)
    groups = {h: [e for e in tested if e.row.test.data_hash == h] for h, _ in counts.most_common()}
    first = next(iter(groups))
    wish = state.now().scale.pairs
    if wish and wish not in groups:
        state.ignore(f"spairs: no run here was tested on pairs {wish!r}; others are shown")
        state.correct(scale={"pairs": ""})
        wish = ""
    if len(groups) > 1:
        titles = {
            "" if h == first else h: f"{_data(runs)}: {len(runs)} runs"
            for h, runs in groups.items()
        }
        controls.select("scale.pairs", "Test pairs", titles, width=320)
    return groups[wish or first]


def _data(runs: Sequence[Entry]) -> str:
    """The data that the first of these runs was tested on."""
    return str(runs[0].row.settings.get("data.name") or runs[0].row.run.data or "unknown")


def _point(entry: Entry, label: str) -> Point:
    measured = entry.row.test.metrics[METRIC]
    family = entry.family_title or entry.method
    return Point(
        entry.key,
        entry.title,
        entry.family,
        family,
        float(entry.row.parameters or 0),
        measured.value,
        measured.low,
        measured.high,
        label=label,
        note=f"{family}; n = {measured.n:,} test pairs",
    )
