"""Which two language models are asked, and what they answer; others may take either place."""

from dataclasses import dataclass

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.state import keys
from app.views.masked_word import queries
from app.views.masked_word.queries import MaskedAnswer
from kdcore.errors import LabError
from kdcore.language import check_sentence

ROLES = {"teacher": "Teacher", "student": "Student"}


@dataclass(frozen=True)
class Pair:
    """Both answers to a sentence, or the reason why one is missing.

    bad_sentence: the reason is the sentence, not a model.
    """

    sentence: str
    teacher: MaskedAnswer | None
    student: MaskedAnswer | None
    problem: str = ""
    bad_sentence: bool = False

    @property
    def answered(self) -> bool:
        """Whether both models have answered."""
        return self.teacher is not None and self.student is not None

    def both(self) -> tuple[MaskedAnswer, MaskedAnswer]:
        """Teacher's and student's answer, once there."""
        assert self.teacher is not None
        assert self.student is not None
        return self.teacher, self.student


def ask(sentence: str) -> Pair:
    """Both models' answers; the first time they are loaded under a spinner."""
    try:
        check_sentence(sentence)
    except LabError as cause:
        return Pair(sentence, None, None, str(cause), bad_sentence=True)
    answers: dict[str, MaskedAnswer] = {}
    problem = ""
    with st.spinner("Two language models are reading the sentence…"):
        for role in ROLES:
            try:
                answers[role] = _ask(role, sentence)
            except LabError as cause:
                problem = str(cause)
                break
    return Pair(sentence, answers.get("teacher"), answers.get("student"), problem)


def _ask(role: str, sentence: str) -> MaskedAnswer:
    other = _other(role)
    if other and not services.public():
        if other not in st.session_state.get(keys.MASKED_OPENED, ()):
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
    now = state.now().masked_word
    return (now.teacher if role == "teacher" else now.student).strip()


def draw(pair: Pair) -> None:
    """Who answered, and the boxes that put other models in their places."""
    for role, who in (("Teacher", pair.teacher), ("Student", pair.student)):
        if who is not None:
            st.caption(
                f"{role}: {md(who.title)}, {who.layers} layer{'s' * (who.layers != 1)}, "
                f"{who.weights:,} weights, {len(who.filled):,} words; answered in "
                f"{who.milliseconds:.0f} ms here, once loaded."
            )
    replaced = any(_other(role) for role in ROLES)
    with st.expander("Use other language models", expanded=replaced):
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
    key = f"w_m{role}"
    st.session_state[key] = _other(role)
    st.text_input(
        f"{ROLES[role]}: folder or hub id",
        key=key,
        max_chars=300,
        placeholder=f"the lab's own {role}",
        on_change=_named,
        args=(role, key),
    )
    other = _other(role)
    if not other:
        return
    with st.container(horizontal=True):
        if other not in st.session_state.get(keys.MASKED_OPENED, ()):
            # a link alone never makes this machine read a folder or fetch gigabytes
            st.button("Open this model", key=f"open_m{role}", on_click=_open, args=(other,))
        st.button("Back to the lab's own", key=f"own_m{role}", on_click=_back, args=(role,))


def _named(role: str, key: str) -> None:
    other = str(st.session_state[key]).strip()
    state.change(masked_word={role: other})
    _open(other)


def _open(other: str) -> None:
    st.session_state[keys.MASKED_OPENED] = {*st.session_state.get(keys.MASKED_OPENED, ()), other}


def _back(role: str) -> None:
    state.change(masked_word={role: ""})
