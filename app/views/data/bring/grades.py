"""Which labels a staged table has, and which grades they are: found, chosen or put into order."""

from dataclasses import replace

import streamlit as st

from app.views.data.queries import intake
from app.views.data.queries.intake import Look, Staged
from kdcore import labels
from kdcore.data.files.label_texts import is_fraction
from kdcore.data.sources.grades import Choice
from kdcore.data.sources.table import TableReading
from kdcore.errors import ConfigError
from kdcore.labels import LabelScheme, gains_of

OWN = "own"
SCHEMES = {
    "": "found by the labels",
    "binary": "Bad, Good",
    "four": "bad, fair, good, excellent",
    "five": "bad, fair, good, excellent, perfect",
    "esci": "Irrelevant, Complement, Substitute, Exact",
    OWN: "my own grades",
}


def draw(staged: Staged, how: TableReading) -> TableReading | None:
    """How the labels are read; None while the visitor's own grades or gains make no sense yet."""
    how_named = _named(staged, how)
    return how_named and _with_gains(staged, how_named)


def _with_gains(staged: Staged, how: TableReading) -> TableReading | None:
    """What each grade is worth in nDCG, where the visitor states it."""
    if how.mapping and not how.mapping["grade"]:
        return how
    typed = st.text_input(
        "Gain of each grade in nDCG, worst first (optional)",
        placeholder="0, 0.01, 0.1, 1",
        key=f"data_gains_{staged.mark}",
        persist_state="session",
        max_chars=200,
        width=380,
        help="Ranking then offers these gains beside 2^grade − 1 and the grade itself. Those of "
        "ESCI are 0, 0.01, 0.1, 1. They belong to the data set: another choice is another import.",
    )
    try:
        return replace(how, gains=gains_of(typed))
    except ConfigError:
        st.caption("Write a number for each grade with commas, such as 0, 0.01, 0.1, 1.")
        return None


def _named(staged: Staged, how: TableReading) -> TableReading | None:
    """Which names the grades have."""
    if how.mapping and not how.mapping["grade"]:
        st.caption("Without a grade column every pair is unlabelled: models can be compared only.")
        return how
    mark, look = staged.mark, intake.look(staged, how)
    if any(map(is_fraction, look.labels)) and st.checkbox(
        "Round to the nearest grade",
        key=f"data_round_{mark}",
        persist_state="session",
        help="A label between two grades, such as 2.33, becomes the nearest whole one.",
    ):
        how = replace(how, round_grades=True)
        look = intake.look(staged, how)
    left, right = st.columns([1, 2])
    with left:
        scheme = st.selectbox(
            "Grades, worst first",
            list(SCHEMES),
            format_func=lambda key: SCHEMES[key],
            key=f"data_scheme_{mark}",
            persist_state="session",
        )
    with right:
        if scheme == OWN:
            grades = _own(look, mark)
            return replace(how, scheme=grades) if grades else None
        if not scheme and look.choices:
            return replace(how, scheme=_chosen(look.choices, mark))
    return replace(how, scheme=labels.SCHEMES.get(scheme or ""))


def _chosen(choices: tuple[Choice, ...], mark: str) -> LabelScheme | None:
    """The scale that the visitor takes of those that the labels fit; none is taken unasked."""
    names = [", ".join(choice.scheme.grades) for choice in choices]
    picked = st.radio(
        "Scale of the labels",
        range(len(choices)),
        index=None,
        format_func=lambda k: f"{names[k]}: {choices[k].meaning}",
        key=f"data_choice_{mark}_{len(choices)}_{names[0]}",
        persist_state="session",
    )
    return None if picked is None else choices[picked].scheme


def _own(look: Look, mark: str) -> LabelScheme | None:
    """Grades that the visitor names; the labels of the file stand there to be put into order."""
    names = [label for label in look.labels if "," not in label] or list(look.grades)
    typed = st.text_input(
        "Their names, worst first, with commas",
        value=", ".join(names),
        placeholder="off-topic, related, exact",
        key=f"data_grades_{mark}",
        persist_state="session",
        max_chars=600,
    )
    grades = tuple(name.strip() for name in (typed or "").split(",") if name.strip())
    if len(grades) < 2 or len(set(grades)) < len(grades):
        st.caption("Name at least two grades, each once.")
        return None
    if look.labels and list(grades) == names:
        ordered = st.checkbox(
            "This order is right: the first is the worst",
            key=f"data_order_{mark}_{typed}",
            help="The labels are listed in the order in which the file has them. Reorder them, or "
            "confirm this order.",
        )
        if not ordered:
            return None
    first = st.selectbox(
        "Relevant from",
        grades[1:],
        index=(len(grades) - 1) // 2,
        key=f"data_from_{mark}_{typed}",
    )
    return LabelScheme(grades, grades.index(str(first)))
