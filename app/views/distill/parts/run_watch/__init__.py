"""A run as it learns: the browser asks the lab for what is new and draws it without a rerun."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.kit.browser_part import part, state_value
from kdcore.evaluation.gap import DEFINITION

_mount = part(__name__)


@dataclass(frozen=True)
class Watch:
    """Which run is watched, and what does not change while it learns.

    taught: whether it has a teacher. weights: of the "soft" and the "hard" term of the loss.
    step and metric: the moment and the validation metric that are shown, step -1 for the newest.
    run_over, twin_over: what the page knows already to have ended. target: key of the container,
    by which exports find it.
    """

    run: str
    target: str
    weights: Mapping[str, float]
    taught: bool
    step: int
    metric: str
    run_over: bool
    twin_over: bool
    about: str


def run_watch(
    watch: Watch, key: str, on_moment: Callable[[Any], None], on_end: Callable[[], None]
) -> None:
    """Mount it. on_moment gets {"wstep"} or {"wmetric"} at a release; on_end: a run ended."""
    _mount(
        key=key,
        data={
            "run": watch.run,
            "target": watch.target,
            "weights": dict(watch.weights),
            "taught": watch.taught,
            "step": watch.step,
            "metric": watch.metric,
            "over": {"run": watch.run_over, "twin": watch.twin_over},
            "about": watch.about,
            "gap": DEFINITION,
        },
        on_at_change=lambda: on_moment(state_value(key, "at")),
        on_ended_change=on_end,
    )
