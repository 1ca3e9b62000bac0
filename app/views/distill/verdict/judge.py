"""What came of a run: the verdict in one sentence, its numbers, what is kept, what to try next."""

from math import isfinite

import streamlit as st

from app import services, state
from app.kit.texts import md, number, signed, verdict
from app.parts.metric_cards import Card, interval, metric_cards
from app.services import Answers
from app.services.live import run as live
from app.views.distill.queries import next_steps
from app.views.distill.queries import verdict as judging
from app.views.distill.queries.verdict import Case
from app.views.distill.verdict import next_experiments, retention
from kdcore.errors import LabError
from kdcore.evaluation.comparison import Difference
from kdcore.judging.seeds import SeedRow
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.store import Run

BESIDE = ("ndcg@5", "nll", "ece_mass", "truth_kl")
_WAY = {True: "Higher is better.", False: "Lower is better."}


def finding(run_id: str) -> str:
    """The sentence on a finished run that a person can trust; LabError when its data are gone."""
    with st.spinner("Comparing the student with its twin …"):  # seconds, the first time
        return _finding(run_id)


def _finding(run_id: str) -> str:
    case = judging.case_of(run_id)
    if case is None:
        return _no_case(live.find(run_id))
    if said := next_steps.preliminary(case):
        return said
    seeds = judging.seeds_of(case)
    found = judging.judgement(case, seeds.value.n if seeds else 1)
    over = [seeds.sentence] if seeds and seeds.delta.n > 1 else []
    return " ".join([found.sentence, *found.caveats, *over, judging.left_out(case)]).strip()


def draw(run_id: str) -> None:
    """Verdict, numbers with their intervals, retention and three next experiments."""
    try:
        case = judging.case_of(run_id)
    except (LabError, OSError) as cause:
        _tell(cause)
        return
    if case is None:
        st.caption(md(_no_case(live.find(run_id))))
        return
    with st.container(key="distill_judge"):
        for part in (_sentence, _cards, retention.draw, _seeds, _next):
            try:  # a file that cannot be read takes its part of the page, and no other
                part(case)
            except (LabError, OSError) as cause:
                _tell(cause)


def _tell(cause: Exception) -> None:
    known = isinstance(cause, LabError) and not services.public()  # a cause may name folders
    st.error(md(str(cause)) if known else "Some of this run's files cannot be read.")


def _sentence(case: Case) -> None:
    if state.now().distill.run != case.run.id:  # else the sentence stands at the top of the page
        st.markdown(f"**{md(finding(case.run.id))}**")


def _cards(case: Case) -> None:
    key = case.run.id
    metric_cards(_models(case), key=f"judge_{key}", label="Teacher, student and twin")
    if beside := _beside(case):
        metric_cards(beside, key=f"judge_more_{key}", label="Other metrics of the student")


def _next(case: Case) -> None:
    seeds = judging.seeds_of(case)
    next_experiments.draw(case, judging.judgement(case, seeds.value.n if seeds else 1), seeds)


def _no_case(run: Run | None) -> str:
    """Why a run has no verdict."""
    if run is None:
        return "This run is not here any more."
    if run.stage != "distill":
        return (
            f"{run.label} learned from labels alone. Distilled students are compared with "
            "it, so it has no verdict of its own."
        )
    return "The verdict comes when the run is finished."


def _models(case: Case) -> list[Card]:
    """ROC-AUC of student, twin and teacher, and the difference that is judged."""
    board, about = case.board, CATALOG[judging.METRIC]
    difference = _difference(case, judging.METRIC)
    cards = []
    for role in ("student", "twin", "teacher"):
        who: Answers | None = getattr(board, role)
        if who is None:
            continue
        metric = services.evaluation(board, who).metrics.get(judging.METRIC)
        if metric is None:
            continue
        told = f"{who.title}. {about.sentence} {_WAY[True]} Interval: 95 % over queries."
        judged = difference if role == "student" else None
        cards.append(
            Card(
                label=f"{role.capitalize()}, {about.name}",
                value=number(metric.value),
                definition=told + (f" {_how(judged)}" if judged else ""),
                n=f"n = {metric.n:,} {metric.n_unit}",
                interval=interval(metric.low, metric.high),
                delta=_delta(judged) if judged else "",
                verdict=verdict(judged.verdict, "its twin") if judged else "",
                role=role,
            )
        )
    return cards


def _beside(case: Case) -> list[Card]:
    """The other metrics of the student, each against its twin where there is one."""
    board, cards = case.board, []
    assert board.student is not None
    metrics = services.evaluation(board, board.student).metrics
    for key in BESIDE:
        metric, difference = metrics.get(key), _difference(case, key)
        if metric is None or not isfinite(metric.value):
            continue
        told = f"{metric.definition} {_WAY[metric.higher_is_better]}"
        cards.append(
            Card(
                label=f"Student, {metric.name}",
                value=number(metric.value),
                definition=f"{told} {_how(difference)}" if difference else told,
                n=f"n = {metric.n:,} {metric.n_unit}",
                interval=interval(metric.low, metric.high),
                delta=_delta(difference) if difference else "",
                verdict=verdict(difference.verdict, "its twin") if difference else "",
                role="student",
            )
        )
    return cards


def _difference(case: Case, key: str) -> Difference | None:
    board = case.board
    if board.student is None or board.twin is None:
        return None
    found = services.comparison(board, board.student, board.twin).differences.get(key)
    return found if found is not None and isfinite(found.delta) else None


def _delta(found: Difference) -> str:
    if not isfinite(found.low):
        return f"{signed(found.delta)} vs twin"
    return f"{signed(found.delta)} [{signed(found.low)}, {signed(found.high)}] vs twin"


def _how(found: Difference) -> str:
    return (
        f"Student minus twin {signed(found.delta)} {interval(found.low, found.high)}: paired "
        f"bootstrap over queries, 95 %; p = {found.p:.2g} by {found.permutations:,} permutations; "
        f"smallest detectable difference {number(found.smallest_detectable)}."
    )


def _seeds(case: Case) -> None:
    """All seeds of this setting as one row, and which runs are no whole seed."""
    if row := judging.seeds_of(case):
        st.markdown(_folded(row))
    if left := judging.left_out(case):
        st.caption(md(left))


def _folded(row: SeedRow) -> str:
    name, value, delta = CATALOG[judging.METRIC].name, row.value, row.delta
    spread = f" ± {number(value.deviation)}" if isfinite(value.deviation) else ""
    told = (
        f"**{value.n} seeds of this setting** ({', '.join(map(str, row.seeds))}): {name} "
        f"{number(value.mean)}{spread}, from {number(value.least)} to {number(value.most)}"
    )
    if delta.n > 1:
        told += (
            f"; against their own twins {signed(delta.mean)} ± {number(delta.deviation)}, from "
            f"{signed(delta.least)} to {signed(delta.most)}"
        )
    return f"{told}. **{verdict(row.verdict, 'own twins')}**"
