"""A small sweep around the settings of the form: one or two of them over some values."""

import streamlit as st

from app import services, state
from app.kit import controls, error_box
from app.kit.texts import duration
from app.services.draft import Draft
from app.views.distill.queries import cost, runs
from kdcore.errors import ConfigError, LabError

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
}
HELP = (
    "Separate values with commas. A soft loss is kl, ce, mse_logits or mse_probabilities; a "
    "student is a short text: cdssm, twinbert_cos. Every value of one setting is combined with "
    "every value of the other."
)


def draw(draft: Draft) -> None:
    """Two settings with their values, how many runs that is, and their start."""
    with st.expander("Sweep: try several values", icon=":material/grid_on:"):
        for name in ("a", "b"):
            with st.container(horizontal=True, key=f"distill_sweep_{name}"):
                _axis(name)
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
        _start(draft, grid)


def _axis(name: str) -> None:
    controls.bound(
        st.selectbox,
        f"distill.sweep_{name}",
        "Setting" if name == "a" else "and",
        options=list(SWEPT)[1:] if name == "a" else list(SWEPT),
        format_func=lambda path: SWEPT[path],
        width=150,
    )
    controls.bound(st.text_input, f"distill.sweep_{name}_values", "Values", help=HELP)


def _grid() -> dict[str, list[str]]:
    now = state.now().distill
    axes = {
        now.sweep_b: now.sweep_b_values,
        now.sweep_a: now.sweep_a_values,
    }
    split = {path: [v.strip() for v in said.split(",") if v.strip()] for path, said in axes.items()}
    return {path: split[path] for path in (now.sweep_a, now.sweep_b) if path}


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
    beside = ", and each twin once" if train_twin else ""
    seconds, low, high = cost.sweep_seconds(draft.config, grid, train_twin)
    if seconds != seconds:
        return f"{cells} students{beside}. No time estimate yet: it appears after the first run."
    return (
        f"{cells} students{beside}: **about {duration(seconds)}** on this machine, one after the "
        f"other ({duration(low)} to {duration(high)})."
    )


def _start(draft: Draft, grid: dict[str, list[str]]) -> None:
    assert draft.config is not None
    try:
        with st.spinner("Putting them in the queue…"):
            group = runs.start_sweep(
                draft.config, draft.preset, grid, state.now().distill.train_twin
            )
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    state.correct(runs={"tab": "sweep", "sweep": group})
    st.switch_page("views/runs/page.py")
