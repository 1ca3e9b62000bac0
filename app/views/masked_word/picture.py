"""The picture: both soft labels over the same words, at T = 1, 3, 5 and at a T to drag."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.texts import degrees
from app.shell import captions
from app.views.masked_word.models import Pair
from app.views.masked_word.parts.bars import MaskedRow, MaskedView, masked_bars
from kdcore.language import Filled, truth

SHOWN, RIVALS = 11, 3  # the teacher's first words, and those of the student that must be seen
TEMPERATURES = (1.0, 3.0, 5.0)


def draw(pair: Pair) -> None:
    """Mount the panels and offer their numbers; a release becomes the visitor's choices."""
    teacher, student = pair.filled
    same = sorted(teacher.words) == sorted(student.words)
    rows = _rows(teacher, student, same, truth(pair.sentence))
    logits = _aligned(student, teacher) if same else student.logits
    content = _hash(teacher.logits, logits, rows)
    with st.container(key="masked_picture"):
        masked_bars(
            _view(),
            rows=rows,
            teacher=teacher.logits,
            student=logits,
            same=same,
            content=content,
            on_change=_on_release,
        )
    temperature = state.now().masked_word.T
    models = (
        f"{role} {captions.plain(answer.title)}, {len(answer.filled.words):,} words"
        for role, answer in zip(("teacher", "student"), pair.answers, strict=True)
    )
    title = f"Masked word: both models at T = {temperature:g} and at T = 1, 3 and 5"
    controls.exports(
        "masked_picture",
        _table(rows, teacher, student),
        _sentence(pair, temperature),
        f"KD Lab masked word; sentence {pair.sentence}; {content}",
        Caption(title, " · ".join(models)),
    )


def _rows(
    teacher: Filled, student: Filled, same: bool, truth_of: Mapping[str, float]
) -> list[MaskedRow]:
    """The teacher's first words, with the student's own favorites among them, by the teacher."""
    words = list(dict.fromkeys([*teacher.words[:SHOWN], *student.words[:RIVALS]]))
    rows = []
    for word in words:
        t, s = teacher.place(word), student.place(word)
        here = t if same else s  # one vocabulary: both logits stand in the teacher's order
        p = truth_of.get(word, 0.0) if truth_of else -1.0
        rows.append(MaskedRow(word, -1 if t is None else t, -1 if here is None else here, p))
    return sorted(rows, key=lambda row: row.t if row.t >= 0 else len(teacher))


def _aligned(student: Filled, teacher: Filled) -> NDArray[np.float32]:
    """The student's logits in the teacher's order of words; pieces that read alike keep theirs."""
    mine = np.argsort(np.array(student.words), kind="stable")
    theirs = np.argsort(np.array(teacher.words), kind="stable")
    out = np.empty_like(student.logits)
    out[theirs] = student.logits[mine]
    return out


def _hash(teacher: NDArray[np.float32], student: NDArray[np.float32], rows: list[MaskedRow]) -> str:
    digest = hashlib.sha256(teacher.tobytes())
    digest.update(student.tobytes())
    digest.update(repr(rows).encode())
    return digest.hexdigest()[:16]


def _view() -> MaskedView:
    now = state.now().masked_word
    return MaskedView(now.T, now.log_scale, now.shown_only, now.same_scale)


def _on_release(sent: Mapping[str, Any]) -> MaskedView:
    """A release: what a browser sends is not trusted, the state clamps it."""
    flags = {f"mask_{name}": sent.get(name) is True for name in ("log", "few", "same")}
    state.change(**state.of_keys({"mask_t": sent.get("T"), **flags}))
    return _view()


def _table(rows: list[MaskedRow], teacher: Filled, student: Filled) -> pd.DataFrame:
    """A row per word: both soft labels at each temperature, the grammar's truth at T = 1."""
    view = _view()
    table = pd.DataFrame({"word": [row.word for row in rows]})
    for temperature in dict.fromkeys((*TEMPERATURES, view.T)):
        for role, filled in (("teacher", teacher), ("student", student)):
            soft = filled.soft(temperature)
            places = [filled.place(row.word) for row in rows]
            p = np.array([np.nan if place is None else soft[place] for place in places])
            table[f"{role} p at T={temperature:g}"] = p / np.nansum(p) if view.few else p
    if rows and rows[0].truth >= 0:
        table["grammar p"] = [row.truth for row in rows]
    return table


def _sentence(pair: Pair, temperature: float) -> str:
    parts = []
    for role, filled in zip(("Teacher", "student"), pair.filled, strict=True):
        words = ", ".join(f"{word} {p:.3f}" for word, p in filled.head(4, temperature))
        parts.append(f"{role} {words}")
    return f"{pair.sentence} At T = {degrees(temperature)}: {'; '.join(parts)}."
