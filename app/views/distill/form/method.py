"""Which way to distill: a method of the catalog and its knobs; a misfit says its reason."""

from dataclasses import fields, replace

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services.draft import Draft
from app.views.distill.form import scale
from kdcore.catalog import METHODS, STUDENTS, Method, misfit

_FIRST = 2  # knobs of a method that stand in the form; the rest are folded


def _method(now: Draft) -> Method | None:
    return METHODS.get(str(now.at("method.name")))


def draw(now: Draft, form: Form) -> None:
    """The methods that the chosen student can serve, and the first knobs of the chosen one."""
    method = _method(now)
    titles = {key: each.title for key, each in METHODS.items() if not _misfit(now, key)}
    if len(METHODS) > 1 or not method:  # else there is nothing to choose from
        help = md(f"{method.summary} {method.paper}") if method else "No method of the catalog."
        forms.pick(form, "method.name", "Method", titles, str(now.at("method.name") or ""), help)
    if method:
        forms.draw(method.params, _params(now, form), first(now))


def warn(now: Draft) -> None:
    """What the first term cannot learn from the teacher's scores, where it compares ads."""
    if (method := _method(now)) and method.lists:
        scale.draw(now, "method.params")


def knobs(now: Draft, form: Form) -> None:
    """The other knobs of the chosen method, and where it was published."""
    method = _method(now)
    rest = [f.name for f in fields(method.params)][_FIRST:] if method else []
    if method and rest:
        st.markdown(f"**{md(method.title)}** · {md(method.paper)}")
        with st.container(horizontal=True, gap="small", key="distill_method"):
            forms.draw(method.params, _params(now, form), rest)


def first(now: Draft) -> list[str]:
    """The names of the knobs that stand in the form."""
    method = _method(now)
    return [f.name for f in fields(method.params)][:_FIRST] if method else []


def _params(now: Draft, form: Form) -> Form:
    values = now.at("method.params") or {}
    return replace(form, prefix="method.params", values=values, titles={"loss": "Soft loss"})


def unfit(now: Draft) -> None:
    """The methods that this student cannot serve, greyed, each with its reason."""
    for key, method in METHODS.items():
        if reason := _misfit(now, key):
            with st.container(horizontal=True, vertical_alignment="center", key=f"unfit_{key}"):
                icon = ":material/lock:"
                st.button(method.title, disabled=True, help=reason, key=f"method_{key}", icon=icon)
                st.caption(md(reason), width="stretch")


def _misfit(now: Draft, method: str) -> str:
    student = str(now.at("student.name"))
    return misfit(method, student) if student in STUDENTS else ""
