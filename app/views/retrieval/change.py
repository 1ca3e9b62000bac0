"""Student and twin: what does each find, judged by the teacher and by the truth?"""

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.by_hash import by_hash
from app.kit.chart_tools import Caption
from app.kit.texts import VERDICT_MARKS, counted, signed
from app.services import Board
from app.views.retrieval.columns import no_truth
from kdcore.metrics.significance import RULE
from kdcore.retrieval.measuring.change import Change
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import TWIN_DEEPEST, Study
from kdcore.retrieval.recall import Estimate, mean_with_interval


def draw(board: Board, request: Request, study: Study) -> str:
    """Both comparisons and both curves; returns the finding."""
    controls.bound(st.slider, "retrieval.k", "Depth k", min_value=1, max_value=20, width=320)
    k = state.now().retrieval.k
    changes = _changes(study, f"{request.key}-{study.card['when']}", k)
    sentence = _curves(request, study, _finding(study, changes[0], k) if changes else "")
    if not changes and study.has_twin:
        return f"{no_truth(study)}: what distillation changed needs two queries or more."
    if not changes:
        return (
            "The student has no twin that learned from labels only, so what distillation changed "
            "cannot be measured."
        )
    table = pd.DataFrame([_row(name, c) for name, c in zip(_names(k), changes, strict=False)])
    with st.container(key="retrieval_changes"):
        st.table(table, hide_index=True)
    made_from = f"KD Lab, retrieval {request.key}"
    controls.exports("retrieval_changes", table, sentence, made_from, None)
    st.caption(
        f"The teacher's first {k}: the ads that it ranks highest among those that student or twin "
        f"has in its first {TWIN_DEEPEST} (a pool, as at TREC); recall counts those in a model's "
        f"own first {k}. nDCG@{k} is by the truth: {study.card['truth']}. Intervals: 95 %, paired "
        f"over queries (bootstrap); p from sign flips. {RULE}"
    )
    return sentence


@by_hash(most=60, on=lambda study, name, k: (name, k))
def _changes(study: Study, name: str, k: int) -> list[Change]:
    both = study.teacher_change(k), study.truth_change(k)
    return [change for change in both if change is not None and change.n > 1]


def _names(k: int) -> tuple[str, str]:
    return f"Recall@{k} of the teacher's first {k}", f"nDCG@{k} by the truth"


def _row(name: str, change: Change) -> dict[str, object]:
    return {
        "metric": name,
        "student": round(change.first, 4),
        "twin": round(change.second, 4),
        "student − twin": round(change.difference, 4),
        "95 % low": round(change.low, 4),
        "95 % high": round(change.high, 4),
        "p": round(change.p, 4),
        "queries": change.n,
        "verdict": f"{VERDICT_MARKS[change.verdict]} {change.verdict}",
    }


def _finding(study: Study, change: Change, k: int) -> str:
    student, twin = (mean_with_interval(shares) for shares in study.teacher_recalls(k).T)
    low, high = (signed(100 * end, 1) for end in (change.low, change.high))
    return (
        f"Of the {counted(k, 'ad')} that the teacher ranks highest among the first {TWIN_DEEPEST} "
        f"of student and twin, the distilled student has {_percent(student)} in its own first {k}, "
        f"its twin {_percent(twin)}: {signed(100 * change.difference, 1)} percentage points "
        f"[{low}, {high}] (paired, n = {change.n} queries), {change.verdict}."
    )


def _percent(share: Estimate) -> str:
    """A share with its interval, in percent: 33 % [29, 38]."""
    return f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _curves(request: Request, study: Study, sentence: str) -> str:
    """Draw the share of the true best ten that each model's first ads hold; return the finding."""
    from app.kit.figures.retrieval import Spot, spots

    lines, rows = [], []
    for side, (name, role) in enumerate((("Student", "student"), ("Twin", "twin"))):
        if side and not study.has_twin:
            continue
        marks = []
        for place, ads in enumerate(study.at.tolist()):
            value = mean_with_interval(study.truths[side, :, place].astype(np.float64))
            text = f"{name}\nfirst {ads:,} ads hold {value.value:.3f} of the true best ten"
            if np.isfinite(value.value):
                marks.append(Spot(ads, value.value, value.low, value.high, text))
                rows.append({"model": name, "first ads": ads, "share": value.value,
                             "low": value.low, "high": value.high, "queries": value.n})  # fmt: skip
        lines.append((name, role, marks))
    if not rows:
        words = f"{no_truth(study)}, so how many of the best ads each model finds is not known."
        st.text(words)
        return sentence or words
    words = (
        "Of the true best ten ads, the share that a model's first ads hold; "
        f"n = {study.judged_queries} queries, 95 % intervals."
    )
    st.subheader("The true best ten among the first ads", anchor=False)
    st.text(words)
    controls.chart(
        spots(
            lines,
            ("first ads of the model (log scale)", "share of the true best ten"),
            dark=controls.dark(),
        ),
        pd.DataFrame(rows),
        words,
        "retrieval_truth",
        f"KD Lab, retrieval {request.key}",
        Caption("Recall against the truth", f"{study.ads:,} ads · n = {study.judged_queries}"),
    )
    return sentence or words
