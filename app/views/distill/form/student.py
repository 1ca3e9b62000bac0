"""Which student learns: the catalog and its named sizes, and the knobs of the chosen one."""

from dataclasses import replace
from typing import Any

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from kdcore.catalog import SIZES, STUDENTS
from kdcore.config import ModelConfig


def draw(now: Draft, form: Form) -> None:
    """The chooser; a pretrained encoder asks for its folder or hub id beside it."""
    titles = {key: each.title for key, each in STUDENTS.items()} | {
        name: f"{STUDENTS[size.student].title}, {name.replace('_', ' ')}: {_dims(size.params)}"
        for name, size in SIZES.items()
    }
    name = str(now.at("student.name") or "")
    about = STUDENTS.get(name)
    told = md(f"{about.summary} {about.paper}") if about else "No student of the catalog."
    shown = _size(now) or name
    forms.pick(form, "student.name", "Student", titles, shown, told, take=_taken)
    if name == "checkpoint":
        group = replace(form, prefix="student", values=now.at("student") or {})
        forms.draw(ModelConfig, group, ["checkpoint"])


def knobs(now: Draft, form: Form) -> None:
    """Every knob of the chosen student, and the run that it may start from."""
    about = STUDENTS.get(str(now.at("student.name")))
    if about is None:
        return
    st.markdown(f"**{about.title}**")
    params = replace(form, prefix="student.params", values=now.at("student.params") or {})
    group = replace(form, prefix="student", values=now.at("student") or {})
    with st.container(horizontal=True, gap="small", key="distill_student"):
        forms.draw(about.params, params)
        if about.title != STUDENTS["checkpoint"].title:
            forms.draw(ModelConfig, group, ["start_from"])


def _taken(path: str, value: Any) -> None:
    draft.take_student(str(value))


def _size(now: Draft) -> str:
    """The named size that the present student has, or an empty text."""
    params = now.at("student.params") or {}
    return next(
        (
            name
            for name, size in SIZES.items()
            if size.student == now.at("student.name")
            and all(str(params.get(knob)) == str(value) for knob, value in size.params.items())
        ),
        "",
    )


def _dims(params: dict[str, Any]) -> str:
    return f"{params['layers']} layers of {params['hidden']}"
