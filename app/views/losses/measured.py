"""Measured on the bundled world: what each family brought, against labels and against response."""

from collections import Counter
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.kit import controls
from app.kit.chart_tools import Caption
from app.kit.figures.measured import Difference, differences, sentence
from app.kit.texts import number, signed
from app.views.losses.queries.measured import Measured, measured
from kdcore.metrics.definitions import CATALOG

AGAINST = {"response": "response alone", "labels": "labels only"}
VERDICTS = ("BETTER", "INCONCLUSIVE", "WORSE")
_READ = (
    "Mark: mean over seeds. Thick bar: 95 % interval over queries; thin bar: 95 % interval over "
    "seeds (Student's t). BETTER or WORSE only when both exclude 0. All methods had equal pairs, "
    "steps and seeds."
)


def draw() -> None:
    """The differences of one student in one metric, and the whole table under them."""
    table = measured()
    if table is None:
        return
    now = state.now().losses
    st.subheader("Measured on the bundled world", anchor=False)
    student = now.student if now.student in table.students else next(iter(table.students))
    if student != now.student:
        state.correct(losses={"student": student})
    metric = now.metric if now.metric in table.metrics else next(iter(table.metrics))
    with st.container(horizontal=True, vertical_alignment="bottom", key="losses_measured"):
        controls.choose("losses.student", "Student", table.students)
        controls.choose("losses.metric", "Metric", table.metrics)
    st.markdown(_summary(table, student, metric))
    for column, (against, words) in zip(st.columns(2), AGAINST.items(), strict=True):
        with column:
            _picture(table, student, metric, against, words)
    _misfits(table, student)
    st.caption(f"{_READ} {table.setting()}. {_meaning(table, metric)}")
    with st.expander("All students and methods"):
        st.dataframe(_whole(table, metric), hide_index=True, key="losses_measured_all")


def _meaning(table: Measured, metric: str) -> str:
    """The metric's name and what it is."""
    return f"{table.metrics[metric]}: {CATALOG[metric].sentence}"


def _summary(table: Measured, student: str, metric: str) -> str:
    """How many methods were better than response alone, and which differs most from it."""
    rows = table.differences(student, metric, "response")
    if not rows:
        return "For this student nothing but response alone was measured."
    counts = Counter(row.verdict for row in rows)
    words = ", ".join(f"{counts[each]} {each}" for each in VERDICTS if counts[each])
    most = max(rows, key=lambda row: abs(row.mean))
    return (
        f"{table.students[student]}, {table.metrics[metric]}: of {len(rows)} methods compared with "
        f"response alone, {words}. Largest difference: {most.name}, {signed(most.mean)} "
        f"[{signed(most.queries[0])}, {signed(most.queries[1])}], {most.verdict}."
    )


def _picture(table: Measured, student: str, metric: str, against: str, words: str) -> None:
    rows = table.differences(student, metric, against)
    title = f"{table.students[student]}: difference in {table.metrics[metric]} against {words}"
    st.markdown(f"**Against {words}**")
    if not rows:
        st.caption("Not measured.")
        return
    facts = f"{table.data['data']} · {table.setting()} · {table.data['date']}"
    controls.chart(
        differences(rows, table.metrics[metric], controls.dark()),
        _numbers(rows),
        "; ".join(map(sentence, rows)),
        f"losses_measured_{against}",
        f"KD Lab measured families; {facts}",
        Caption(title, facts),
    )


def _numbers(rows: list[Difference]) -> pd.DataFrame:
    nothing = (float("nan"), float("nan"))
    return pd.DataFrame(
        {
            "method": [row.name for row in rows],
            "difference": [row.mean for row in rows],
            "low, queries": [row.queries[0] for row in rows],
            "high, queries": [row.queries[1] for row in rows],
            "low, seeds": [(row.seeds or nothing)[0] for row in rows],
            "high, seeds": [(row.seeds or nothing)[1] for row in rows],
            "verdict": [row.verdict for row in rows],
        }
    )


def _misfits(table: Measured, student: str) -> None:
    for each in table.data.get("misfits", ()):
        if each["student"] == student:
            st.caption(f":material/lock: {each['method'].title()}: {each['reason']}")


def _whole(table: Measured, metric: str) -> pd.DataFrame:
    """A row per student and method: its value, both differences, likeness, time and memory."""
    rows = []
    for row in table.rows:
        value = row["values"][metric]
        spread = value["deviation"]
        line = {
            "student": table.students[row["student"]],
            "method": table.title(row),
            table.metrics[metric]: f"{value['mean']:.3f}"
            + ("" if spread is None else f" ± {spread:.3f}"),
        }
        for against, words in AGAINST.items():
            change = row["against"].get(against, {}).get(metric)
            line[f"against {words}"] = _cell(change) if change else "–"
        line["CKA with the teacher"] = number(row["likeness"]["cka"]["mean"])
        line["RSA with the teacher"] = number(row["likeness"]["rsa"]["mean"])
        line["ms per step"] = number(row["ms_per_step"])
        line["peak MB"] = number(row["peak_mb"])
        line["seeds"] = str(len(row["seeds"]))
        rows.append(line)
    return pd.DataFrame(rows)


def _cell(stored: dict[str, Any]) -> str:
    low, high = map(signed, stored["queries"])
    return f"{signed(stored['mean'])} [{low}, {high}] {stored['verdict']}"
