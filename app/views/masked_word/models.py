"""Which two language models are asked, and their answers; others may take either place."""

from dataclasses import dataclass

import streamlit as st

from app import services, state
from app.kit.texts import counted, md
from app.state import keys
from app.views.masked_word import queries
from app.views.masked_word.queries import MaskedAnswer
from kdcore.errors import LabError
from kdcore.language import Filled, check_sentence

ROLES = {"teacher": "Teacher", "student": "Student"}


@dataclass(frozen=True)
class Pair:
    """The answers to a sentence, the teacher's and the student's; or why one is missing.

    missing: the role that could not answer; "" where the sentence itself is at fault.
    """

    sentence: str
    answers: tuple[MaskedAnswer, ...] = ()
    problem: str = ""
    missing: str = ""

    @property
    def filled(self) -> tuple[Filled, Filled]:
        """What teacher and student would write, once both have answered."""
        teacher, student = self.answers
        return teacher.filled, student.filled


def ask(sentence: str) -> Pair:
    """Both models' answers; the first time they are loaded under a spinner."""
    try:
        check_sentence(sentence)
    except LabError as cause:
        return Pair(sentence, problem=str(cause))
    answers: list[MaskedAnswer] = []
    with st.spinner("Two language models are reading the sentence…"):
        for role in ROLES:
            try:
                answers.append(_ask(role, sentence))
            except LabError as cause:
                return Pair(sentence, tuple(answers), str(cause), missing=role)
    return Pair(sentence, tuple(answers))


def _ask(role: str, sentence: str) -> MaskedAnswer:
    other = _other(role)
    if other and not services.public():
        if other not in _opened():
            raise LabError(f"This link asks for another {role}, {other}: open it below to see it")
        return queries.fill_mask(other, sentence, other)
    own = queries.own_masked(role)
    if own is None:
        raise LabError(
            f"This demo has no language {role}: make one with `kdlab demo build`, or name a "
            "folder or a hub id below"
        )
    return queries.fill_mask(str(own), sentence, f"the lab's own {role}")


def _other(role: str) -> str:
    """The model that a visitor put in the place of the lab's own; "" without one."""
    return str(getattr(state.now().masked_word, role)).strip()


def _opened() -> set[str]:
    return set(st.session_state.get(keys.MASKED_OPENED, ()))


def draw(pair: Pair) -> None:
    """Which models answered, and the boxes that put other models in their places."""
    for title, answer in zip(ROLES.values(), pair.answers, strict=False):
        layers = counted(answer.layers, "layer")
        st.caption(
            f"{title}: {md(answer.title)}, {layers}, {answer.weights:,} weights, "
            f"{len(answer.filled):,} words; answered in {answer.milliseconds:.0f} ms here, once "
            "loaded."
        )
    with st.expander("Use other language models", expanded=any(map(_other, ROLES))):
        if services.public():
            st.caption(services.PUBLIC_REASON)
            return
        st.caption(
            "Any masked language model of transformers: a folder with config.json, "
            "model.safetensors and a tokenizer, or a hub id such as distilbert-base-uncased, "
            "which the hub's client downloads once. Its own code is never run."
        )
        for column, role in zip(st.columns(2), ROLES, strict=True):
            with column:
                _box(role)


def _box(role: str) -> None:
    key, other = f"w_m{role}", _other(role)
    st.session_state[key] = other
    st.text_input(
        f"{ROLES[role]}: folder or hub id",
        key=key,
        max_chars=300,
        placeholder=f"the lab's own {role}",
        on_change=_name,
        args=(role, key),
    )
    if not other:
        return
    with st.container(horizontal=True):
        if other not in _opened():
            # a link alone never makes this machine read a folder or fetch gigabytes
            st.button("Open this model", key=f"open_m{role}", on_click=_open, args=(other,))
        st.button(
            "Back to the lab's own",
            key=f"own_m{role}",
            on_click=state.change,
            kwargs={"masked_word": {role: ""}},
        )


def _name(role: str, key: str) -> None:
    other = str(st.session_state[key]).strip()
    state.change(masked_word={role: other})
    _open(other)


def _open(other: str) -> None:
    st.session_state[keys.MASKED_OPENED] = _opened() | {other}
