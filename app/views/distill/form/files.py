"""Scores from elsewhere that teach: those imported for the data, an upload, a path."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from app import services
from app.kit import error_box, forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft, score_files
from app.services.draft import Draft
from app.views.distill.queries import cost
from kdcore.catalog import TEACHERS
from kdcore.config import TeacherConfig
from kdcore.config.teacher import read_teacher
from kdcore.data.answers.choice import KINDS, ColumnChoice
from kdcore.errors import LabError
from kdcore.knobs import plain

NONE = "file:"  # the text of a teacher whose file is not chosen yet
_TROUBLE = "distill_file_trouble"
_ONE, _SEVERAL = ["smoothing"], ["smoothing", "weights", "average"]


def start(now: Draft) -> str:
    """The text of this kind of teacher, with the last import that answers pairs to learn from."""
    splits = score_files.splits(str(now.at("data") or ""))
    offered = tuple(name for name in splits if score_files.LEARNED & set(splits[name]))
    return TeacherConfig(kind="file", names=offered[:1]).text if offered else NONE


def draw(now: Draft, form: Form) -> None:
    """The choice among imported scores, their knobs, and how a file joins them."""
    entry, data = TEACHERS["file"], str(now.at("data") or "")
    teacher = read_teacher(str(now.at("teacher") or ""))
    names = teacher.files if teacher else ()
    st.caption(f"{md(entry.title)}: {md(entry.summary)} {md(entry.paper)}.")
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="distill_teacher"
    ):
        key, width = "distill_teacher_files", 2 * forms.WIDTH + 16
        st.session_state[key] = list(names)
        splits = score_files.splits(data)
        missing = {"teacher": ["choose imported scores, or add a file below"]}
        with forms.cell("teacher", form.problems if names else missing, width):
            st.multiselect(
                "Scores that teach",
                list(dict.fromkeys([*names, *splits])),
                format_func=lambda name: _with_splits(name, splits.get(name, ())),
                key=key,
                disabled=form.closed,
                placeholder="None yet",
                help="Predictions imported for these data, here or under Data. A pair that several "
                "of them score gets their mean; a pair without a score is learned from its label "
                "only.",
                on_change=lambda: _choose(teacher, st.session_state[key]),
            )
        if teacher is not None:
            knobs = plain(teacher.params)

            def take(path: str, value: object) -> None:
                changed = knobs | {path.rpartition(".")[2]: value}
                draft.take("teacher", replace(teacher, params=changed).text)

            own = replace(form, prefix="teacher", values=knobs, take=take, checked=False)
            forms.draw(entry.params, own, _SEVERAL if len(names) > 1 else _ONE)
    for line in _readings(now) if names else ():
        st.caption(md(line))
    if not services.public():
        with st.expander("Add a file of scores", expanded=not names):
            _add(data)


def _readings(now: Draft) -> tuple[str, ...]:
    """How each of the chosen files is read, and how many of the pairs to learn from it scores."""
    scores = cost.coverage_of(now)
    return scores.readings if scores else ()


def _with_splits(name: str, splits: tuple[str, ...]) -> str:
    """A name and the splits that it answers; one without train cannot teach."""
    if not splits:
        return name
    return f"{name} · {', '.join(splits)}{'' if score_files.LEARNED & set(splits) else ' only'}"


def _choose(teacher: TeacherConfig | None, names: list[str]) -> None:
    knobs = plain(teacher.params) if teacher else {}
    params = knobs | {"weights": ""}  # they belonged to other files
    text = TeacherConfig(kind="file", names=tuple(names), params=params).text if names else NONE
    draft.take("teacher", text)


def _add(data: str) -> None:
    """Upload or path; what the numbers are, where their names do not say it."""
    with st.container(horizontal=True, gap="small", key="distill_file_reading"):
        kind = st.selectbox(
            "Kind of numbers",
            list(KINDS),
            format_func=lambda key: KINDS[key],
            key="distill_kind",
            width=340,
        )
        column = st.text_input(
            "Column of the score", key="distill_column", placeholder="automatic", width=280
        )
    choice = ColumnChoice(kind or "auto", column or "")
    left, right = st.columns(2, gap="large")
    with left:
        file: Any = st.file_uploader(
            "Upload a file of scores",
            key="distill_file",
            help="CSV, TSV, JSON, Parquet, Excel or a TREC run, with query and title or their "
            "ids; some or all of the pairs to learn from, and test pairs if there are any.",
        )
        if file is not None and st.button("Read the upload", key="distill_file_read"):
            _take(lambda: score_files.take_upload(file.name, file.getvalue(), data, choice))
    with right, st.form("distill_file_path", border=False):
        path = st.text_input("Or a path on this machine", key="distill_path", max_chars=1000)
        if st.form_submit_button("Read the file"):
            _take(lambda: score_files.take_path(path or "", data, choice))
    if trouble := st.session_state.pop(_TROUBLE, None):
        error_box.draw(*trouble)


def _take(read: Callable[[], str]) -> None:
    """Import a file and let it teach; what is wrong with it is shown."""
    try:
        with st.spinner("Reading the scores…"):
            name = read()
        draft.take("teacher", TeacherConfig(kind="file", names=(name,)).text)
    except LabError as error:
        st.session_state[_TROUBLE] = error_box.words(error)
    st.rerun()
