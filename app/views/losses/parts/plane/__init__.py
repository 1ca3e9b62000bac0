"""What each loss rewards: its landscape over what can be dragged, and where descent ends.

The arithmetic is the browser's own (app/parts/losses.js); Python hears of a choice at release.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.kit.browser_part import part
from app.views.losses.parts import mounted

KEY = "loss_plane"

_mount = part(__name__)


def loss_plane(
    scene: Mapping[str, Any],
    terms: Mapping[str, Any],
    choices: Mapping[str, Any],
    on_change: Callable[[Mapping[str, Any]], None],
) -> None:
    """Mount it; on_change gets the visitor's choices by their keys in links after a release.

    Args:
        scene: view (logits, ads or vectors), hash (another one for other numbers), teacher, student
            and twin (numbers of the view: (classes,) logits, (ads,) log-odds or (points, 2)
            vectors; twin may be None), names of the grades, relevantFrom, grade (-1: no label),
            labels of ads or points, titles by role, invented (whether the vectors are made up).
        terms: by objective, a and b, a list of name, method, weight, params (every knob), and
            follows: whether its temperature is the page's.
        choices: by key in links, lt (temperature), lat (the dragged numbers, [] for the student's
            own), lax (axes), lsq (whether T² multiplies), lob (objective shown: a or b), lrate and
            lsteps (size and number of steps).
    """
    mounted(_mount, KEY, {"scene": scene, "terms": terms, "choices": choices}, on_change)
