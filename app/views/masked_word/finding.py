"""The page's one sentence: head and tail of both answers at the present temperature."""

import streamlit as st

from app import state
from app.kit.texts import degrees, md, percent
from app.shell import frame
from app.views.masked_word.models import Pair

SHARE = 0.9


def draw(pair: Pair) -> None:
    """The finding, or why there is none."""
    if pair.bad_sentence:
        frame.finding(f"{pair.problem[:1].upper()}{pair.problem[1:]}.")
        return
    if not pair.answered:
        missing = "teacher" if pair.teacher is None else "student"
        frame.finding(f"The {missing} could not be opened.")
        st.warning(md(f"{pair.problem[:1].upper()}{pair.problem[1:]}"))
        return
    unknown = pair.both()[0].filled.unknown
    caution = "" if not unknown else f"{_unknown(unknown)} "
    frame.finding(f"{caution}{_head(pair)} {_tail(pair)}")


def _unknown(words: tuple[str, ...]) -> str:
    """Say first that an answer to words the teacher never learned means little."""
    quoted = ", ".join(f"“{word}”" for word in words[:4])
    more = f" and {len(words) - 4} more" if len(words) > 4 else ""
    return f"The teacher does not know {quoted}{more}, so its answer here means little."


def _head(pair: Pair) -> str:
    teacher, student = (model.filled for model in pair.both())
    temperature = state.now().masked_word.T
    (word, p), *_ = teacher.head(1, temperature)
    head = (
        f"At T = {degrees(temperature)} the teacher gives {percent(p)} to its first word, “{word}”"
    )
    place = student.place(word)
    if place is None:
        return f"{head}, which is not in the student's vocabulary."
    q = student.soft(temperature)[place]
    if place == 0:
        return f"{head}, the student {percent(q)}."
    first = student.words[0]
    return f"{head}; the student puts “{first}” first and gives “{word}” {percent(q)}."


def _tail(pair: Pair) -> str:
    """How wide 90 % of the mass is spread: the tail, in words that can be counted."""
    teacher, student = (model.filled for model in pair.both())
    temperature = state.now().masked_word.T
    many, fewer = teacher.sharing(SHARE, temperature), student.sharing(SHARE, temperature)
    if many == fewer == 1:
        return f"That one word holds {percent(SHARE)} of both: no tail to learn from until T rises."
    sentence = (
        f"The teacher's {many:,} likeliest of {len(teacher):,} words hold {percent(SHARE)} of its "
        f"probability (entropy {teacher.bits(temperature):.1f} bits), the student's {fewer:,} of "
        f"its own ({student.bits(temperature):.1f} bits)"
    )
    cold = teacher.sharing(SHARE, 1.0)
    return f"{sentence}." if cold == many else f"{sentence}. At T = 1 the teacher needed {cold:,}."
