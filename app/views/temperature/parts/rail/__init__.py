"""Mirrored soft labels of a pair, relevance of all pairs, and the rail that moves both.

The arithmetic is the browser's own (maths.js); Python hears of a choice once, at its release.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from app.kit.browser_part import part, state_value

KEY = "temperature_rail"
Set = Mapping[str, Any]

_mount = part(__name__)


@dataclass(frozen=True)
class TemperatureMark:
    """A temperature worth a mark. kind "run": a run was trained at it; "best": least NLL at it."""

    T: float
    name: str
    help: str
    kind: Literal["run", "best"]
    who: Literal["teacher", "student"]


@dataclass(frozen=True)
class PairLogits:
    """The shown pair, for the moment before all logits are in the browser."""

    teacher: list[float]
    student: list[float]
    twin: list[float] | None
    truth: list[float] | None
    grade: int


def temperature_rail(
    controls: Set,
    here: PairLogits,
    *,
    pair: int,
    replay: Set,
    world: str,
    rows: int,
    grades: tuple[str, ...],
    relevant_from: int,
    event: str,
    titles: Mapping[str, str],
    marks: list[TemperatureMark],
    keys: bool,
    on_change: Callable[[Set], None],
) -> None:
    """Mount it; on_change gets the controls and the pair by key after a release.

    controls: values by key, as app/state/temperature.py names them; pair: the row that is shown;
    replay: its moment and probe, which the rail hands on to that part. world: hash of the logits
    that temperature_data holds; event: what relevance means, in words; keys: whether single keys
    act without a focus on the rail.
    """
    z = {"teacher": here.teacher, "student": here.student, "twin": here.twin}
    _mount(
        key=KEY,
        data={
            **controls,
            "pair": pair,
            "sent": [*controls, "pair"],
            "replay": dict(replay),
            "here": {"z": z, "grade": here.grade, "truth": here.truth},
            "hash": world,
            "rows": rows,
            "names": list(grades),
            "relevantFrom": relevant_from,
            "event": event,
            "titles": dict(titles),
            "keys": keys,
            "marks": [asdict(mark) for mark in marks],
        },
        on_set_change=lambda: _on_release(on_change),
    )


def _on_release(on_change: Callable[[Set], None]) -> None:
    sent = state_value(KEY, "set")
    if isinstance(sent, Mapping):
        on_change(sent)
