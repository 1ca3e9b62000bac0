"""Who teaches: a run, several runs, scores, the student itself; and what each kind needs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app import state
from app.kit import forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft, score_files
from app.services.draft import Draft
from app.views.distill.form import files, shards, terms
from kdcore.catalog import TEACHERS
from kdcore.config import TeacherConfig, teacher_misfit
from kdcore.config.teacher import read_teacher, score_reason
from kdcore.errors import ConfigError
from kdcore.experiments.command_line import model_of
from kdcore.knobs import plain

_LAST_RUN = "distill_last_run"  # in the session: the run that was chosen last
_TITLES = {kind: entry.title for kind, entry in TEACHERS.items()} | {"shards": shards.TITLE}
_HELP = "The run whose predictions the student learns; any run here that has a model."


def kinds(now: Draft, form: Form) -> None:
    """The kinds of teacher side by side; those that a term rules out stand greyed below."""
    kind, key = kind_of(now), "distill_teacher_kind"
    st.session_state[key] = kind
    st.pills(
        "Teacher",
        [each for each in _TITLES if each == kind or not _misfit(now, each)],
        format_func=lambda each: _TITLES[each],
        key=key,
        disabled=form.closed,
        on_change=lambda: _choose(now, st.session_state[key]),
    )


def draw(now: Draft, form: Form) -> None:
    """The run that teaches, where it is one."""
    if kind_of(now) == "run":
        titles = {key: model.title for key, model in draft.teachers().items()}
        present = str(now.at("teacher") or "")
        if present in titles:
            st.session_state[_LAST_RUN] = present
        forms.pick(form, "teacher", "Run that teaches", titles, present, _HELP)


def details(now: Draft, form: Form) -> None:
    """The runs or the students that a kind names, its knobs, and where it was published."""
    teacher = _teacher(now)
    _use_ranking(now, form)
    if kind_of(now) == "file":
        files.draw(now, form)
        return
    if shards.is_on(now):
        shards.draw(now, form)
        return
    if teacher.kind == "run":
        return
    kind, knobs = teacher.entry, plain(teacher.params)

    def take(path: str, value: object) -> None:
        _renew(teacher, params=knobs | {path.rpartition(".")[2]: value})

    st.caption(f"{md(kind.title)}: {md(kind.summary)} {md(kind.paper)}.")
    with st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="distill_teacher"
    ):
        if kind.names == "runs":
            _runs(teacher, form)
        elif kind.names == "students":
            _students(teacher, form)
        own = replace(form, prefix="teacher", values=knobs, take=take, checked=False)
        forms.draw(kind.params, own)


def _use_ranking(now: Draft, form: Form) -> None:
    """A button that lets a free score teach the order of a query's ads, where it can teach it."""
    text, data = str(now.at("teacher") or ""), str(now.at("data") or "")
    free = score_files.free_of(text, data, draft.teachers())
    if free and score_reason(str(now.at("method.name"))):
        st.button(
            "Use Ranking",
            key="distill_use_ranking",
            help="A free score has only an order and gaps; Ranking learns these.",
            disabled=form.closed,
            on_click=lambda: draft.take("method.name", "ranking"),
        )


def _run_to_choose() -> list[str]:
    """The run that taught last on this page, else the teacher that the other pages show."""
    names = (st.session_state.get(_LAST_RUN, ""), state.now().teacher)
    return [name for name in names if name in draft.teachers()]


def unfit(now: Draft) -> None:
    """The kinds that a term rules out, greyed, each with its reason."""
    for kind, title in _TITLES.items():
        if reason := _misfit(now, kind):
            with st.container(horizontal=True, vertical_alignment="center", key=f"unfit_{kind}"):
                icon = ":material/lock:"
                st.button(title, disabled=True, help=reason, key=f"teacher_{kind}", icon=icon)
                st.caption(md(reason), width="stretch")


def _teacher(now: Draft) -> TeacherConfig:
    """The teacher of the draft; a text that cannot be read stands as the name of a run."""
    text = str(now.at("teacher") or "")
    return read_teacher(text) or TeacherConfig(names=(text or "none",))


def kind_of(now: Draft) -> str:
    """The kind of the draft's teacher, also of scores that are not chosen yet.

    "shards": one run, whose answers on the log are stored.
    """
    if shards.is_on(now):
        return "shards"
    text = str(now.at("teacher") or "")
    return "file" if text.partition(":")[0] == "file" else _teacher(now).kind


def _misfit(now: Draft, kind: str) -> str:
    """Why a kind cannot teach by one of the draft's terms."""
    if kind == "shards":
        return shards.misfit(now)
    if now.config is not None:
        read = [(term.method, term.params) for term in now.config.soft_terms.values()]
    else:
        read = [(method, None) for method in terms.methods(now)]
    reasons = (teacher_misfit(kind, method, params) for method, params in read)
    return next(filter(None, reasons), "")


def _choose(now: Draft, kind: str | None) -> None:
    """Another kind of teacher, which starts with the runs or the student here."""
    if kind is None:  # the chosen one was clicked again
        return
    if kind == "shards":
        shards.start(now)
        return
    here = [name for name in _teacher(now).runs if name in draft.teachers()]
    names: tuple[str, ...] = ()
    if kind == "file":
        _let_teach(now, files.start(now))
        return
    if TEACHERS[kind].names == "run":
        names = tuple([*here, *_run_to_choose(), *draft.teachers()][:1])
    elif TEACHERS[kind].names == "runs":
        names = tuple(dict.fromkeys([*here, *draft.teachers()]))[: max(2, len(here))]
    elif TEACHERS[kind].names == "students":
        student = now.at("student")
        names = (model_of(student) if isinstance(student, Mapping) else "twinbert_cos",)
    _let_teach(now, TeacherConfig(kind=kind, names=names).text)


def _let_teach(now: Draft, text: str) -> None:
    """Choose another teacher; where shards taught, the settings that they decided are reset."""
    draft.change({"teacher": text}, shards.SETTINGS if shards.is_on(now) else "", "teacher")


def _renew(teacher: TeacherConfig, **changes: Any) -> None:
    """Change the names or the knobs; a change that is refused is reported, with its reason."""
    try:
        draft.take("teacher", replace(teacher, **changes).text)
    except ConfigError as error:
        state.ignore(error.problems[0] if error.problems else str(error))


def _runs(teacher: TeacherConfig, form: Form) -> None:
    titles = {key: model.title for key, model in draft.teachers().items()}
    titles |= {name: name for name in teacher.names if name not in titles}
    key = "distill_teacher_runs"
    st.session_state[key] = list(teacher.names)
    st.multiselect(
        "Runs that teach together",
        list(titles),
        format_func=lambda name: titles[name],
        key=key,
        disabled=form.closed,
        on_change=lambda: _renew(teacher, names=tuple(st.session_state[key])),
        width=2 * forms.WIDTH + 16,
    )


def _students(teacher: TeacherConfig, form: Form) -> None:
    key = "distill_teacher_students"
    st.session_state[key] = " + ".join(teacher.names)
    st.text_input(
        "Its peers",
        key=key,
        max_chars=300,
        disabled=form.closed,
        help="Short texts of students, + between them: twinbert_cos, cdssm, bert:layers=2.",
        on_change=lambda: _renew(
            teacher, names=tuple(name.strip() for name in st.session_state[key].split("+"))
        ),
        width=2 * forms.WIDTH + 16,
    )
