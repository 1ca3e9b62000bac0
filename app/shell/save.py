"""Save what is on the page: a report that opens offline, a table for LaTeX, metrics, the state."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from urllib.parse import urlencode

import pandas as pd
import streamlit as st
import yaml
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from app import services, state
from app.kit import sections, texts
from app.parts.report_saver import report_saver
from app.services import Answers, Board
from app.shell import frame, report, state_file
from app.shell.pages import OWN_NUMBERS
from app.shell.report import Material, Subject
from app.state import keys
from kdcore.evaluation.comparison import Comparison
from kdcore.evaluation.exports import to_csv

File = tuple[str, str, str, Callable[[], str]]  # a button's label, the file's name, kind and text
OF_ALL_PAIRS = (
    "LaTeX and CSV hold the metrics over all labelled pairs; the numbers of a picture or table "
    "are in the CSV beside it."
)
OF_THIS_PAGE = (
    "LaTeX and CSV hold the numbers of the open part of this page; the metrics over all labelled "
    "pairs are saved on Compare."
)
NOTHING = "This page shows no numbers yet."


def draw() -> None:
    """The menu; each file is made when it is asked for, from the state of that moment."""
    with st.popover("Save", help="Report, LaTeX, CSV and the state of this page"):
        board = services.board()
        if not (ready := board.ready):
            st.write(texts.md(f"There is no report yet: {services.missing(board)}"))
        _report_button(ready)
        own = frame.page_title() in OWN_NUMBERS
        st.caption(OF_THIS_PAGE if own else OF_ALL_PAIRS)
        for label, name, kind, make in (
            *(_of_the_page() if own else _of_all_pairs()),
            ("This state (JSON)", state_file.FILE, "application/json", state_file.text),
        ):
            st.download_button(
                label,
                _of_this_visitor(make),
                name,
                kind,
                on_click="ignore",
                width="stretch",
                key=f"keep_{name}",
                disabled=not ready and make is not state_file.text,
            )
        state_file.opener()


def _of_all_pairs() -> Sequence[File]:
    return (
        ("Table for LaTeX", "kdlab-table.tex", "text/plain", _latex),
        ("All metrics (CSV)", "kdlab-metrics.csv", "text/csv", _metrics),
    )


def _of_the_page() -> Sequence[File]:
    return (
        ("Tables for LaTeX", "kdlab-page.tex", "text/plain", _latex_of_page),
        ("Numbers of this page (CSV)", "kdlab-page.csv", "text/csv", _numbers_of_page),
    )


@st.fragment
def _report_button(ready: bool) -> None:
    """The report is written when it is asked for; the browser adds the pictures and saves it."""
    requested = st.session_state.pop(f"{keys.REPORTS}_now", False)
    text = _report() if requested and ready else ""
    count = st.session_state.get(keys.REPORTS, 0)
    report_saver(ready, text, report.PICTURES, count, _request)


def _request() -> None:
    st.session_state[keys.REPORTS] = st.session_state.get(keys.REPORTS, 0) + 1
    st.session_state[f"{keys.REPORTS}_now"] = True


def _of_this_visitor(make: Callable[[], str]) -> Callable[[], str]:
    """A download is made in a thread without a session, where the state would be the default."""
    session = get_script_run_ctx()

    def make_in_session() -> str:
        thread = threading.current_thread()
        add_script_run_ctx(thread, session)
        try:
            return make()
        finally:  # the thread goes on to serve others
            del thread.streamlit_script_run_ctx  # type: ignore[attr-defined]

    return make_in_session


def _report() -> str:
    board = services.board()
    material = Material(
        finding=st.session_state.get(keys.FINDING, ""),
        link=f"{str(st.context.url or '').partition('?')[0]}?{urlencode(state.link())}",
        page=frame.page_title(),
        saved=datetime.now(UTC).astimezone().date().isoformat(),
        data_hash=board.pairs.content_hash,
        sections=sections.on_page(),
    )
    if frame.shows_models():
        material = replace(
            material,
            data=board.data.title,
            subjects=_subjects(board),
            against=_against(board),
            gap=services.gap(board),
        )
    return report.html(material)


def _latex() -> str:
    board = services.board()
    return report.latex(_subjects(board), _against(board))


def _metrics() -> str:
    board = services.board()
    return texts.csv(metrics_table(_subjects(board)), texts.marks(board))


def _latex_of_page() -> str:
    return report.latex_tables(sections.on_page()) or f"% {NOTHING}\n"


def _numbers_of_page() -> str:
    rows = sections.rows_of(sections.on_page())
    shown = rows if len(rows) else pd.DataFrame({"table": [NOTHING]})
    return texts.csv(shown, texts.marks(services.board()))


def metrics_table(subjects: Sequence[Subject]) -> pd.DataFrame:
    """One row per model and metric; made_here: of probabilities that the model did not give."""
    tables = [pd.read_csv(StringIO(to_csv(s.evaluation))) for s in subjects]
    for subject, table in zip(subjects, tables, strict=True):
        table.insert(0, "role", subject.role)
        table.insert(1, "title", subject.title)
        table["made_here"] = [key in subject.made_here for key in subject.evaluation.metrics]
    return pd.concat(tables) if tables else pd.DataFrame()


def _against(board: Board) -> Comparison | None:
    """The student compared with its twin, where there is one."""
    if board.student is None or board.twin is None:
        return None
    return services.comparison(board, board.student, board.twin)


def _subjects(board: Board) -> list[Subject]:
    subjects = []
    for role, model in board.models.items():
        evaluation, answers = services.evaluation(board, model), model.predictions
        made_here = [key for key in evaluation.metrics if not answers.is_own(key)]
        settings = _settings(model)
        subjects.append(Subject(role, model.title, evaluation, settings, made_here, answers.caveat))
    return subjects


def _settings(model: Answers) -> str:
    if model.run is None:
        return "Predictions imported as a file; how they were made is not known here."
    return yaml.safe_dump(model.run.settings, sort_keys=False, allow_unicode=True)
