"""The draft as a form: who learns from whom, by which method, on what schedule."""

from dataclasses import replace
from typing import Any

import streamlit as st

from app import services
from app.kit import controls, forms
from app.kit.forms import Form
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from app.views.distill.form import method, model, new_teacher, schedules, teacher, terms
from app.views.distill.queries import cluster, runs
from kdcore.catalog import STUDENTS
from kdcore.config import DistillConfig, OrderConfig, TrainingConfig
from kdcore.config.order import KNOB_OF, MIXED
from kdcore.knobs import written
from kdcore.runs.queue.assignment import ALL_GPUS

_SCHEDULE = ("epochs", "batch_size", "learning_rate")
_TITLES = {"limit": "Pair limit", "data": "Data", "seed": "Seed", "threads": "CPU threads"}


def draw(now: Draft) -> None:
    """The settings that matter at once; the rest folded below."""
    problems = now.problems_by_path()
    whole = Form(
        "", now.values, draft.take, problems, services.public(), _TITLES, True, _suited(now)
    )
    training = replace(whole, prefix="training", values=now.at("training") or {})
    student, of_student = now.at("student") or {}, replace(whole, prefix="student")
    with st.container(gap="xsmall", key="distill_form"):
        st.markdown("**Teacher and student**")
        teacher.kinds(now, whole)
        with _fields("teacher"):
            teacher.draw(now, whole)
            model.draw(student, of_student, "Student", draft.take_student)
            _data(now, whole)
            forms.draw(DistillConfig, whole, ["transfer"])
            _order(now, whole)
        teacher.details(now, whole)
        teacher.unfit(now)
        new_teacher.draw(now)
        _loss(now, whole)
        with _row("How long, and where"):
            forms.draw(DistillConfig, whole, ["limit"])
            forms.draw(TrainingConfig, training, _SCHEDULE)
            forms.draw(DistillConfig, whole, ["seed"])
            _device(now, whole)
            _twin()
    with st.expander("Advanced", expanded=_inside(now, problems)):
        method.knobs(now, whole)
        terms.knobs(now, whole)
        model.knobs(student, of_student)
        _rest_of_training(training, whole)
    # a form never refuses without saying why: problems of no field that is drawn stand below
    in_rows = {f"schedules.{name}" for name in schedules.names(now)}
    if teacher.kind_of(now) in ("file", "shards"):
        in_rows |= {"teacher", "from_shards"}
    for path, sentences in problems.items():
        if f"knob_{path}" not in st.session_state and path not in in_rows:
            for sentence in sentences:
                st.error(md(f"{path}: {sentence}"), icon=":material/error:")


def _rest_of_training(training: Form, whole: Form) -> None:
    """The settings of the training that are folded."""
    st.markdown("**Training**")
    rest = [n for n in TrainingConfig.__dataclass_fields__ if n not in _SCHEDULE]
    with st.container(horizontal=True, gap="small", key="distill_training"):
        forms.draw(TrainingConfig, training, rest)
        forms.draw(DistillConfig, whole, ["label_smoothing", "threads"])


def _suited(now: Draft) -> dict[str, str]:
    """Under each setting of the schedule that may be 0: what 0 becomes with this student."""
    student = STUDENTS.get(str(now.at("student.name")))
    usual = student.training if student else {}
    return {
        f"training.{name}": f"0: what suits this model, here {written(usual[name])}"
        for name in _SCHEDULE
        if name in usual
    }


def _loss(now: Draft, form: Form) -> None:
    """The terms of the loss, what changes of them, and the choice of more."""
    with _row("What is learned", terms.summary(now)):
        method.draw(now, form)
        forms.draw(DistillConfig, form, ["soft_weight"])
    method.warn(now)
    terms.draw(now, form)
    schedules.draw(now, form)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="distill_add"):
        forms.draw(DistillConfig, form, ["hard_weight"])
        terms.add(now, form)
        schedules.add(now, form)
    method.unfit(now)


def _row(title: str, more: str = "") -> Any:
    """A row of fields under its title."""
    st.markdown(f"**{title}**{more and f' · {more}'}")
    return _fields(title.split()[0].lower())


def _fields(name: str) -> Any:
    """A row of fields that wraps."""
    key = f"distill_row_{name}"
    return st.container(horizontal=True, vertical_alignment="top", gap="small", key=key)


def _twin() -> None:
    """Whether the twin is trained beside the student, and what it is for."""
    with st.container(width=330, gap="xxsmall", key="distill_alone"):
        controls.bound(
            st.toggle,
            "distill.train_twin",
            "Also train the twin without a teacher",
            disabled=services.public(),
            help="The same student and seed, in as many steps, on the hard labels alone: on the "
            "same pairs, or, where the student learns from a log too, on the labelled ones. The "
            "comparison with it shows what the teacher added and what training alone would "
            "have given.",
        )
        st.caption("Only the comparison with it shows what the teacher added.")


def _data(now: Draft, form: Form) -> None:
    titles = {choice.key: choice.title for choice in services.data_choices()}
    help = (
        "Data sets of the lab; import your own under Data. `world:train=400,validation=200` "
        "names the bundled world in other sizes."
    )
    key = str(now.at("data") or "")
    forms.pick(form, "data", "Data", titles, key, help, accept_new_options=True)


def _order(now: Draft, form: Form) -> None:
    """In which order labelled and unlabelled pairs come, where there are both, and its knob."""
    values = now.at("order") or {}
    kind = str(values.get("kind") or MIXED)
    if now.at("transfer") == "train+log" or kind != MIXED:
        group = replace(form, prefix="order", values=values, titles={"kind": "Order of pairs"})
        forms.draw(OrderConfig, group, ["kind", *KNOB_OF.get(kind, ())])


def _device(now: Draft, form: Form) -> None:
    there = cluster.present()
    titles = there.devices if there else _devices_here()
    help = (
        "One run per GPU, and on the CPU as many as its cores allow; the others wait in the queue."
    )
    if there:
        help = f"A device of the Ray cluster at {md(there.address)}, to which runs go. {help}"
    forms.pick(form, "device", "Device", titles, str(now.at("device") or "auto"), help)


def _devices_here() -> dict[str, str]:
    """The devices of this machine by name, with their titles."""
    titles = {"auto": "the best here"}
    titles |= {device.name: device.title for device in runs.device_queue().devices}
    if sum(name.startswith("cuda:") for name in titles) > 1:
        titles[ALL_GPUS] = "all GPUs for this one run"
    return titles


def _inside(now: Draft, problems: dict[str, list[str]]) -> bool:
    """Whether something that the fold hides was changed, or is wrong."""
    outside = {f"training.{name}" for name in _SCHEDULE}
    outside |= {f"method.params.{name}" for name in method.first(now)}
    paths = {*now.changed, *problems} - outside
    return any(p.startswith(("training.", "student.params.", "method.params.")) for p in paths)
