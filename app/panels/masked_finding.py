"""The page's one sentence: head and tail of both answers at the present temperature."""

import streamlit as st

from app import frame, state
from app.panels.masked_models import Pair
from app.texts import md, percent

SHARE = 0.9


def draw(pair: Pair) -> None:
    """The finding, or why there is none."""
    if not pair.answered:
        frame.finding("One of the two language models has not answered this sentence.")
        st.warning(md(pair.problem))
        return
    frame.finding(f"{_head(pair)} {_tail(pair)}")


def _head(pair: Pair) -> str:
    teacher, student = (who.filled for who in pair.both())
    heat = state.now().mask_t
    (word, p), *_ = teacher.head(1, heat)
    head = f"At T = {heat:g} the teacher gives {percent(p)} to its first word, {word}"
    place = student.place(word)
    if place is None:
        return f"{head}, which the student's vocabulary lacks."
    q = student.soft(heat)[place]
    if place == 0:
        return f"{head}, the student {percent(q)}."
    return f"{head}; the student puts {student.words[0]} first and gives {word} {percent(q)}."


def _tail(pair: Pair) -> str:
    """How wide 90 % of the mass is spread: the tail, in words that can be counted."""
    teacher, student = (who.filled for who in pair.both())
    heat = state.now().mask_t
    many, fewer = teacher.sharing(SHARE, heat), student.sharing(SHARE, heat)
    if many == fewer == 1:
        return f"That one word holds {percent(SHARE)} of both: no tail to learn from until T rises."
    said = (
        f"{percent(SHARE)} of the teacher's mass lies on {many:,} of {len(teacher):,} words "
        f"({teacher.bits(heat):.1f} bits), of the student's on {fewer:,} "
        f"({student.bits(heat):.1f} bits)"
    )
    cold = teacher.sharing(SHARE, 1.0)
    return f"{said}." if cold == many else f"{said}; at T = 1 the teacher's on {cold:,}."
