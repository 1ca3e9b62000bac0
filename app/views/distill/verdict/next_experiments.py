"""What to do after a verdict: one thing changed, the missing twin, the answers in Compare."""

from uuid import uuid4

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.parts.lead_to import lead_to
from app.services import access, boards, draft
from app.services.live import run as live
from app.state import keys
from app.views.distill.queries import next_steps
from app.views.distill.queries.verdict import Case
from kdcore.errors import LabError
from kdcore.experiments.next_steps import Experiment
from kdcore.judging.seeds import SeedRow
from kdcore.judging.verdict import NO_TWIN, Judgement

_NOT_SHOWN = "This run's test pairs are no data set of the other pages."


def draw(case: Case, judgement: Judgement, seeds: SeedRow | None) -> None:
    """Three experiments as buttons, then the ways from here."""
    st.subheader("What next? Change one thing", anchor=False)
    columns = st.columns(3)
    for place, experiment in enumerate(next_steps.experiments(case, judgement, seeds)):
        with columns[place].container(border=True, height="stretch"):
            st.write(md(experiment.why))
            st.button(
                md(experiment.label),
                key=f"next_{place}_{case.run.id}",
                on_click=_try,
                args=(case.run.id, experiment),
                width="stretch",
                **access.unless_public(
                    "Puts this one change into the form above; nothing starts yet."
                ),
            )
    with st.container(horizontal=True):
        _compare(case)
        if judgement.verdict == NO_TWIN and case.twin is None:
            _twin(case)
    lead_to(
        ".st-key-distill_preset", st.session_state.pop(keys.EXPERIMENT_FILLED, ""), "lead_to_form"
    )


def measure(case: Case) -> None:
    """A button that times a run whose speed was not measured here."""
    help = "Batch 1 and batch 32, teacher and student in turn, in a separate process."
    if st.button(
        "Measure its speed here",
        key=f"judge_speed_{case.run.id}",
        icon=":material/timer:",
        **access.unless_public(help),
    ):
        with error_box.guard():
            with st.spinner("Timing student and teacher in turns …"):
                next_steps.measure_speed(case)
            st.rerun()


def _try(run_id: str, experiment: Experiment) -> None:
    """Fill the form with the run's settings and the one change."""
    run = live.find(run_id)
    if run is None:
        return
    st.session_state[keys.EXPERIMENT_FILLED] = uuid4().hex
    try:
        draft.prefill(run, experiment.changed)
    except LabError as cause:
        st.toast(md(str(cause)), icon=":material/error:")
        return
    st.toast(
        f"The form holds this run with {md(experiment.label)}: press Start when you are ready."
    )


def _compare(case: Case) -> None:
    if st.button(
        "Open in Compare",
        key=f"judge_compare_{case.run.id}",
        disabled=not case.offered,
        help="" if case.offered else _NOT_SHOWN,
        icon=":material/compare:",
    ):
        services.sources.clear()  # a run that has just ended is on offer at once
        teacher, data = case.board.teacher, case.board.data
        state.stand_on(
            data.key,
            entry=False,
            data={"split": boards.TEST if boards.is_cut_by_runs(data) else ""},
            student=case.run.id,
            teacher=teacher.key if teacher else "",
        )
        st.switch_page("views/compare/page.py")


def _twin(case: Case) -> None:
    if st.button(
        "Train the twin",
        key=f"judge_twin_{case.run.id}",
        type="primary",
        **access.unless_public("The same student and seed, in as many steps, from labels alone."),
    ):
        with error_box.guard():
            twin = next_steps.train_twin(case)
            st.toast(f"{md(twin.title)} is queued.")
            st.rerun()
