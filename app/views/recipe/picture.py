"""The stages as boxes, with the controls of the pipeline that they belong to."""

from collections.abc import Iterator, Mapping
from typing import Any

import streamlit as st

from app import state
from app.kit import error_box
from app.kit.forms import title_of
from app.kit.texts import md
from app.parts.lead_to import on_next_page
from app.services import access
from app.services.live import recipe as live
from app.services.runs.listing import key_of
from app.state import keys
from app.views.recipe import queries
from app.views.recipe.parts.boxes import boxes
from app.views.recipe.queries import Shown
from kdcore.experiments.pipeline import Measured, Pipeline, Plan

_STANDS = {
    "new": "has not begun",
    "running": "is running",
    "paused": "is paused",
    "finished": "is finished",
    "failed": "did not finish",
    "lost": "has been interrupted",
}
_GO_ON = {"new": "Start", "paused": "Resume", "failed": "Try again", "lost": "Resume"}


def changes(planned: Plan) -> str:
    """What differs from the recipe's own settings, as Markdown; "" where nothing does."""
    titles = live.titles(planned)
    parts = [
        f"{md(titles[stage.name])}: {md(title_of(path.rpartition('.')[2]).lower())} "
        f"**{md(str(value))}** (recipe: {md(str(planned.usual[f'{stage.name}.{path}']))})"
        for stage in planned.stages
        for path, value in planned.changed(stage.name).items()
    ]
    more = f"; and {len(parts) - 8} more" if len(parts) > 8 else ""
    return f"Changed from the recipe: {'; '.join(parts[:8])}{more}." if parts else ""


def plan(planned: Plan) -> None:
    """The stages that would run."""
    without = live.left_out(planned)
    stages = [
        {
            "name": stage.name,
            "title": stage.title,
            "without": without.get(stage.name, ""),
            "role": stage.role,
            "after": list(stage.needs),
            "state": "waiting",
            "run": "",
            "share": 0.0,
            "words": "planned",
            "value": None,
        }
        for stage in planned.stages
    ]
    if text := changes(planned):
        st.caption(text)
    with st.container(key="recipe_picture"):
        now = {"state": "new", "message": "", "stages": stages, "done": 0}
        boxes(now, "", "recipe_boxes_plan", _on_open, lambda: None)


def pipeline(shown: Shown) -> None:
    """The stages as they stand."""
    now = live.in_words(shown.plan, shown.state)
    if shown.pipeline is not None:
        _controls(shown.pipeline, now)
    if text := changes(shown.plan):
        st.caption(text)
    with st.container(key="recipe_picture"):
        boxes(now, shown.pipeline.id if shown.pipeline else "", "recipe_boxes", _on_open, _on_end)
    for line in _former(shown.pipeline) if shown.pipeline else ():
        st.caption(line)
    if shown.measured is not None:
        st.caption(_origin(shown.measured))


def _former(shown: Pipeline) -> Iterator[str]:
    """What the earlier runs of a stage reached, beside its present one: they are kept in Runs."""
    present, titles = shown.run_ids(), live.titles(shown.plan)
    for name, runs in shown.former().items():
        for run in (each for each in runs if each != present.get(name) and name in titles):
            value = live.roc_auc(shown.workspace.run_folder(run))
            yield f"Before the change, {md(titles[name])}{value}: run {md(run)}, kept in Runs."


def _origin(measured: Measured) -> str:
    """When, how and where a pipeline was measured, whose runs are not here."""
    versions = ", ".join(f"{name} {v}" for name, v in measured.versions.items())
    return (
        f"Measured before, on {md(measured.day)}, with `{measured.command}` "
        f"({md(measured.machine)}; {md(versions)}). It trained a teacher of its own, "
        "which is not that of the other pages. Its runs are not in this workspace: a box "
        "shows the settings of its stage."
    )


def sentence(shown: Shown) -> str:
    """How far a pipeline is, or when it was measured."""
    if shown.measured is not None:
        return f"{shown.title}, measured before, on {shown.measured.day}."
    now = shown.state
    titles = live.titles(shown.plan)
    at_work = [titles[stage.name] for stage in now.stages if stage.state == "running"]
    work = f"; running: {', '.join(at_work)}" if at_work else ""
    done = f"{now.done} of {now.total} stages are done"
    return f"{shown.title} {_STANDS[now.state]}: {done}{work}."


def _controls(shown: Pipeline, now: Mapping[str, Any]) -> None:
    if now["message"]:
        st.error(md(now["message"]), icon=":material/error:")
    with st.container(horizontal=True, key="recipe_controls"):
        if label := _GO_ON.get(now["state"]):
            help = "The finished stages are kept; the others go on from their checkpoints."
            if st.button(
                label, icon=":material/play_arrow:", key="recipe_go_on", type="primary",
                **access.unless_public(help),
            ):  # fmt: skip
                with error_box.guard():
                    queries.go_on(shown)
                    st.rerun()
        pausing = shown.driver().order == "pause"
        pause = access.unless_public(
            "Saves checkpoints; Resume goes on from them.", ready=not pausing
        )
        if now["state"] == "running" and st.button(
            "Pausing…" if pausing else "Pause",
            icon=":material/pause:",
            key="recipe_pause",
            **pause,
        ):
            with error_box.guard():
                queries.pause(shown)
                st.rerun()


def _on_open(sent: Any) -> None:
    """A box was pressed: its run opens in Runs; one without a run shows its settings."""
    if not isinstance(sent, Mapping):
        return
    if run := str(sent.get("run") or ""):
        st.session_state[keys.RECIPE_OPEN] = run
    else:
        state.change(recipe={"stage": str(sent.get("stage") or "")})
        on_next_page(".st-key-recipe_settings")  # they may stand far below the picture


def go_to_run(run: str, shown: Shown | None) -> None:
    """Let Runs open on a run of a pipeline, on the pipeline's data, its row marked."""
    key = key_of(run) if shown is not None and shown.pipeline is not None else run
    opened = {"opened": key, "selected": key, "tab": "one", "search": ""}
    data = shown.plan.data.partition(":")[0] if shown is not None else ""
    if data in queries.data_titles() and data != state.now().data_set:
        state.stand_on(data, entry=False, runs=opened)
    else:
        state.correct(runs=opened)
    on_next_page(".st-key-runs_views")


def _on_end() -> None:
    """A stage came to another state: the page draws its numbers anew."""
