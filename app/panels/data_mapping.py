"""Say what the columns of a staged table are, see its first rows and every bad one, import it."""

import pandas as pd
import streamlit as st

from app.panels import data_draft, data_import, data_problems
from app.services import data_head, data_intake
from app.services.data_head import Head
from app.services.data_intake import How, Staged

NONE = "— none —"
LABELS = {
    "query": "Query",
    "title": "Ad title",
    "description": "Ad description",
    "grade": "Grade",
    "language": "Language",
    "split": "Split",
}
SCHEMES = {
    "": "as the labels say",
    "binary": "Bad, Good",
    "four": "bad, fair, good, excellent",
    "five": "bad, fair, good, excellent, perfect",
    "own": "my own grades",
}


def draw(staged: Staged) -> None:
    """Everything between a staged file and its import."""
    seen = data_head.head(staged)
    if seen.error:
        data_draft.tell(seen.error)
        return
    mark = staged.path.parent.name[:16] + str(staged.size)
    if seen.mapped:
        staged, seen = _header(staged, seen, mark)
        mapping = _columns(seen, mark)
        _preview(seen)
        if problem := _missing(mapping):
            st.warning(problem, icon=":material/arrow_upward:")
            return
        how = _grades(tuple(mapping.items()), mark)
    else:
        st.caption("This is XGLUE's own form: its columns, labels and splits are known.")
        how = How()
    if how is None:
        return
    look = data_intake.look(staged, how)
    data_problems.draw(look)
    data_import.draw(staged, how, look, mark)


def _header(staged: Staged, seen: Head, mark: str) -> tuple[Staged, Head]:
    """Let the visitor say whether the first line names the columns."""
    if staged.path.suffix.lower() not in (".csv", ".tsv", ".txt") or not staged.ours:
        return staged, seen
    without = st.checkbox(
        "The first line is a pair already, not the names of the columns",
        value=seen.headless,
        key=f"data_headless_{mark}",
        persist_state="session",
    )
    if not without:
        return staged, seen
    named = data_head.with_header(staged, len(seen.columns))
    return named, data_head.head(named)


def _columns(seen: Head, mark: str) -> dict[str, str | None]:
    """Our columns -> the file's, guessed and changeable."""
    guesses, options = dict(seen.guesses), [NONE, *seen.columns]
    chosen: dict[str, str | None] = {}
    places = st.columns(6)
    for place, (ours, label) in zip(places, LABELS.items(), strict=True):
        guessed = guesses.get(ours)
        with place:
            picked = st.selectbox(
                label,
                options,
                index=options.index(guessed) if guessed in options else 0,
                format_func=lambda name: data_intake.shown(str(name), 60),
                key=f"data_col_{ours}_{len(options)}_{mark}",
                persist_state="session",
            )
        chosen[ours] = None if picked in (NONE, None) else str(picked)
    return chosen


def _missing(mapping: dict[str, str | None]) -> str:
    if not mapping["query"]:
        return "Say which column holds the query."
    if not (mapping["title"] or mapping["description"]):
        return "Say which column holds the ad's title, or its description."
    used = [column for column in mapping.values() if column]
    if len(set(used)) < len(used):
        return "One column is named twice: choose another for one of the two, or none."
    return ""


def _preview(seen: Head) -> None:
    """The first rows as they stand in the file, as text."""
    if not seen.rows:
        return
    frame = pd.DataFrame([list(row) for row in seen.rows[:6]], dtype=object)
    names = [f"{place + 1}: {name[:60]}" for place, name in enumerate(seen.columns)]
    frame.columns = pd.Index(names[: frame.shape[1]])
    st.dataframe(
        frame,
        hide_index=True,
        alt="The first rows of the file as text",
        column_config={name: st.column_config.TextColumn(name) for name in frame.columns},
    )


def _grades(mapping: tuple[tuple[str, str | None], ...], mark: str) -> How | None:
    """How the labels are read; None while the visitor's own grades make no sense yet."""
    if not dict(mapping)["grade"]:
        st.caption("Without a grade column every pair is unlabelled: models can be compared only.")
        return How(mapping)
    left, right = st.columns([1, 2])
    with left:
        scheme = st.selectbox(
            "Grades, worst first",
            list(SCHEMES),
            format_func=lambda key: SCHEMES[key],
            key=f"data_scheme_{mark}",
            persist_state="session",
        )
    if scheme != "own":
        return How(mapping, scheme or "")
    with right:
        typed = st.text_input(
            "Their names, worst first, with commas",
            placeholder="off-topic, related, exact",
            key=f"data_grades_{mark}",
            persist_state="session",
            max_chars=300,
        )
    grades = tuple(name.strip() for name in (typed or "").split(",") if name.strip())
    if len(grades) < 2 or len(set(grades)) < len(grades):
        st.caption("Name at least two grades, each once.")
        return None
    first = st.selectbox(
        "Relevant from", grades[1:], index=(len(grades) - 1) // 2, key=f"data_from_{mark}_{typed}"
    )
    return How(mapping, "own", grades, grades.index(str(first)))
