"""What changes in the course of the training: the weights of terms, and the temperature."""

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from app.views.distill.form import terms
from kdcore.catalog import METHODS
from kdcore.config import ScheduleConfig

_ADD = "distill_add_schedule"
_HEAT = "temperature"
_PATHS = {"soft": "soft_weight", "hard": "hard_weight", _HEAT: "method.params.temperature"}


def draw(now: Draft, form: Form) -> None:
    """A row for each number that changes: how, its value at the last step, and its removal."""
    for name in names(now):
        title, start = _title(now, name), _start(now, name)
        problems = form.problems.get(f"schedules.{name}", ())
        titles = {"kind": f"{title}: change", "end": f"{title}: {start} to"}
        values = now.at(f"schedules.{name}") or {}
        row = replace(form, prefix=f"schedules.{name}", values=values, titles=titles)
        with st.container(
            horizontal=True, vertical_alignment="bottom", gap="small", key=f"distill_change_{name}"
        ):
            if problems:  # nothing here could be set: what is left is to remove it
                words = md(" ".join(problems))
                st.markdown(f":red[:material/error: {title}: {words}]", width="stretch")
            else:
                forms.draw(ScheduleConfig, row, ["kind", "end"])
            st.button(
                f"Remove the change of {title.lower()}" if problems else "Remove",
                icon=":material/close:",
                key=f"remove_change_{name}",
                disabled=form.closed,
                on_click=draft.remove,
                args=("schedules", name),
            )


def add(now: Draft, form: Form) -> None:
    """The choice of one more number that changes."""
    present = names(now)
    curves = ["soft", *terms.names(now), "hard"]
    if any(METHODS[name].softens for name in terms.methods(now)):
        curves = [_HEAT, *curves]
    titles = {name: _title(now, name) for name in curves if name not in present}
    st.selectbox(
        "Changes in training",
        list(titles),
        index=None,
        format_func=lambda name: titles[name],
        placeholder="Add one",
        key=_ADD,
        help="A weight, or the temperature of the soft labels, changes from its setting to another "
        "value by the last step. The curves of the run show it.",
        disabled=form.closed,
        on_change=_add,
        width=forms.WIDTH,
    )


def names(now: Draft) -> list[str]:
    """The numbers that change, by the names of their schedules."""
    schedules = now.at("schedules")
    return list(schedules) if isinstance(schedules, Mapping) else []


def _title(now: Draft, name: str) -> str:
    """What changes, in words: Temperature, Soft weight, Feature weight."""
    if name in _PATHS:
        return forms.title_of(_PATHS[name].rpartition(".")[2])
    return f"{terms.title(name)} weight"


def _start(now: Draft, name: str) -> str:
    """The value at the first step."""
    value = now.at(_PATHS.get(name, f"terms.{name}.weight"))
    return f"{value:g}" if isinstance(value, (int, float)) else md(str(value or 0))


def _add() -> None:
    name, st.session_state[_ADD] = st.session_state.get(_ADD), None
    if name:
        draft.take(f"schedules.{name}.end", 1.0 if name == _HEAT else 0.0)
