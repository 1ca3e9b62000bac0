"""The tasks of a run: accuracies beside majority shares, and their course over the training."""

import pandas as pd
import streamlit as st

from app.kit import controls
from app.kit.figures import training as figures
from app.kit.figures.training import Curve
from app.services.runs.entry import Entry
from app.services.runs.listing import RunsView
from app.views.runs.drift import caption, inputs
from app.views.runs.queries.curves import points_of
from kdcore.evaluation.tasks import DEFINITION, read_tasks, task_rows
from kdcore.labels import TASK_PREFIX

_TITLE = "validation accuracy"


def draw(view: RunsView, entry: Entry) -> None:
    """A table and a curve per task; nothing for a run of relevance alone."""
    measured = read_tasks(entry.row.run.folder)
    curves = task_curves(entry)
    if not measured and not curves:
        return
    with st.expander("Tasks", expanded=True):
        if measured:
            rows = pd.DataFrame(task_rows(measured))
            st.dataframe(rows, hide_index=True, key="runs_tasks", alt=f"Tasks of {entry.title}.")
            st.caption(DEFINITION)
        if curves:
            figure = figures.training_curves(curves, _TITLE, controls.dark())
            table = figures.curves_table(curves, _TITLE).drop(columns=["run", "family"])
            controls.chart(
                figure.update_layout(showlegend=False),  # each curve has its name at its end
                table.rename(columns={"title": "task"}),
                sentence(curves),
                "runs_task_curves",
                inputs(view),
                caption(view, f"{_TITLE} of each task over steps, {entry.title}", [entry]),
            )


def task_curves(entry: Entry) -> list[Curve]:
    """The validation accuracy of each task at each validation, where there were two or more."""
    run = entry.row.run
    before = f"validation_{TASK_PREFIX}"
    line = next((x for x in run.metric_lines if any(k.startswith(before) for k in x)), {})
    curves = []
    for key in (key for key in line if key.startswith(before)):
        points = points_of(run, key)
        name = key.removeprefix(before).replace("_", " ")
        if len(points) > 1:
            curves.append(Curve(key, name, name, "", points))
    return curves


def sentence(curves: list[Curve]) -> str:
    """What the chart shows, in words."""
    ends = [f"{c.title} {c.points[0][1]:.3f} to {c.points[-1][1]:.3f}" for c in curves]
    return (
        f"Share of validation pairs whose class the model finds, first to last: {'; '.join(ends)}."
    )
