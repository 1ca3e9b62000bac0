"""Which way to distill: a method of the catalog and its knobs; who cannot serve says why."""

from dataclasses import fields, replace

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services.draft import Draft
from kdcore.catalog import METHODS, STUDENTS, misfit

_FIRST = 2  # knobs of a method that stand in the form; the rest are folded


def summary(now: Draft) -> str:
    """The chosen method in a line."""
    about = METHODS.get(str(now.at("method.name")))
    return f"{md(about.title)}: {md(about.summary)}" if about else ""


def draw(now: Draft, form: Form) -> None:
    """The methods that the chosen student can serve, and the first knobs of the chosen one."""
    name = str(now.at("method.name") or "")
    about = METHODS.get(name)
    fitting = {key: each.title for key, each in METHODS.items() if not _why_not(now, key)}
    if len(METHODS) > 1 or not about:  # else there is nothing to choose from
        told = md(f"{about.summary} {about.paper}") if about else "No method of the catalog."
        forms.pick(form, "method.name", "Method", fitting, name, told)
    if about:
        forms.draw(about.params, _params(now, form), first(now))


def knobs(now: Draft, form: Form) -> None:
    """The other knobs of the chosen method, and where it was published."""
    about = METHODS.get(str(now.at("method.name")))
    rest = [f.name for f in fields(about.params) if f.name not in first(now)] if about else []
    if about and rest:
        st.markdown(f"**{md(about.title)}** · {md(about.paper)}")
        with st.container(horizontal=True, gap="small", key="distill_method"):
            forms.draw(about.params, _params(now, form), rest)


def first(now: Draft) -> list[str]:
    """The names of the knobs that stand in the form."""
    about = METHODS.get(str(now.at("method.name")))
    return [f.name for f in fields(about.params)][:_FIRST] if about else []


def _params(now: Draft, form: Form) -> Form:
    values = now.at("method.params") or {}
    return replace(form, prefix="method.params", values=values, titles={"loss": "Soft loss"})


def unfit(now: Draft) -> None:
    """The methods that this student cannot serve, greyed, each with its reason."""
    for key, each in METHODS.items():
        if why := _why_not(now, key):
            with st.container(horizontal=True, vertical_alignment="center", key=f"unfit_{key}"):
                st.button(
                    each.title, disabled=True, help=why, key=f"method_{key}", icon=":material/lock:"
                )
                st.caption(md(why))


def _why_not(now: Draft, method: str) -> str:
    student = str(now.at("student.name"))
    return misfit(method, student) if student in STUDENTS else ""
