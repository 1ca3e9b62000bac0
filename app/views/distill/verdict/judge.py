"""What came of a run: the verdict in one sentence, its numbers, what is kept, what to try next."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite

import streamlit as st

from app import services, state
from app.kit.texts import md, number, signed, verdict
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import Answers
from app.services.live import run as live
from app.views.distill.queries import next_steps
from app.views.distill.queries import verdict as cases
from app.views.distill.queries.verdict import Case
from app.views.distill.verdict import next_experiments, retention, teacher
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Difference
from kdcore.judging.seeds import SeedRow
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.store import Run

BESIDE = ("ndcg@5", "nll", "ece_mass", "truth_kl")


def finding(run_id: str) -> str:
    """The sentence on a finished run that a person can trust; LabError when its data are gone."""
    with st.spinner("Comparing the student with its twin …"):  # seconds, the first time
        case = cases.case_of(run_id)
        if case is None:
            return teacher.finding(run_id) or _no_case(live.find(run_id))
        if sentence := next_steps.preliminary(case):
            return sentence
        seeds = cases.seeds_of(case)
        judgement = cases.judgement(case, seeds.value.n if seeds else 1)
        over_seeds = [seeds.sentence] if seeds and seeds.delta.n > 1 else []
        sentences = [judgement.sentence, *judgement.caveats, *over_seeds, cases.left_out(case)]
        return " ".join(sentences).strip()


def draw(run_id: str) -> None:
    """Verdict, numbers with their intervals, retention and three next experiments."""
    with _guard():
        case = cases.case_of(run_id)
        if case is None and teacher.finding(run_id):
            teacher.draw(run_id)
            return
        if case is None:
            st.caption(md(_no_case(live.find(run_id))))
            return
        with st.container(key="distill_judge"):
            for part in (_sentence, _cards, retention.draw, _seeds, _next):
                with _guard():  # a file that cannot be read takes its part of the page, no other
                    part(case)


@contextmanager
def _guard() -> Iterator[None]:
    """Draw what went wrong inside; a cause that may name folders is left out."""
    try:
        yield
    except (LabError, OSError) as cause:
        plain = isinstance(cause, LabError) and not services.public()
        st.error(md(str(cause)) if plain else "Some of this run's files cannot be read.")


def _sentence(case: Case) -> None:
    if state.now().distill.run != case.run.id:  # else the sentence stands at the top of the page
        st.markdown(f"**{md(finding(case.run.id))}**")


def _cards(case: Case) -> None:
    models = [_card(case, role, cases.METRIC) for role in ("student", "twin", "teacher")]
    others = [_card(case, "student", key) for key in BESIDE]
    key, label = f"judge_{case.run.id}", "Teacher, student and twin"
    metric_cards([card for card in models if card], key=key, label=label)
    if cards := [card for card in others if card]:
        key, label = f"judge_more_{case.run.id}", "Other metrics of the student"
        metric_cards(cards, key=key, label=label)


def _next(case: Case) -> None:
    seeds = cases.seeds_of(case)
    next_experiments.draw(case, cases.judgement(case, seeds.value.n if seeds else 1), seeds)


def _no_case(run: Run | None) -> str:
    """Why a run has no verdict."""
    if run is None:
        return "This run is not here any more."
    if not run.gives_grades:
        return (
            f"{run.shown_title} was pretrained: it gives no grades to be judged by. A teacher or a "
            "student starts from it, and Runs shows its curves."
        )
    if run.stage != "distill":
        return (
            f"{run.shown_title} learned from labels alone. Distilled students are compared with "
            "it, so it has no verdict of its own."
        )
    return "The verdict comes when the run is finished."


def _card(case: Case, role: str, key: str) -> Card | None:
    """A metric of one of the models; of the student with its difference to the twin."""
    model: Answers | None = getattr(case.board, role)
    metric = services.evaluation(case.board, model).metrics.get(key) if model else None
    if model is None or metric is None or (key in BESIDE and not isfinite(metric.value)):
        return None
    way = "Higher" if metric.higher_is_better else "Lower"
    definition = f"{metric.definition} {way} is better."
    if key == cases.METRIC:
        definition = f"{model.title}. {definition} Interval: 95 % over queries."
    difference = _difference(case, key) if role == "student" else None
    return Card(
        label=f"{role.capitalize()}, {metric.name}",
        value=number(metric.value),
        definition=f"{definition} {_how(difference)}" if difference else definition,
        n=f"n = {metric.n:,} {metric.n_unit}",
        interval=interval(metric.low, metric.high),
        delta=_delta(difference) if difference else "",
        verdict=verdict(difference.verdict, "its twin") if difference else "",
        role=role,
    )


def _difference(case: Case, key: str) -> Difference | None:
    board = case.board
    if board.student is None or board.twin is None:
        return None
    difference = services.comparison(board, board.student, board.twin).differences.get(key)
    return difference if difference is not None and isfinite(difference.delta) else None


def _delta(difference: Difference) -> str:
    ends = f" [{signed(difference.low)}, {signed(difference.high)}]"
    return f"{signed(difference.delta)}{ends if isfinite(difference.low) else ''} vs twin"


def _how(difference: Difference) -> str:
    return (
        f"Student minus twin {signed(difference.delta)} "
        f"{interval(difference.low, difference.high)}: paired bootstrap over queries, 95 %; "
        f"p = {difference.p:.2g} by {difference.permutations:,} permutations; smallest detectable "
        f"difference {number(difference.smallest_detectable)}."
    )


def _seeds(case: Case) -> None:
    """All seeds of this setting as one row, and which of its runs are left out, and why."""
    if row := cases.seeds_of(case):
        st.markdown(_row_of_seeds(row))
    if sentence := cases.left_out(case):
        st.caption(md(sentence))


def _row_of_seeds(row: SeedRow) -> str:
    name, value, delta = CATALOG[cases.METRIC].name, row.value, row.delta
    spread = f" ± {number(value.deviation)}" if isfinite(value.deviation) else ""
    text = (
        f"**{value.n} seeds of this setting** ({', '.join(map(str, row.seeds))}): {name} "
        f"{number(value.mean)}{spread}, from {number(value.least)} to {number(value.most)}"
    )
    if delta.n > 1:
        text += (
            f"; against their own twins {signed(delta.mean)} ± {number(delta.deviation)}, from "
            f"{signed(delta.least)} to {signed(delta.most)}"
        )
    return f"{text}. **{verdict(row.verdict, 'own twins')}**"
