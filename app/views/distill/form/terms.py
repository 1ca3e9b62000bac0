"""The terms of the loss beside the first: each with its weight and its knobs, added and removed."""

from collections.abc import Mapping
from dataclasses import fields, replace

import streamlit as st

from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from app.views.distill.form import scale
from kdcore.catalog import METHODS, STUDENTS, Method, misfit
from kdcore.config import TermConfig, method_of

_FIRST = 2  # knobs of a term that stand in its row; the rest are folded
_ADD = "distill_add_term"


def summary(now: Draft) -> str:
    """What every term of the loss asks of the student, in a sentence each."""
    each = dict.fromkeys(methods(now))
    parts = [f"{md(METHODS[name].title)}: {md(METHODS[name].summary)}" for name in each]
    parts += ["Hard labels: it learns the grades, too."] if now.at("hard_weight") else []
    return " ".join(parts)


def draw(now: Draft, form: Form) -> None:
    """A row for each term; one that compares the ads of a query has its teacher's scale below."""
    for name in names(now):
        method = METHODS.get(method_of(name))
        with st.container(
            horizontal=True, vertical_alignment="bottom", gap="small", key=f"distill_term_{name}"
        ):
            forms.draw(TermConfig, _group(now, form, name), ["weight"])
            if method:
                forms.draw(method.params, _params(now, form, name), _knobs(method)[:_FIRST])
            st.button(
                "Remove",
                icon=":material/close:",
                key=f"remove_{name}",
                disabled=form.closed,
                on_click=draft.remove,
                args=("terms", name),
            )
        if method and method.lists:
            scale.draw(now, f"terms.{name}.params")
        if _is_repeated(now, name):
            st.caption(
                f":material/info: This is the same term as another {title(name)} above. Their "
                "weights add up; change a setting of one, or remove it."
            )


def add(now: Draft, form: Form) -> None:
    """The choice of one more term among those that the chosen student can serve."""
    titles = {key: method.title for key, method in METHODS.items() if _fits(now, key)}
    st.selectbox(
        "Another term",
        list(titles),
        index=None,
        format_func=lambda key: titles[key],
        placeholder="Add one",
        key=_ADD,
        help="What else the student learns from its teacher, beside the first term.",
        disabled=form.closed,
        on_change=_add,
        width=forms.WIDTH,
    )


def knobs(now: Draft, form: Form) -> None:
    """The other knobs of each term, and where its method was published."""
    for name in names(now):
        method = METHODS.get(method_of(name))
        if method and (rest := _knobs(method)[_FIRST:]):
            st.markdown(f"**{title(name)}** · {md(method.paper)}")
            with st.container(horizontal=True, gap="small", key=f"distill_knobs_{name}"):
                forms.draw(method.params, _params(now, form, name), rest)


def names(now: Draft) -> list[str]:
    """The terms beside the first, by the names of their curves."""
    terms = now.at("terms")
    return list(terms) if isinstance(terms, Mapping) else []


def methods(now: Draft) -> list[str]:
    """The methods of all terms that are in the catalog, that of the first included."""
    every = [str(now.at("method.name")), *map(method_of, names(now))]
    return [name for name in every if name in METHODS]


def _is_repeated(now: Draft, name: str) -> bool:
    """Whether a term above has the same method and the same knobs."""
    terms = now.config.soft_terms if now.config else {}
    above = list(terms)[: list(terms).index(name)] if name in terms else []
    return any(
        (terms[each].method, terms[each].params) == (terms[name].method, terms[name].params)
        for each in above
    )


def _knobs(method: Method) -> list[str]:
    return [spec.name for spec in fields(method.params)]


def title(name: str) -> str:
    """What a term is called on the screen."""
    method = METHODS.get(method_of(name))
    return md(method.title if method else name)


def _group(now: Draft, form: Form, name: str) -> Form:
    values = now.at(f"terms.{name}") or {}
    titles = {"weight": f"{title(name)}: weight"}
    return replace(form, prefix=f"terms.{name}", values=values, titles=titles)


def _params(now: Draft, form: Form, name: str) -> Form:
    values = now.at(f"terms.{name}.params") or {}
    return replace(form, prefix=f"terms.{name}.params", values=values, titles=None)


def _fits(now: Draft, method: str) -> bool:
    """Whether a term of this method can be added for the chosen student."""
    student = str(now.at("student.name"))
    return method not in names(now) and student in STUDENTS and not misfit(method, student)


def _add() -> None:
    method, st.session_state[_ADD] = st.session_state.get(_ADD), None
    if method:
        draft.take(f"terms.{method}.weight", 1.0)
