"""Which model is trained: the catalog and its named sizes, and the knobs of the chosen one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from kdcore.catalog import PRETRAINED, SIZES, STUDENTS
from kdcore.config import ModelConfig


def draw(model: Mapping[str, Any], form: Form, label: str, take: Callable[[str], None]) -> None:
    """The chooser; a pretrained encoder asks for its folder or hub id beside it.

    model: the values of a ModelConfig. form: with the path of that group as its prefix. take: gets
    the name of a student of the catalog or of a named size.
    """
    titles = {key: student.title for key, student in STUDENTS.items()}
    for name, sizes in SIZES.items():
        shape = f"{sizes['layers']} layers of {sizes['hidden']}"
        titles[name] = f"{STUDENTS['bert'].title}, {name.replace('_', ' ')}: {shape}"
    name = str(model.get("name") or "")
    student = STUDENTS.get(name)
    help = md(f"{student.summary} {student.paper}") if student else "No model of the catalog."
    shown = _size(model) or name
    forms.pick(
        form, form.path("name"), label, titles, shown, help,
        take=lambda path, value: take(str(value)),
    )  # fmt: skip
    if name in PRETRAINED.values():
        forms.draw(ModelConfig, replace(form, values=model), ["checkpoint"])


def knobs(model: Mapping[str, Any], form: Form, start_from: bool = True) -> None:
    """Every knob of the chosen model. start_from: with the run that it may start from."""
    name = str(model.get("name"))
    if name not in STUDENTS:
        return
    st.markdown(f"**{STUDENTS[name].title}**")
    params = replace(form, prefix=form.path("params"), values=model.get("params") or {})
    group = replace(form, values=model)
    key = f"distill_{form.prefix.replace('.', '_')}"
    with st.container(horizontal=True, gap="small", key=key):
        forms.draw(STUDENTS[name].params, params)
        if name in PRETRAINED.values():
            forms.draw(ModelConfig, group, ["layers_from"])
        elif start_from:
            has_layers = hasattr(STUDENTS[name].params(), "layers")
            forms.draw(ModelConfig, group, ["start_from", *["layers_from"] * has_layers])


def _size(model: Mapping[str, Any]) -> str:
    """The named size that the present model has, or an empty text."""
    params = model.get("params") or {}
    for name, sizes in SIZES.items():
        same = all(str(params.get(knob)) == str(value) for knob, value in sizes.items())
        if same and model.get("name") == "bert":
            return name
    return ""
