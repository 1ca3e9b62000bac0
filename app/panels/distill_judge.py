"""What came of a run: the verdict in one sentence, its numbers, what is kept, what to try next."""

from math import isfinite

import streamlit as st

from app import services, state
from app.components.metric_cards import Card, interval, metric_cards
from app.panels import distill_next
from app.services import Answers, judging, judging_next, live
from app.services.boards import title_of
from app.services.judging import Case
from app.texts import md, number, percent, signed
from kdcore.comparison import Difference
from kdcore.errors import LabError
from kdcore.judging.retention import DISTILBERT, Retention
from kdcore.judging.seeds import SeedRow
from kdcore.metrics.definitions import CATALOG
from kdcore.runs.sizes import ModelSize
from kdcore.runs.store import Run
from kdcore.whatif.estimate import foreseen_and_true

BESIDE = ("ndcg@5", "nll", "ece_mass", "truth_kl")
_WAY = {True: "Higher is better.", False: "Lower is better."}


def finding(run_id: str) -> str:
    """The sentence on a finished run that a person can trust; LabError when its data are gone."""
    with st.spinner("Holding the student up to its twin …"):  # seconds, the first time
        return _finding(run_id)


def _finding(run_id: str) -> str:
    case = judging.case_of(run_id)
    if case is None:
        return _no_case(live.find(run_id))
    if said := judging_next.preliminary(case):
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
        for part in (_sentence, _cards, _retention, _seeds, _next):
            try:  # a file that cannot be read takes its part of the page, and no other
                part(case)
            except (LabError, OSError) as cause:
                _tell(cause)


def _tell(cause: Exception) -> None:
    known = isinstance(cause, LabError) and not services.public()  # a cause may name folders
    st.error(md(str(cause)) if known else "Some of this run's files cannot be read.")


def _sentence(case: Case) -> None:
    if state.now().run != case.run.id:  # else the sentence stands at the top of the page
        st.markdown(f"**{md(finding(case.run.id))}**")


def _cards(case: Case) -> None:
    key = case.run.id
    metric_cards(_models(case), key=f"judge_{key}", label="Teacher, student and twin")
    if beside := _beside(case):
        metric_cards(beside, key=f"judge_more_{key}", label="Other metrics of the student")


def _next(case: Case) -> None:
    seeds = judging.seeds_of(case)
    distill_next.draw(case, judging.judgement(case, seeds.value.n if seeds else 1), seeds)


def _no_case(run: Run | None) -> str:
    """Why a run has no verdict."""
    if run is None:
        return "This run is not here any more."
    if run.config.get("stage") != "distill":
        return (
            f"{title_of(run)} learned from labels alone: it is what a distilled student "
            "is held up to, and no verdict is due on itself."
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
                verdict=judged.verdict if judged else "",
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
                verdict=difference.verdict if difference else "",
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


def _retention(case: Case) -> None:
    """Share of the teacher's quality, size and speed, in DistilBERT's manner."""
    kept = judging.kept(case)
    st.subheader("What it keeps, and what it costs", anchor=False)
    if kept is None:
        st.caption("The teacher has not answered these pairs, so no share of it can be told.")
        return
    cards = [_quality(kept), *_costs(kept, judging.size_of(case.run)), *_time(case)]
    metric_cards(cards, key=f"judge_kept_{case.run.id}", label="Retention")
    if not isfinite(kept.p50_ms):
        distill_next.measure(case)
    bert = DISTILBERT
    st.caption(
        f"{md(kept.conditions)} For scale: {bert.name} ({md(bert.paper)}) kept "
        f"{percent(bert.kept)} of its teacher with {percent(1 - bert.parameters_share)} fewer "
        f"weights: {md(bert.floor)}. Its “60 % faster” is {md(bert.conditions)}."
    )


def _quality(kept: Retention) -> Card:
    name = CATALOG[kept.metric].name
    told = (
        f"{name} of the student over the teacher's, both counted from {kept.floor_name}: a model "
        f"that knows nothing keeps 0 %. Counted from 0 it would be {percent(kept.raw, 1)} "
        f"[{percent(kept.raw_low, 1)}, {percent(kept.raw_high, 1)}]. Interval: 95 %, both models "
        f"on common draws of queries. {kept.reason}"
    )
    twin = f"twin alone {percent(kept.twin_kept)}" if isfinite(kept.twin_kept) else ""
    return Card(
        label=f"Kept of the teacher's {name}",
        value=percent(kept.kept),
        definition=told.strip(),
        interval=f"[{percent(kept.kept_low)}, {percent(kept.kept_high)}]",
        n=f"above chance · from 0: {percent(kept.raw)} · n = {kept.n:,} {kept.n_unit}",
        delta=twin,
        role="student",
    )


def _costs(kept: Retention, size: ModelSize | None = None) -> list[Card]:
    """Size and speed of the student. size: of its file, which may keep weights in 16 bits."""
    cards, stored = [], " (stored in half precision)" if size and size.half else ""
    if kept.parameters:
        share = kept.parameters_share
        told = f"{percent(share)} of the teacher's" if isfinite(share) else ""
        cards.append(
            Card(
                "Size",
                f"{kept.megabytes:.2f} MB",
                "Weights of the network at float32, in 10⁶ bytes; no tokenizer.",
                n=f"{kept.parameters:,} parameters{stored}",
                delta=told,
                role="student",
            )
        )
    if isfinite(kept.p50_ms):
        cards += _speeds(kept)
    return cards


def _speeds(kept: Retention) -> list[Card]:
    teacher = (
        f"teacher {kept.teacher_p50_ms:.2f} / {kept.teacher_p95_ms:.2f} ms"
        if isfinite(kept.teacher_p50_ms)
        else ""
    )
    latency = Card(
        "Latency of one pair",
        f"{kept.p50_ms:.2f} ms",
        f"Median (p50) and 95th percentile. {kept.conditions}",
        n=teacher,
        delta=f"p95 {kept.p95_ms:.2f} ms",
        role="student",
    )
    if not isfinite(kept.speedup):
        return [latency]
    told = (
        f"The teacher's median latency over the student's, batch 1. {kept.conditions} "
        "A two-tower student read query and ad here; with ads embedded ahead it reads the query "
        "alone. In batches it answers "
        f"{kept.throughput:,.0f} pairs a second, {kept.throughput_share:.1f} times the teacher's."
    )
    rest = f"in batches {kept.throughput_share:.1f} ×"
    if abs(kept.speedup_one_thread - kept.speedup) > 1e-9:
        rest = f"on one thread {kept.speedup_one_thread:.1f} × · {rest}"
    return [latency, Card("Speed", f"{kept.speedup:.1f} ×", told, n=rest, role="student")]


def _time(case: Case) -> list[Card]:
    """How long the run was foreseen to take, and took."""
    both = foreseen_and_true(case.run)
    if both is None or not isfinite(both[0]):
        return []
    foreseen, true = both
    return [
        Card(
            "Training took",
            _seconds(true),
            "Seconds of the run's own work, beside what was foreseen before its start.",
            n=f"foreseen {_seconds(foreseen)}",
            delta=f"{signed(100 * (true / foreseen - 1), 0)} %" if foreseen else "",
        )
    ]


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


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
    return f"{told}. **{row.verdict}**"
