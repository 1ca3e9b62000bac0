"""The stages of a recipe as boxes: what each does now, polled without a rerun of the page."""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part, state_value

_mount = part(__name__)


def boxes(
    now: Mapping[str, Any],
    pipeline: str,
    key: str,
    on_open: Callable[[Any], None],
    on_end: Callable[[], None],
) -> None:
    """Draw the stages of `now` (see services.live.recipe.answer); pipeline: its id, "" for a plan.

    on_open gets {"run", "stage"} of a box that was pressed; on_end: the pipeline, or one of its
    stages, came to another state.
    """
    _mount(
        key=key,
        data={"now": dict(now), "pipeline": pipeline},
        on_opened_change=lambda: on_open(state_value(key, "opened")),
        on_ended_change=on_end,
    )
