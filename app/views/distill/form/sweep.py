"""A small sweep around the settings of the form: one or two of them over some values."""

from math import isnan

import streamlit as st

from app import services, state
from app.kit import controls, error_box
from app.kit.texts import duration
from app.services.draft import Draft
from app.views.distill.queries import cluster, cost, runs
from kdcore.catalog import METHODS
from kdcore.errors import ConfigError

SWEPT = {
    "": "nothing more",
    "method.params.temperature": "Temperature",
    "method.params.loss": "Soft loss",
    "soft_weight": "Soft weight",
    "hard_weight": "Hard weight",
    "limit": "Pair limit",
    "training.epochs": "Epochs",
    "training.learning_rate": "Learning rate",
    "training.batch_size": "Batch size",
    "student": "Student",
    "student.params.layers": "Layers",
    "seed": "Seed",
    **{
        f"terms.{name}.weight": f"{method.title} weight"
        for name, method in METHODS.items()
        if name != "response"
    },
}
HELP = (
    "Separate values with commas. A soft loss is kl, ce, mse_logits or mse_probabilities; a "
    "student is a short text: cdssm, twinbert_cos. A weight of 0 leaves a term out. Every value of "
    "one setting is combined with every value of the other."
)


def draw(draft: Draft) -> None:
    """Two settings with their values, how many runs that is, and their start."""
    with st.expander("Sweep: try several values", icon=":material/grid_on:"):
        for name in ("a", "b"):
            with st.container(horizontal=True, key=f"distill_sweep_{name}"):
                titles = {path: title for path, title in SWEPT.items() if path or name == "b"}
                label = "Setting" if name == "a" else "and"
                controls.select(f"distill.sweep_{name}", label, titles, width=150)
                controls.bound(st.text_input, f"distill.sweep_{name}_values", "Values", help=HELP)
        grid = _grid()
        cells, why = _cells(draft, grid)
        st.caption(why or _size(draft, grid, cells))
        pressed = st.button(
            f"Start {cells} runs" if cells else "Start the sweep",
            icon=":material/play_arrow:",
            disabled=bool(why),
            key="distill_sweep_start",
            width="stretch",
        )
    if pressed and draft.config is not None:
        with error_box.guard():
            train_twin = state.now().distill.train_twin
            with st.spinner("Putting them in the queue…"):
                group = runs.start_sweep(draft.config, draft.preset, grid, train_twin)
            state.correct(runs={"tab": "sweep", "sweep": group})
            st.switch_page("views/runs/page.py")


def _grid() -> dict[str, list[str]]:
    now = state.now().distill
    texts = {now.sweep_b: now.sweep_b_values, now.sweep_a: now.sweep_a_values}
    return {
        path: [value.strip() for value in texts[path].split(",") if value.strip()]
        for path in (now.sweep_a, now.sweep_b)
        if path
    }


def _cells(draft: Draft, grid: dict[str, list[str]]) -> tuple[int, str]:
    """How many students the grid has, and what stands in its way."""
    if services.public():
        return 0, services.PUBLIC_REASON
    if draft.config is None:
        return 0, "A setting in the form is invalid: fix it first."
    try:
        return runs.sweep_size(draft.config, grid), ""
    except ConfigError as error:
        return 0, " ".join(error.problems or (str(error),))


def _size(draft: Draft, grid: dict[str, list[str]], cells: int) -> str:
    """How many runs a grid has, and how long they would take one after the other."""
    assert draft.config is not None
    train_twin = state.now().distill.train_twin
    students = f"{cells} students{', and each twin once' if train_twin else ''}"
    seconds = cost.sweep_seconds(draft.config, grid, train_twin)
    if isnan(seconds[0]):
        return f"{students}. No time estimate yet: it appears after the first run."
    expected, low, high = map(duration, seconds)
    there = cluster.present()
    return (
        f"{students}: **about {expected}** on this machine, one after the other ({low} to {high})."
        f"{f' The runs go to the cluster. {there.speed}' if there else ''}"
    )
