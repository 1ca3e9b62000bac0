"""Masked word: mirrored soft labels of two language models at T = 1, 3, 5 and at a T to drag.

All logits go to the browser once; it computes every softmax. The server hears of T at its release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import streamlit as st
from numpy.typing import NDArray

from app.kit.browser_part import part, state_value
from app.state import keys

KEY = "masked_bars"

_mount = part(__name__)


@dataclass(frozen=True)
class MaskedRow:
    """A word: its place in the teacher's and the student's logits, -1 where a model lacks it.

    truth: its exact probability, -1 where it is not known.
    """

    word: str
    t: int
    s: int
    truth: float


@dataclass(frozen=True)
class MaskedView:
    """What a visitor chooses here.

    log: a log axis; few: the softmax over the shown words only; same: one axis for all panels.
    """

    T: float
    log: bool
    few: bool
    same: bool


@dataclass(frozen=True)
class _Sent:
    """The view that the server last chose, how often it chose, and what the browser shows by now.

    A choice of the browser's own is not sent back, so a release never sends the logits again.
    """

    view: MaskedView
    turn: int
    shown: MaskedView
    heard: bool = False


def masked_bars(
    view: MaskedView,
    *,
    rows: list[MaskedRow],
    teacher: NDArray[np.float32],
    student: NDArray[np.float32],
    same: bool,
    content: str,
    on_change: Callable[[Mapping[str, Any]], MaskedView],
) -> None:
    """Mount it; on_change gets {T, log, few, same} after a release and returns what it took.

    same: both logits are of one vocabulary in one order; content: a hash of all that is shown.
    """

    def release() -> None:
        choices, sent = state_value(KEY, "set"), st.session_state.get(keys.MASKED_SENT)
        if isinstance(choices, Mapping):
            shown = on_change(choices)
            if sent:
                st.session_state[keys.MASKED_SENT] = replace(sent, shown=shown, heard=True)

    sent = st.session_state[keys.MASKED_SENT] = _sent(view)
    _mount(
        key=KEY,
        data={
            "view": vars(sent.view),
            "turn": sent.turn,
            "rows": [vars(row) for row in rows],
            "teacher": pa.table({"z": teacher.astype(np.float32)}),
            "student": pa.table({"z": student.astype(np.float32)}),
            "same": same,
            "hash": content,
        },
        on_set_change=release,
    )


def _sent(view: MaskedView) -> _Sent:
    sent: _Sent | None = st.session_state.get(keys.MASKED_SENT)
    if sent is None:
        return _Sent(view, 1, view)
    # another page was open: the part begins anew
    gone = sent.heard and state_value(KEY, "set") is None
    return sent if sent.shown == view and not gone else _Sent(view, sent.turn + 1, view)
