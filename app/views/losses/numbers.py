"""The formulas of the objective that is shown, with the numbers of the scene put in."""

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls, sections
from app.kit.sections import Section
from app.kit.texts import md
from app.views.losses.formulas import SYMBOLS, formula, inline, letters, with_numbers
from app.views.losses.objective import COLORS, NUMBERS
from app.views.losses.queries.values import Term
from app.views.losses.scene import Scene

_BADGES = {"rival": "green", "defect": "orange", "twin": "violet", "muted": "gray"}


def draw(scene: Scene, terms: dict[str, tuple[Term, ...]]) -> None:
    """Which objective is shown, and a formula with its value for each of its terms."""
    now = state.now().losses
    with st.container(border=True, key="losses_numbers", gap="small"):
        titles = {"a": "Objective A", "b": "Objective B"}
        controls.choose("losses.shown", "Objective whose formulas and arrows are shown", titles)
        shown = terms[now.shown]
        if not shown:
            st.caption("This objective has no term; tick one on a card.")
        if now.steps:
            st.caption("At the place where the descent starts:")
        for place, term in enumerate(shown):
            _term(scene, term, place)
        _total(shown)
        bar = "A bar over a letter: its mean is subtracted; over an expression: the mean."
        own = [letters(term.part) for term in shown if not term.why]
        st.caption(md(f"{'; '.join([SYMBOLS[scene.view], *filter(None, own)])}. {bar}"))
    sections.put("losses_numbers", lambda: Section("Terms", (), table(terms)))


def _term(scene: Scene, term: Term, place: int) -> None:
    """A term: its name, its formula, its numbers, its value; or why it says nothing here."""
    part, squared = term.part, state.now().losses.squared
    color = _BADGES[COLORS[place % len(COLORS)]]
    mark = NUMBERS[place % len(NUMBERS)]
    title = f":{color}-badge[{mark}] **{md(part.title)}** · weight {part.weight:g}"
    if term.why:
        st.markdown(f"{title}  \n{md(term.why[:1].upper() + term.why[1:])}.")
        return
    pull = f" · gradient length {np.linalg.norm(term.gradient):.3g}"
    pull = "" if scene.view == "attention" else pull  # nothing there is dragged
    st.markdown(f"{title} · loss **{term.loss:.4g}**{pull}")
    if text := formula(part, squared):
        numbers = with_numbers(part, scene, squared)
        lines = [line for line in (f"L = {text}", numbers, f"{term.loss:.3f}") if line]
        st.markdown("  \n= ".join(map(inline, lines)))


def _total(terms: tuple[Term, ...]) -> None:
    shown = [term for term in terms if not term.why]
    if not shown or (len(shown) == 1 and shown[0].part.weight == 1):
        return
    summands = " + ".join(f"{term.part.weight:g} · {term.loss:.3g}" for term in shown)
    total = sum(term.part.weight * term.loss for term in shown)
    name = "Sum" if len(shown) > 1 else "Weight × loss"
    st.markdown(f"{name}: {summands} = **{total:.4g}**")


def table(terms: dict[str, tuple[Term, ...]]) -> pd.DataFrame:
    """A row per term of both objectives: its weight, its loss, the length of its gradient."""
    rows = [
        {
            "objective": side.upper(),
            "term": term.part.title,
            "weight": term.part.weight,
            "value": term.loss,
            "weighted gradient length": float("nan")
            if term.why
            else term.part.weight * float(np.linalg.norm(term.gradient)),
            "note": term.why,
        }
        for side, each in terms.items()
        for term in each
    ]
    columns = ("objective", "term", "weight", "value", "weighted gradient length", "note")
    return pd.DataFrame(rows, columns=list(columns))
