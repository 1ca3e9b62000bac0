"""The page's one sentence: head and tail of both answers at the present temperature."""

import streamlit as st

from app import state
from app.kit.texts import degrees, md, percent
from app.shell import frame
from app.views.masked_word.models import Pair
from kdcore.language import Filled

SHARE = 0.9


def draw(pair: Pair) -> None:
    """The finding, or why there is none."""
    problem = pair.problem[:1].upper() + pair.problem[1:]
    if pair.missing:
        frame.finding(f"The {pair.missing} could not be opened.")
        st.warning(md(problem))
    elif problem:
        frame.finding(f"{problem}.")
    else:
        teacher, student = pair.filled
        temperature = state.now().masked_word.T
        sentences = (
            _unknown(teacher.unknown),
            _head(teacher, student, temperature),
            _tail(teacher, student, temperature),
        )
        frame.finding(" ".join(filter(None, sentences)))


def _unknown(words: tuple[str, ...]) -> str:
    """Say first that an answer to words the teacher never learned means little."""
    if not words:
        return ""
    quoted = ", ".join(f"“{word}”" for word in words[:4])
    more = f" and {len(words) - 4} more" if len(words) > 4 else ""
    return f"The teacher does not know {quoted}{more}, so its answer here means little."


def _head(teacher: Filled, student: Filled, temperature: float) -> str:
    (word, p), *_ = teacher.head(1, temperature)
    head = (
        f"At T = {degrees(temperature)} the teacher gives {percent(p)} to its first word, “{word}”"
    )
    place = student.place(word)
    if place is None:
        return f"{head}, which is not in the student's vocabulary."
    q = percent(student.soft(temperature)[place])
    if place == 0:
        return f"{head}, the student {q}."
    return f"{head}; the student puts “{student.words[0]}” first and gives “{word}” {q}."


def _tail(teacher: Filled, student: Filled, temperature: float) -> str:
    """How wide 90 % of the mass is spread: the tail, in words that can be counted."""
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
