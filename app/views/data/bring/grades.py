"""Which labels a staged table has, and which grades they are: found, chosen or put into order."""

from dataclasses import replace

import streamlit as st

from app.views.data.queries import intake
from app.views.data.queries.intake import How, Look, Staged
from kdcore.data.files.label_texts import is_fraction
from kdcore.data.sources.grades import Choice

SCHEMES = {
    "": "found by the labels",
    "binary": "Bad, Good",
    "four": "bad, fair, good, excellent",
    "five": "bad, fair, good, excellent, perfect",
    "esci": "Irrelevant, Complement, Substitute, Exact",
    "own": "my own grades",
}


def draw(staged: Staged, how: How, mark: str) -> How | None:
    """How the labels are read; None while the visitor's own grades make no sense yet."""
    if not dict(how.mapping or ())["grade"]:
        st.caption("Without a grade column every pair is unlabelled: models can be compared only.")
        return how
    found = intake.look(staged, how)
    how = _rounded(how, found, mark)
    if how.round_grades:
        found = intake.look(staged, how)
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
        if scheme == "own":
            return _own(how, found, mark)
        if not scheme and found.choices:
            return _chosen(how, found.choices, mark)
    return replace(how, scheme=scheme or "")


def _rounded(how: How, found: Look, mark: str) -> How:
    """The reading with labels such as 2.33 rounded, where there are any and the visitor says so."""
    if not any(map(is_fraction, found.labels)):
        return how
    rounded = st.checkbox(
        "Round to the nearest grade",
        key=f"data_round_{mark}",
        persist_state="session",
        help="A label between two grades, such as 2.33, becomes the nearest whole one.",
    )
    return replace(how, round_grades=bool(rounded))


def _chosen(how: How, choices: tuple[Choice, ...], mark: str) -> How:
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
    if picked is None:
        return how
    scheme = choices[picked].scheme
    return replace(how, scheme="own", grades=scheme.grades, relevant_from=scheme.relevant_from)


def _own(how: How, found: Look, mark: str) -> How | None:
    """Grades that the visitor names; the labels of the file stand there to be put into order."""
    labels = [label for label in found.labels if "," not in label] or list(found.grades)
    typed = st.text_input(
        "Their names, worst first, with commas",
        value=", ".join(labels),
        placeholder="off-topic, related, exact",
        key=f"data_grades_{mark}",
        persist_state="session",
        max_chars=600,
    )
    grades = tuple(name.strip() for name in (typed or "").split(",") if name.strip())
    if len(grades) < 2 or len(set(grades)) < len(grades):
        st.caption("Name at least two grades, each once.")
        return None
    if found.labels and list(grades) == labels and not _confirmed(mark, typed or ""):
        return None
    first = st.selectbox(
        "Relevant from", grades[1:], index=(len(grades) - 1) // 2, key=f"data_from_{mark}_{typed}"
    )
    relevant_from = grades.index(str(first))
    return replace(how, scheme="own", grades=grades, relevant_from=relevant_from)


def _confirmed(mark: str, typed: str) -> bool:
    """Whether the visitor says that the order in which the file has its labels is the right one."""
    return st.checkbox(
        "This order is right: the first is the worst",
        key=f"data_order_{mark}_{typed}",
        help=(
            "The labels are listed in the order in which the file has them. Reorder them, or "
            "confirm this order."
        ),
    )
