"""How several runs learned: validation over the steps of training, each in its family's color."""

from collections.abc import Sequence
from math import isfinite

import streamlit as st

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.figures import training as figures
from app.kit.figures.training import Curve
from app.kit.texts import md
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.services.runs.names import named, names
from app.views.runs.drift import caption, inputs
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.loss_terms import NAMES
from kdcore.runs.metric_lines import METRICS, read_lines
from kdcore.runs.store import Run

MEASURES = {"roc_auc": "ROC-AUC", "nll": "NLL"}  # keys of watch.metric
_MOST_NAMED = 3  # runs that are left out and named; the rest are counted
NONE_DRAWN = (
    "No run here has two validations or more, so there is no curve to draw. A run is validated at "
    "least at the end of each epoch."
)


def draw(view: RunsView) -> None:
    """The measure, the picture, and what it is measured on."""
    controls.choose(
        "watch.metric",
        "Validation metric",
        MEASURES,
        label_visibility="visible",
        help=f"ROC-AUC: {CATALOG['roc_auc'].sentence} NLL: {CATALOG['nll'].sentence}",
    )
    measure = state.now().watch.metric
    runs = view.charted[:MOST]
    curves = drawn(runs, measure)
    _left_out(view)
    if not curves:
        st.info(NONE_DRAWN)
        return
    title = f"validation {MEASURES[measure]}"
    keys = {curve.key for curve in curves}
    controls.chart(
        figures.training_curves(curves, title, controls.dark()),
        figures.curves_table(curves, title),
        sentence(curves, measure),
        "runs_curves",
        inputs(view),
        caption(view, f"Training curves: {title} over steps", [e for e in runs if e.key in keys]),
    )
    st.caption(_about([e for e in runs if e.key in keys], len(runs) - len(curves)))


def _left_out(view: RunsView) -> None:
    """Which runs the chart leaves out and why, with the button that draws them all the same."""
    candidates = view.chosen if len(view.chosen) > 1 else view.shown
    left_out = [e for e in candidates if e.key in view.apart or e.key in view.unfit]
    if not left_out:
        return
    apart = [each.get(e.key, ()) for e in left_out for each in (view.apart, view.unfit)]
    reasons = {reason for each in apart for reason in each}
    others = _validation_pairs([e for e in candidates if e not in left_out])
    own = _validation_pairs(left_out)
    if own and others and own != others:
        reasons = {f"{own} validation pairs, the others {others}"}
    why = md(", ".join(sorted(reasons)))
    with st.container(horizontal=True, vertical_alignment="center", key="runs_curves_left_out"):
        word = "Different inputs together" if view.override else "Left out"
        st.caption(f"{word}: {md(_named(left_out))} ({why})", width="content")
        st.button(
            "Leave them out" if view.override else "Show all the same",
            on_click=state.change,
            kwargs={"runs": {"mix_inputs": not view.override}},
            key="runs_curves_mix",
            type="tertiary",
        )


def _named(runs: Sequence[Entry]) -> str:
    """The titles of some runs; the twin of one before it is called that, and many are counted."""
    ids = {e.row.id for e in runs}
    twins = {e.row.id: e.row.run.purpose.twin for e in runs if e.row.run.purpose.twin in ids}
    titles = [
        f"{e.title} and its twin" if e.row.id in twins else e.title
        for e in runs
        if e.row.id not in twins.values()
    ]
    more = f" and {len(titles) - _MOST_NAMED:,} more" if len(titles) > _MOST_NAMED else ""
    return ", ".join(titles[:_MOST_NAMED]) + more


def sentence(curves: Sequence[Curve], measure: str) -> str:
    """How many runs of which families are drawn, and which is the best at its last step."""
    families = list(dict.fromkeys(NAMES[curve.family] for curve in curves))
    best = (max if measure == "roc_auc" else min)(curves, key=lambda curve: curve.points[-1][1])
    step, value = best.points[-1]
    runs_of = "1 run" if len(curves) == 1 else f"{len(curves)} runs"
    families_of = "1 family" if len(families) == 1 else f"{len(families)} families"
    return (
        f"{runs_of} by validation {MEASURES[measure]} over steps, of {families_of}: "
        f"{', '.join(families)}. The best at its last step is {best.title}: {value:.3f} at step "
        f"{step:,}."
    )


def drawn(runs: Sequence[Entry], measure: str) -> list[Curve]:
    """A curve for each run that was validated twice or more."""
    labels = names([named(e.key, e.row.run) for e in runs], short=True)
    curves = []
    for entry in runs:
        points = points_of(entry.row.run, f"validation_{measure}")
        if len(points) > 1:
            label = labels.get(entry.key, entry.title)
            curves.append(Curve(entry.key, entry.title, label, entry.family, points))
    return curves


def points_of(run: Run, field: str) -> tuple[tuple[int, float], ...]:
    """(step, value) of each metric line of a run that has a value of this field."""
    return _points(run, _changed(run), field)


def _changed(run: Run) -> int:
    path = run.folder / METRICS
    return path.stat().st_mtime_ns if path.is_file() else 0


@by_hash(most=2 * MOST, on=lambda run, changed, field: (run.folder, changed, field))
def _points(run: Run, changed: int, field: str) -> tuple[tuple[int, float], ...]:
    """(step, value) of each line that has a value; changed: when the lines last were."""
    lines = (line for _, line in read_lines(run.folder))
    return tuple((int(x["step"]), x[field]) for x in lines if isfinite(x.get(field, float("nan"))))


def _validation_pairs(runs: Sequence[Entry]) -> str:
    """How many validation pairs some runs have: a number, or several with "or"."""
    splits = (e.row.run.splits.get("validation") for e in runs)
    sizes = sorted({split.pairs for split in splits if split is not None})
    return " or ".join(f"{size:,}" for size in sizes)


def _about(runs: Sequence[Entry], lacking: int) -> str:
    """What the curves are measured on; lacking: how many runs have none."""
    pairs = _validation_pairs(runs)
    n = f"{pairs} " if pairs else ""
    parts = [
        f"Measured on {n}validation pairs, which choose the step that is saved: not a test result. "
        "A step is one batch: at the same step, runs with different batch sizes have seen "
        "different numbers of pairs."
    ]
    if lacking:
        parts.append(
            "1 run has fewer than two validations."
            if lacking == 1
            else f"{lacking} runs have fewer than two validations."
        )
    return " ".join(parts)
