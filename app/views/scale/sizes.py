"""Sizes of models as the deck prints them, over time, with those of this lab."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.figures.scale import Dot, dots
from app.services.runs import listing
from app.views.scale.deck import FIRST, SIZES, SOURCE, Printed
from kdcore.catalog import STUDENTS

ORDERS = {"date": "Oldest first", "size": "Smallest first"}
LEGEND = {
    "teacher": "deck, first picture",
    "rival": "deck, second picture",
    "student": "this lab's models",
}


def draw() -> str:
    """The picture; returns the finding."""
    controls.choose("scale.order", "Order of the models", ORDERS)
    own = _own_sizes()
    points = [_dot(each) for each in SIZES]
    points += [
        Dot(row, size, "student", f"{row}\n{size:,} parameters, counted in the saved model")
        for row, sizes in own.items()
        for size in sizes
    ]
    least, *_, largest = sorted(SIZES, key=lambda each: each.millions)
    sentence = _sentence(own, least, largest)
    table = pd.DataFrame(
        {
            "model": [p.row for p in points],
            "parameters": [int(p.x) for p in points],
            "source": [LEGEND[p.role] for p in points],
            "date as printed": [*(each.date for each in SIZES), *[""] * (len(points) - len(SIZES))],
        }
    )
    controls.chart(
        dots(
            points, _rows(points), LEGEND, "parameters (log scale)", log=True, dark=controls.dark()
        ),
        table,
        sentence,
        "scale_sizes",
        f"{SOURCE}; KD Lab, sizes of saved models",
        Caption("Model sizes: the deck's and this lab's", f"{SOURCE}; this lab: saved models"),
    )
    st.caption(
        f"Source: {SOURCE}, numbers and dates (month/year) as printed. Oldest "
        "first: by month; then, smallest first, the models for which the deck prints no date; this "
        "lab's come last. The two pictures disagree slightly: ELMo 93 and 94 "
        "million, RoBERTa 340 and 355 million; both are drawn. This lab's sizes are counted in the "
        "saved models of its runs, embeddings included; a count has no interval."
    )
    return sentence


def _dot(each: Printed) -> Dot:
    size = f"{each.millions:,.0f} million parameters"
    when = f", {each.date}" if each.date else ", no date"
    role = "teacher" if each.picture == FIRST else "rival"
    return Dot(
        each.row, each.millions * 1e6, role, f"{each.name}\n{size}\ndeck, {each.picture}{when}"
    )


def _own_sizes() -> dict[str, list[int]]:
    """By kind of model, the different sizes among all runs here; without imported scores."""
    sizes: dict[str, set[int]] = {}
    for entry in listing.entries():
        if entry.row.parameters and not entry.scoring:
            kind = STUDENTS.get(str(entry.row.settings.get("student.name", "")))
            title = kind.title if kind else "pretrained encoder"
            sizes.setdefault(f"{title} (here)", set()).add(entry.row.parameters)
    return {title: sorted(each) for title, each in sizes.items()}


def _rows(points: Sequence[Dot]) -> list[str]:
    """The names in the order of the state; undated ones and this lab's stand last by date."""
    moments = {each.row: each.moment for each in reversed(SIZES)}
    least: dict[str, float] = {}
    for point in points:
        least[point.row] = min(point.x, least.get(point.row, point.x))
    names = sorted(least, key=lambda name: least[name])
    if state.now().scale.order == "date":
        names.sort(key=lambda name: moments.get(name, (10_000, 1)))
    return names


def _sentence(own: dict[str, list[int]], least: Printed, largest: Printed) -> str:
    small, large = least.millions, largest.millions
    deck = (
        f"The deck's models have from {small:,.0f} million parameters ({least.name}) to "
        f"{large / 1000:,.0f} billion ({largest.name}), {large / small:,.0f} times as many."
    )
    if not own:
        return deck
    every = [size for sizes in own.values() for size in sizes]
    ratio = largest.millions * 1e6 / max(every)
    return (
        f"{deck} This lab's own have {min(every) / 1e6:.1f} to {max(every) / 1e6:.1f} million, so "
        f"{largest.name} has {ratio:,.0f} times as many as the largest of them."
    )
