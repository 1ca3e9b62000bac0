"""A run as it learns: the browser asks the lab for what is new and draws it without a rerun."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.kit.browser_part import part, state_value
from kdcore.evaluation.gap import DEFINITION

_mount = part(__name__)


@dataclass(frozen=True)
class Watch:
    """Which run is watched, and what does not change while it learns.

    run: its id; label: its name. target: key of the container, by which exports find it.
    weights: of the terms of the loss by their curves, "soft" first and "hard" last; distilled:
    whether it has a teacher; graded: whether its model gives grades, which a pretraining does not;
    subject: what its model is called, teacher or student.
    step and metric: the moment and the validation metric that are shown, step -1 for the newest.
    over: whether the page knows already that the "run" and its "twin" have ended.
    """

    run: str
    label: str
    target: str
    weights: Mapping[str, float]
    distilled: bool
    graded: bool
    subject: str
    step: int
    metric: str
    over: Mapping[str, bool]


def run_watch(
    watch: Watch, key: str, on_moment: Callable[[Any], None], on_end: Callable[[], None]
) -> None:
    """Mount it. on_end: a run ended.

    on_moment gets {"wstep"} at a release, {"wmetric"} or {"rpretrain"} when a metric is chosen.
    """
    _mount(
        key=key,
        data=asdict(watch) | {"gap": DEFINITION},
        on_at_change=lambda: on_moment(state_value(key, "at")),
        on_ended_change=on_end,
    )
