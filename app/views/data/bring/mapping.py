"""Say what the columns of a staged table are, see its first rows and every bad one, import it."""

import pandas as pd
import streamlit as st

from app.kit import error_box
from app.kit.texts import shown
from app.views.data.bring import grades, name, problems
from app.views.data.queries import head, intake
from app.views.data.queries.head import Head
from app.views.data.queries.intake import Staged
from kdcore.data.files.cells import TableOptions
from kdcore.data.sources.table import TableReading

NONE = "— none —"
LABELS = {
    "query": "Query",
    "title": "Ad title",
    "description": "Ad description",
    "grade": "Grade",
    "language": "Language",
    "split": "Split",
}
DELIMITERS = {"": "found by looking", ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_ROWS = 6  # that are shown


def draw(staged: Staged) -> None:
    """Everything between a staged file and its import."""
    seen = head.head(staged)
    how: TableReading | None = TableReading()
    if seen.mapped and not seen.error:
        options, seen = _options(staged, seen)
        if not seen.error:
            mapping = _columns(seen, staged.mark)
            first_rows(seen)
            if problem := _missing(mapping):
                st.warning(problem, icon=":material/arrow_upward:")
                return
            how = grades.draw(staged, TableReading(mapping, options=options))
    elif seen.kind == head.TREC:
        st.caption(
            "Judgements, queries and documents of TREC or BEIR: the names of the files say which "
            "is which, and qrels called train, dev or test are those splits. Title and text of a "
            "document become the ad's title and description. The ids stay, so that a TREC run can "
            "be imported as predictions."
        )
        how = grades.draw(staged, TableReading())
    elif not seen.error:
        st.caption("This is XGLUE's own form: its columns, labels and splits are known.")
    if seen.error:
        error_box.draw(seen.error)
    elif how is not None:
        look = intake.look(staged, how)
        problems.draw(look)
        name.draw(staged, how, look)


def _options(staged: Staged, seen: Head) -> tuple[TableOptions, Head]:
    """How the file is written, where the visitor can say it better than its looks."""
    if not (seen.is_text or seen.sheets):
        return TableOptions(), seen
    mark = staged.mark
    with st.container(horizontal=True, vertical_alignment="bottom", key="data_options"):
        sheet = delimiter = ""
        quotes: bool | None = None
        if len(seen.sheets) > 1:
            sheet = st.selectbox("Sheet", seen.sheets, key=f"data_sheet_{mark}", width=200)
        if seen.is_text:
            delimiter = st.selectbox(
                "Columns are separated by",
                list(DELIMITERS),
                format_func=lambda key: DELIMITERS[key],
                key=f"data_delimiter_{mark}",
                persist_state="session",
                width=200,
            )
        without = st.checkbox(
            "The first line is a pair already, not the names of the columns",
            value=seen.headless,
            key=f"data_headless_{mark}",
            persist_state="session",
        )
        if seen.is_text:
            quotes = st.checkbox(
                "Double quotes enclose texts",
                value=seen.quotes,
                key=f"data_quotes_{mark}",
                persist_state="session",
                help="A text in quotes may hold the separator and line ends; quotes in it are "
                "doubled.",
            )
    options = TableOptions(delimiter or "", not without, quotes, sheet or "")
    return options, head.head(staged, options)


def _columns(seen: Head, mark: str) -> dict[str, str | None]:
    """Our columns -> the file's, guessed and changeable."""
    options = [NONE, *seen.columns]
    chosen: dict[str, str | None] = {}
    for place, (ours, label) in zip(st.columns(6), LABELS.items(), strict=True):
        guess = seen.guesses.get(ours)
        with place:
            picked = st.selectbox(
                label,
                options,
                index=options.index(guess) if guess in options else 0,
                format_func=lambda name: (
                    f"column {name}" if seen.headless and name != NONE else shown(str(name), 60)
                ),
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


def first_rows(seen: Head) -> None:
    """The first rows as they stand in the file, as text."""
    if not seen.rows:
        return
    names = [
        f"column {name}" if seen.headless else f"{place}: {name[:60]}"
        for place, name in enumerate(seen.columns, 1)
    ]
    frame = pd.DataFrame([list(row) for row in seen.rows[:_ROWS]], dtype=object)
    frame.columns = pd.Index(names[: frame.shape[1]])
    st.dataframe(
        frame,
        hide_index=True,
        alt="The first rows of the file as text",
        column_config={name: st.column_config.TextColumn(name) for name in frame.columns},
    )
