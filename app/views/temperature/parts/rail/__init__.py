"""Mirrored soft labels of a pair, relevance of all pairs, and the rail that moves both.

The arithmetic is the browser's own (maths.js); Python hears of a choice once, at its release.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part, state_value

KEY = "temperature_rail"

_mount = part(__name__)


def temperature_rail(
    data: Mapping[str, Any], on_change: Callable[[Mapping[str, Any]], None]
) -> None:
    """Mount it; on_change gets the values of the keys in `sent` after a release.

    data: the controls by key, as the state of the page names them, and pair, the row that is
    shown; sent: the keys of both; replay: moment and probe, which the rail hands on to that part;
    here: the pair's logits, grade and truth, for the moment before all are in the browser;
    hash: of the logits that temperature_data holds; rows, names, relevantFrom: of the data;
    event: what relevance means, in words; titles: by role; keys: whether single keys act without
    a focus on the rail; marks: temperatures worth a mark (T, name, help, kind, role), of kind "run"
    where a run was trained at it, at its first or its last step, and "best" where its negative
    log-likelihood is least.
    """

    def release() -> None:
        sent = state_value(KEY, "set")
        if isinstance(sent, Mapping):
            on_change(sent)

    _mount(key=KEY, data=data, on_set_change=release)
