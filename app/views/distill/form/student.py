"""Which student learns: the catalog and its named sizes, and the knobs of the chosen one."""

from dataclasses import replace

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from kdcore.catalog import PRETRAINED, SIZES, STUDENTS
from kdcore.config import ModelConfig


def draw(now: Draft, form: Form) -> None:
    """The chooser; a pretrained encoder asks for its folder or hub id beside it."""
    titles = {key: student.title for key, student in STUDENTS.items()}
    for name, sizes in SIZES.items():
        shape = f"{sizes['layers']} layers of {sizes['hidden']}"
        titles[name] = f"{STUDENTS['bert'].title}, {name.replace('_', ' ')}: {shape}"
    name = str(now.at("student.name") or "")
    student = STUDENTS.get(name)
    help = md(f"{student.summary} {student.paper}") if student else "No student of the catalog."
    shown = _size(now) or name
    forms.pick(
        form, "student.name", "Student", titles, shown, help,
        take=lambda path, value: draft.take_student(str(value)),
    )  # fmt: skip
    if name in PRETRAINED.values():
        group = replace(form, prefix="student", values=now.at("student") or {})
        forms.draw(ModelConfig, group, ["checkpoint"])


def knobs(now: Draft, form: Form) -> None:
    """Every knob of the chosen student, and the run that it may start from."""
    name = str(now.at("student.name"))
    if name not in STUDENTS:
        return
    st.markdown(f"**{STUDENTS[name].title}**")
    params = replace(form, prefix="student.params", values=now.at("student.params") or {})
    group = replace(form, prefix="student", values=now.at("student") or {})
    with st.container(horizontal=True, gap="small", key="distill_student"):
        forms.draw(STUDENTS[name].params, params)
        if name in PRETRAINED.values():
            forms.draw(ModelConfig, group, ["layers_from"])
        else:
            has_layers = hasattr(STUDENTS[name].params(), "layers")
            forms.draw(ModelConfig, group, ["start_from", *["layers_from"] * has_layers])


def _size(now: Draft) -> str:
    """The named size that the present student has, or an empty text."""
    params = now.at("student.params") or {}
    for name, sizes in SIZES.items():
        same = all(str(params.get(knob)) == str(value) for knob, value in sizes.items())
        if same and now.at("student.name") == "bert":
            return name
    return ""
