"""The form that trains a teacher: its settings, time and memory, and the start button."""

import streamlit as st

from app import services, state
from app.kit import controls, error_box, forms
from app.kit.forms import Form
from app.kit.texts import duration, md
from app.services import access
from app.services.draft import Draft
from app.state import keys
from app.views.distill import estimate
from app.views.distill.form import model, teacher
from app.views.distill.queries import cost
from app.views.distill.queries import new_teacher as training
from app.views.distill.queries.cost import Cost
from app.views.distill.queries.new_teacher import NewTeacher
from kdcore.config import FinetuneConfig, TrainingConfig
from kdcore.experiments.changes import of_size
from kdcore.experiments.command_line import command_of
from kdcore.experiments.teachers import TEACHER_PRESETS

_FIRST = ("epochs", "batch_size", "learning_rate")
_HELP = "Trains a model on the labels of these data; once finished, it is the teacher of this form."
_TITLES = {"limit": "Pair limit", "seed": "Seed", "threads": "CPU threads"}
_BEFORE = "new."  # leads the paths of this form, which stands beside the student's


def draw(now: Draft) -> None:
    """The button that opens the form, or the form; and the teacher that is being trained."""
    if run := training.awaited():
        with st.container(horizontal=True, vertical_alignment="center", key="distill_awaited"):
            title = md(run.shown_title)
            st.caption(f":material/school: {title} becomes the teacher once it is trained.")
            st.button(
                "Keep the present teacher",
                key="distill_awaited_leave",
                type="tertiary",
                help="The training goes on, but the form keeps the teacher that it has now. "
                "The new one can be chosen there at any time once it is trained.",
                on_click=state.change,
                kwargs={"distill": {"awaited": ""}},
            )
    if not state.now().distill.teacher_form:
        if teacher.kind_of(now) != "run":
            return
        st.button(
            "Train a teacher",
            icon=":material/school:",
            key="distill_train_teacher",
            on_click=state.change,
            kwargs={"distill": {"teacher_form": True}},
            **access.unless_public(_HELP),
        )
        return
    with st.container(border=True, gap="xsmall", key="distill_new_teacher"):
        _form(training.new_teacher(now))


def _form(now: NewTeacher) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Train a teacher**", width="stretch")
        st.button(
            "Close",
            key="distill_new_teacher_close",
            icon=":material/close:",
            type="tertiary",
            on_click=state.change,
            kwargs={"distill": {"teacher_form": False}},
        )
    titles = {key: preset.title for key, preset in TEACHER_PRESETS.items()}
    controls.choose("distill.teacher_preset", "Size of the teacher", titles, on_change=_choose)
    st.caption(md(TEACHER_PRESETS[now.preset].summary))
    problems = forms.problems_by_path(now.problems, _BEFORE)
    whole = Form(
        "new", now.values, _take, problems, services.public(), _TITLES, checked=True
    )  # fmt: skip
    _fields(now, whole)
    for path, sentences in problems.items():
        if f"knob_{path}" not in st.session_state:
            for sentence in sentences:
                st.error(md(sentence), icon=":material/error:")
    _start(now)


def _fields(now: NewTeacher, whole: Form) -> None:
    of_model = Form(
        "new.model", now.at("model") or {}, _take, whole.problems, whole.closed, checked=True
    )
    of_training = Form(
        "new.training", now.at("training") or {}, _take, whole.problems, whole.closed, checked=True
    )
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key="new_teacher"):
        model.draw(
            now.at("model") or {},
            of_model,
            "Model",
            lambda name: training.take_model(of_size(name, "model")),
        )
        data = {choice.key: choice.title for choice in services.data_choices()}
        chosen = str(now.at("data") or "")
        help = "The data set whose labels the teacher learns."
        forms.pick(
            whole, "new.data", "Data", data, chosen, help, accept_new_options=True
        )  # fmt: skip
        _starts(now, whole)
        forms.draw(FinetuneConfig, whole, ["limit"])
        forms.draw(TrainingConfig, of_training, _FIRST)
        forms.draw(FinetuneConfig, whole, ["seed"])
    with st.expander("Settings of the teacher"):
        model.knobs(now.at("model") or {}, of_model, start_from=False)
        st.markdown("**Training**")
        rest = [name for name in TrainingConfig.__dataclass_fields__ if name not in _FIRST]
        with st.container(horizontal=True, gap="small", key="new_teacher_training"):
            forms.draw(TrainingConfig, of_training, rest)
            forms.draw(FinetuneConfig, whole, ["loss", "label_smoothing", "threads"])


def _starts(now: NewTeacher, whole: Form) -> None:
    titles = {training.RANDOM: "random weights"}
    titles |= {key: run.shown_title for key, run in training.starts().items()}
    forms.pick(
        whole,
        "new.model.start_from",
        "Starts from",
        titles,
        str(now.at("model.start_from") or training.RANDOM),
        "Random weights, or a finished run, whose shape, tokenizer and layers the teacher takes.",
        take=lambda path, value: training.take_start(str(value)),
    )


def _start(now: NewTeacher) -> None:
    """Time and memory of the training, and the start button."""
    total = cost.teacher_cost(now.config) if now.config is not None else Cost(why=_wrong(now))
    if total.student is None:
        st.warning(md(total.why))
    else:
        st.markdown(_cost(total))
        estimate.elsewhere()
    pressed = st.button(
        "Start the teacher",
        type="primary",
        icon=":material/play_arrow:",
        key="distill_start_teacher",
        **access.unless_public(_HELP, ready=total.student is not None),
    )
    if now.config is None:
        return
    if pressed:
        with error_box.guard():
            with st.spinner("Putting it in the queue…"):
                run = training.start(now.config)
            st.session_state[keys.RUN_BEGUN] = run.id
            st.rerun()
    with st.expander("Command line of the teacher", icon=":material/terminal:"):
        st.code(command_of(now.config), language="bash", wrap_lines=True)


def _cost(total: Cost) -> str:
    """Time with its range, pairs, memory; what the time rests on."""
    student = total.student
    assert student is not None
    parts = [f"{student.pairs:,} pairs, {student.steps:,} steps", estimate.memory(student)]
    if not total.is_timed:
        return f"{'. '.join(filter(None, parts))}. {estimate.UNKNOWN}"
    expected, low, high = map(duration, total.seconds)
    whole = f":material/timer: **About {expected}** ({low} to {high})"
    return f"{whole}, estimated {md(student.basis)}. {'. '.join(filter(None, parts))}."


def _wrong(now: NewTeacher) -> str:
    count = len(now.problems)
    return f"{count} setting{'s are' if count > 1 else ' is'} invalid: see above."


def _choose() -> None:
    """Take another size, and drop the changes that were made to the one before."""
    if chosen := st.session_state.get("w_tpreset"):
        state.change(distill={"teacher_preset": chosen, "teacher_settings": ""})


def _take(path: str, value: object) -> None:
    training.take(path.removeprefix(_BEFORE), value)
