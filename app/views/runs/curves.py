"""How several runs learned: validation over the steps of training, each in its family's color."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures import training as figures
from app.kit.figures.training import Curve
from app.kit.texts import md
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs import pretraining
from app.views.runs.drift import caption, inputs
from app.views.runs.queries.curves import drawn, titles_of
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.loss_terms import NAMES

MEASURES = {"roc_auc": "ROC-AUC", "nll": "NLL"}  # keys of watch.metric
NONE_DRAWN = (
    "No run here has two validations or more, so there is no curve to draw. A run is validated at "
    "least at the end of each epoch."
)


def draw(view: RunsView) -> None:
    """The curves of runs that give grades, then those of pretrainings, where there are any."""
    candidates = view.chosen if len(view.chosen) > 1 else view.shown
    if not candidates or any(e.row.run.gives_grades for e in candidates):
        _draw_graded(view)
    pretraining.draw(view)


def _draw_graded(view: RunsView) -> None:
    """The measure, the picture, and what it is measured on."""
    controls.choose(
        "watch.metric",
        "Validation metric",
        MEASURES,
        label_visibility="visible",
        help=f"ROC-AUC: {CATALOG['roc_auc'].sentence} NLL: {CATALOG['nll'].sentence}",
    )
    measure = state.now().watch.metric
    runs = [e for e in view.charted[:MOST] if e.row.run.gives_grades]
    curves = drawn(runs, f"validation_{measure}")
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
        st.caption(f"{word}: {md(titles_of(left_out))} ({why})", width="content")
        st.button(
            "Leave them out" if view.override else "Show all the same",
            on_click=state.change,
            kwargs={"runs": {"mix_inputs": not view.override}},
            key="runs_curves_mix",
            type="tertiary",
        )


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
