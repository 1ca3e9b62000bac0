"""Which way to distill: a method of the catalog and its knobs; who cannot serve says why."""

import streamlit as st

from app import knob_form
from app.knob_form import Form, cell
from app.services.distilling_draft import Draft
from app.texts import md
from kdcore.catalog import METHODS, STUDENTS, misfit


def draw(now: Draft, form: Form) -> None:
    """The methods that the chosen student can serve, and the knobs of the chosen one."""
    name = str(now.at("method.name") or "")
    about = METHODS.get(name)
    fitting = {key: each.title for key, each in METHODS.items() if not _why_not(now, key)}
    if len(METHODS) > 1:
        told = md(f"{about.summary} {about.paper}") if about else "No method of the catalog."
        knob_form.pick(form, "method.name", "Method", fitting, name, told)
    elif about:  # nothing to choose from yet
        with cell("method", form.problems):
            st.markdown(f"**{about.title}**", help=md(about.paper))
            st.caption(about.summary)
    if about:
        params = Form("method.params", now.at("method.params") or {}, form.take, form.problems,
                      form.closed, {"loss": "Soft loss"})  # fmt: skip
        knob_form.draw(about.params, params)


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
