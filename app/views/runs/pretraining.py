"""How pretrainings learned: losses and right answers on their validation pairs, over the steps."""

from collections.abc import Sequence
from math import isfinite

import streamlit as st

from app import state
from app.kit import controls
from app.kit.figures import training as figures
from app.kit.figures.training import Curve
from app.kit.texts import md
from app.services.runs.entry import Entry
from app.services.runs.listing import MOST, RunsView
from app.views.runs.drift import caption, inputs
from app.views.runs.queries.curves import drawn, titles_of
from kdcore.judging.drift import validated_on

MEASURES = {
    "masked": "hidden-word loss",
    "masked_accuracy": "hidden words right",
    "next_ad": "next-ad loss",
    "next_ad_accuracy": "next ads right",
}
_HELP = (
    "Hidden words: cross-entropy per hidden word in nats, and the share of them whose likeliest "
    "filling is right. Next ads: cross-entropy per pair, and the share of pairs for which the "
    "model knows whether the ad was shown for the query or is one of another query (ours); "
    "guessing gives 0.693 nats and half of them right."
)


def draw(view: RunsView) -> None:
    """The measure, the picture, and what it is measured on; nothing where no run is one."""
    candidates = view.chosen if len(view.chosen) > 1 else view.shown
    runs = [e for e in candidates if not e.row.run.gives_grades][:MOST]
    if not runs:
        return
    st.markdown("**Pretraining**")
    controls.choose(
        "runs.pretraining",
        "Pretraining metric",
        MEASURES,
        label_visibility="visible",
        help=_HELP,
    )
    measure = state.now().runs.pretraining
    fitting, others = (runs, []) if view.override else alike(runs)
    curves = drawn(fitting, f"validation_{measure}")
    if not curves:
        st.info(f"No pretraining here has two validations with its {MEASURES[measure]} yet.")
        return
    title = f"validation: {MEASURES[measure]}"
    keys = {curve.key for curve in curves}
    shown = [e for e in fitting if e.key in keys]
    figure = figures.training_curves(curves, title, controls.dark())
    controls.chart(
        figure.update_layout(showlegend=False),  # one kind of training
        figures.curves_table(curves, title).drop(columns="family"),
        sentence(curves, measure),
        "runs_pretraining",
        inputs(view),
        caption(view, f"Pretraining: {title} over steps", shown),
    )
    st.caption(_about(shown, measure, others))


def alike(runs: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Runs measured on the validation pairs, and the share hidden, of most of them; the others."""
    tasks = [(validated_on(e.row), e.row.settings.get("mask_share")) for e in runs]
    common = max(tasks, key=tasks.count)
    same = [e for e, task in zip(runs, tasks, strict=True) if task == common]
    return same, [e for e in runs if e not in same]


def sentence(curves: Sequence[Curve], measure: str) -> str:
    """How many runs are drawn, and which is the best at its last step."""
    higher = measure.endswith("accuracy")
    best = (max if higher else min)(curves, key=lambda curve: curve.points[-1][1])
    step, value = best.points[-1]
    runs = "1 pretraining" if len(curves) == 1 else f"{len(curves)} pretrainings"
    return (
        f"{runs} by {MEASURES[measure]} on validation pairs, over steps. The best at its last step "
        f"is {best.title}: {value:.3f} at step {step:,}."
    )


def _about(runs: Sequence[Entry], measure: str, others: Sequence[Entry]) -> str:
    """What the curves are measured on, and who is left out."""
    lines = [e.row.run.saved_line.get("validation_words", 0) for e in runs]
    pairs = [e.row.run.splits["validation"].pairs for e in runs if "validation" in e.row.run.splits]
    counts = lines if measure.startswith("masked") else pairs
    sizes = sorted({int(n) for n in counts if n and isfinite(n)})
    unit = "hidden words of the validation pairs" if counts is lines else "validation pairs"
    parts = [
        f"Measured on {' or '.join(f'{n:,}' for n in sizes)} {unit}, the same at each step, which "
        "choose the step that is saved. Losses of runs with other tokenizers are of other pieces "
        "of words."
    ]
    if others:
        parts.append(
            f"Left out: {md(titles_of(others))} (other validation pairs, or another share hidden)."
        )
    return " ".join(parts)
