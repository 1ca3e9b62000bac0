"""What to do after a verdict: one thing changed, the missing twin, the answers in Compare."""

from uuid import uuid4

import streamlit as st

from app import services, state
from app.kit.texts import md
from app.parts.lead_to import lead_to
from app.services import boards, draft
from app.services.live import run as live
from app.state import keys
from app.views.distill.queries import next_steps
from app.views.distill.queries.verdict import Case
from kdcore.errors import LabError
from kdcore.experiments.next_steps import Experiment
from kdcore.judging.seeds import SeedRow
from kdcore.judging.verdict import NO_TWIN, Judgement

_NOT_SHOWN = "This run's test pairs are no data set of the other pages."


def draw(case: Case, found: Judgement, seeds: SeedRow | None) -> None:
    """Three experiments as buttons, then the ways from here."""
    st.subheader("What next? Change one thing", anchor=False)
    closed = services.PUBLIC_REASON if services.public() else ""
    columns = st.columns(3)
    for place, one in enumerate(next_steps.experiments(case, found, seeds)):
        with columns[place].container(border=True, height="stretch"):
            st.write(md(one.why))
            st.button(
                md(one.label),
                key=f"next_{place}_{case.run.id}",
                on_click=_try,
                args=(case.run.id, one),
                disabled=bool(closed),
                help=closed or "Puts this one change into the form above; nothing starts yet.",
                width="stretch",
            )
    with st.container(horizontal=True):
        _compare(case)
        if found.verdict == NO_TWIN and case.twin is None:
            _twin(case, closed)
    lead_to(
        ".st-key-distill_preset", st.session_state.pop(keys.EXPERIMENT_FILLED, ""), "lead_to_form"
    )


def measure(case: Case) -> None:
    """A button that times a run whose speed nobody has measured here."""
    asked = st.button(
        "Measure its speed here",
        key=f"judge_speed_{case.run.id}",
        disabled=services.public(),
        help=services.PUBLIC_REASON
        if services.public()
        else "Batch 1 and batch 32, teacher and student in turn, in a separate process.",
        icon=":material/timer:",
    )
    if not asked:
        return
    try:
        with st.spinner("Timing student and teacher in turns …"):
            next_steps.measure_speed(case)
    except LabError as cause:
        st.error(md(str(cause)))
        return
    st.rerun()


def _try(run_id: str, one: Experiment) -> None:
    """Fill the form with the run's settings and the one change."""
    run = live.find(run_id)
    if run is None:
        return
    st.session_state[keys.EXPERIMENT_FILLED] = uuid4().hex
    try:
        draft.prefill(run, one.changed)
    except LabError as cause:
        st.toast(md(str(cause)), icon=":material/error:")
        return
    st.toast(f"The form holds this run with {md(one.label)}: press Start when you are ready.")


def _compare(case: Case) -> None:
    asked = st.button(
        "Open in Compare",
        key=f"judge_compare_{case.run.id}",
        disabled=not case.offered,
        help="" if case.offered else _NOT_SHOWN,
        icon=":material/compare:",
    )
    if asked:
        services.sources.clear()  # a run that has just ended is on offer at once
        teacher = case.board.teacher
        data = case.board.data
        state.stand_on(
            data.key,
            entry=False,
            data={"split": boards.TEST if boards.is_cut_by_runs(data) else ""},
            student=case.run.id,
            teacher=teacher.key if teacher else "",
        )
        st.switch_page("views/compare/page.py")


def _twin(case: Case, closed: str) -> None:
    asked = st.button(
        "Train the twin",
        key=f"judge_twin_{case.run.id}",
        type="primary",
        disabled=bool(closed),
        help=closed or "The same student, pairs, seed and steps, from labels alone.",
    )
    if not asked:
        return
    try:
        made = next_steps.train_twin(case)
    except LabError as cause:
        st.error(md(str(cause)))
        return
    st.toast(f"{md(made.title)} is queued.")
    st.rerun()
