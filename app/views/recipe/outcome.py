"""What each stage brought, and how much of the teacher's gain the students kept."""

from collections.abc import Iterable
from math import isfinite

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.figures import recipe as figures
from app.kit.figures.measured import Difference, differences
from app.kit.figures.recipe import Step
from app.kit.texts import VERDICT_MARKS, md, signed
from app.views.recipe.queries import Shown
from kdcore.experiments.pipeline import Gain, Plan, Results, Row

_HELP = (
    "ROC-AUC: how often a relevant ad scores above one that is not. What a stage brought is its "
    "model's ROC-AUC less that of the model before it, on the same test pairs, with a paired 95 % "
    "interval over queries."
)
_MARKS = "▲ BETTER, ▼ WORSE (its bar is red), ≈ INCONCLUSIVE (its bar is gray)."
_READ = (
    "Dot: a model's ROC-AUC, with its own 95 % interval. Bar: what its stage brought, which is "
    "the difference from the model before it, with its paired 95 % interval; judge a stage by its "
    f"bar. {_MARKS} Dotted line: the teacher."
)
_KEPT = (
    "Gain kept: (student − the same student on labels alone) / (teacher − the same student on "
    "labels alone), 95 % interval over queries; above 100 % the student passes its teacher. The "
    "other pages call it gap recovered."
)
_WITHOUT = (
    "Each student's last model without one part, less its last model with all parts; paired 95 % "
    "interval over queries, same test pairs."
)


def draw(shown: Shown) -> None:
    """The waterfall with its table, the gain kept, and what must be known to read them."""
    results = shown.results
    if results.rows:
        st.subheader("What each stage brought", anchor=False, help=_HELP)
        rows = in_chains(shown.plan, results.rows)
        controls.chart(
            figures.waterfall([_step(row) for row in rows], controls.dark()),
            _table(rows),
            sentence(results),
            "recipe_waterfall",
            _source(shown),
            Caption(
                f"{shown.title}: what each stage brought",
                f"n = {rows[0].n:,} test pairs · seed {shown.plan.seed} · 95 % intervals over "
                "queries, paired for bars",
                (
                    "Dot: a model's ROC-AUC. Bar: its difference from the model before it.",
                    f"{_MARKS} Dotted line: the teacher.",
                ),
            ),
        )
        _brought(rows)
        st.caption(_READ)
        _kept(shown.plan, results.gains)
    if results.variants:
        _ablation(shown, results.variants)
    for note in results.notes:
        st.caption(md(note))


def sentence(results: Results) -> str:
    """Which stage brought the most, and what the students kept."""
    if not results.rows:
        return ""
    brought = [row for row in results.rows if isfinite(row.delta)]
    if not brought:
        measured = ", ".join(f"{row.title} {row.value:.3f}" for row in results.rows)
        return f"ROC-AUC so far: {measured}; no stage can be compared yet."
    gains = _kept_in_words(results)
    if better := [row for row in brought if row.verdict == "BETTER"]:
        most = max(better, key=lambda row: row.delta)
        return (
            f"{most.title} has the largest gain over the model before it: {_on_pairs(most)} than "
            f"that model.{_rival(most, brought)} {gains}"
        ).strip()
    if any(row.verdict == "WORSE" for row in brought):
        least = min(brought, key=lambda row: row.delta)
        return f"No stage raised ROC-AUC; {least.title} lost the most: {_on_pairs(least)}."
    most = max(brought, key=lambda row: abs(row.delta))
    few = "its one comparison" if len(brought) == 1 else "the largest difference"
    return f"No stage shows a difference; {few} is {most.title}: {_on_pairs(most)}. {gains}".strip()


def _rival(most: Row, rows: Iterable[Row]) -> str:
    """The next largest gain, where the intervals of both overlap: then their order is open."""
    others = [row for row in rows if row is not most]
    rival = max(others, key=lambda row: row.delta_high, default=None)
    if rival is None or rival.delta_high < most.delta_low:
        return ""
    return (
        f" The interval of {rival.title}, {difference(rival)}, overlaps with it, so another seed "
        "may reverse the order: which stage brings most is open."
    )


def _on_pairs(row: Row) -> str:
    return f"{difference(row)} ROC-AUC on {row.n:,} pairs, {row.verdict}"


def difference(row: Row) -> str:
    """What a stage brought, with its paired 95 % interval."""
    return f"{signed(row.delta)} [{signed(row.delta_low)}, {signed(row.delta_high)}]"


def in_chains(plan: Plan, rows: Iterable[Row]) -> list[Row]:
    """The teacher's rows, then those of each student one behind the other."""
    students = ["", *plan.variants[0].finals]
    return sorted(rows, key=lambda row: students.index(row.student))


def _kept_in_words(results: Results) -> str:
    last = {gain.student: gain for gain in results.gains}
    titles = {row.stage: row.title for row in results.rows}
    shares = [f"{titles[g.stage]} {_share(g)}" for g in last.values() if g.gap.trustworthy]
    return f"AUC gain kept: {'; '.join(shares)}." if shares else ""


def _share(gain: Gain) -> str:
    return gain.text.removeprefix("AUC gain kept ")


def _brought(rows: Iterable[Row]) -> None:
    """The figures of the bars."""
    titles = {row.stage: row.title for row in rows}
    lines = [
        f"- **{md(row.title)}** against {md(titles.get(row.before, 'the model before it'))}: "
        f"{VERDICT_MARKS.get(row.verdict, '')} {difference(row)} {row.verdict}"
        for row in rows
        if isfinite(row.delta)
    ]
    if lines:
        st.markdown("\n".join(lines))


def _kept(plan: Plan, gains: Iterable[Gain]) -> None:
    lines = [f"- **{md(plan.stage(g.stage).title)}**: {md(g.text)}." for g in gains]
    if lines:
        st.markdown("\n".join(lines))
        st.caption(_KEPT)


def _ablation(shown: Shown, variants: Iterable[Row]) -> None:
    """What is lost without each part."""
    rows = [row for row in variants if isfinite(row.delta)]
    if not rows:
        return
    st.subheader("Without each part", anchor=False, help=_WITHOUT)
    drawn = [
        Difference(row.title, row.delta, (row.delta_low, row.delta_high), None, row.verdict, ())
        for row in rows
    ]
    least = min(rows, key=lambda row: row.delta)
    controls.chart(
        differences(drawn, "ROC-AUC", controls.dark()),
        _table(rows),
        f"{least.title} loses the most: {difference(least)} ROC-AUC, {least.verdict}.",
        "recipe_ablation",
        _source(shown),
        Caption(
            f"{shown.title}: without each part",
            f"n = {rows[0].n:,} test pairs · seed {shown.plan.seed} · paired 95 % intervals",
        ),
    )


def _source(shown: Shown) -> str:
    data = f"{shown.plan.data} {shown.results.data_hash}"
    return f"pipeline={shown.key} data={data} seed={shown.plan.seed}"


def _step(row: Row) -> Step:
    compared = isfinite(row.delta)
    return Step(
        name=row.title,
        role=row.role,
        value=row.value,
        interval=(row.low, row.high),
        delta=row.delta if compared else None,
        delta_interval=(row.delta_low, row.delta_high) if compared else None,
        verdict=row.verdict,
    )


def _table(rows: Iterable[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stage": row.title,
            "ROC-AUC": row.value,
            "low (95 %)": row.low,
            "high (95 %)": row.high,
            "n (pairs)": row.n,
            "steps": row.steps,
            "brought": row.delta,
            "brought low (95 %)": row.delta_low,
            "brought high (95 %)": row.delta_high,
            "verdict": row.verdict,
        }
        for row in rows
    )
