"""The settings of one stage: changed before the start, or changed and run again afterwards."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import streamlit as st

from app import services, state
from app.kit import error_box, forms
from app.kit.forms import Form, value_at
from app.kit.texts import md
from app.services import access
from app.services.links import decode
from app.services.live import recipe as live
from app.views.recipe import queries
from app.views.recipe.queries import Shown
from kdcore.catalog import METHODS
from kdcore.config import DistillConfig, TrainingConfig
from kdcore.experiments.pipeline import Pipeline, Plan
from kdcore.knobs import plain, written

_TRAINING = ("epochs", "batch_size", "learning_rate")
# knobs of a stage itself, beside its training and its method
_OWN = ("soft_weight", "hard_weight", "task_weight", "mask_share", "next_ad_weight")


def draw(plan: Plan, shown: Shown | None = None) -> None:
    """The chooser of a stage and its knobs; of an own pipeline also the button that runs it again.

    What was measured before is shown with its settings closed.
    """
    titles = live.titles(plan)
    now = state.now().recipe
    chosen = now.stage if now.stage in titles else plan.variants[0].teacher
    fixed = shown is not None and shown.pipeline is None
    label = "Settings of each stage" if fixed else "Change one stage"
    with (
        st.container(key="recipe_settings"),
        st.expander(label, icon=":material/tune:", expanded=bool(now.stage)),
    ):
        key = "recipe_stage"
        st.session_state[key] = chosen
        st.selectbox(
            "Stage",
            list(titles),
            format_func=lambda name: titles[name],
            key=key,
            width=420,
            on_change=lambda: state.change(recipe={"stage": st.session_state[key]}),
        )
        st.caption(f"{md(plan.stage(chosen).sentence)} {_what_follows(plan, chosen, fixed)}")
        _knobs(plan, chosen, fixed or services.public())
        if shown is not None and shown.pipeline is not None:
            _again(plan, shown, shown.pipeline)


def _what_follows(plan: Plan, name: str, fixed: bool) -> str:
    """The stages that read what this one makes."""
    after = plan.following({name}) - {name}
    titles = [title for stage, title in live.titles(plan).items() if stage in after]
    if not titles:
        return "No other stage reads its result."
    if fixed:
        return f"These stages build on it: {md(', '.join(titles))}."
    return f"The stages that build on it would run again as well: {md(', '.join(titles))}."


def _knobs(plan: Plan, name: str, closed: bool) -> None:
    config, sets = plan.stage(name).config, decode(state.now().recipe.settings)
    wrong = forms.problems_by_path(queries.problems(sets, plan))

    def form(group: str, values: object) -> Form:
        prefix = ".".join(filter(None, (name, group)))
        given = {p.rpartition(".")[2]: v for p, v in sets.items() if p.rpartition(".")[0] == prefix}
        present = {**plain(values), **given}
        helps = _helps(plan, name) if group == "training" else {}
        return Form(prefix, present, queries.take, wrong, closed, checked=True, helps=helps)

    training = getattr(config, "training", None)
    if training is None:
        st.caption("This stage trains nothing and has no settings of its own.")
        return
    with st.container(horizontal=True, vertical_alignment="top", gap="small", key="recipe_knobs"):
        forms.draw(TrainingConfig, form("training", training), _TRAINING)
        if own := [each.name for each in fields(config) if each.name in _OWN]:
            forms.draw(type(config), form("", config), own)
        if isinstance(config, DistillConfig):
            params = METHODS[config.method.name].params
            names = in_effect(config.method.params)
            forms.draw(params, form("method.params", config.method.params), names)


def _helps(plan: Plan, name: str) -> dict[str, str]:
    """What the numbers of a stage's training are; 0, which is refused here, is not offered."""
    rules, helps = TrainingConfig.__dataclass_fields__, {}
    for knob in _TRAINING:
        path = f"{name}.training.{knob}"
        own = plan.usual.get(path, value_at(plan.stage(name).settings, f"training.{knob}"))
        meaning = str(rules[knob].metadata["help"]).partition(";")[0]
        most = written(rules[knob].metadata["high"])
        helps[path] = f"{meaning}: {written(own)} in the recipe; more than 0 and at most {most}"
    return helps


def in_effect(params: Any) -> list[str]:
    """The knobs of a method without those that only another of its losses reads.

    The help of such a knob begins with the names of these losses: "dist: weight of ...".
    """
    rules: dict[str, Mapping[str, Any]] = {field.name: field.metadata for field in fields(params)}
    losses = {*rules["loss"].get("options", ())} if "loss" in rules else set()

    def reads(name: str) -> bool:
        of = {*str(rules[name].get("help", "")).partition(":")[0].split(", ")}
        return name == "loss" or not of <= losses or params.loss in of

    return [name for name in rules if reads(name)]


def _again(plan: Plan, shown: Shown, pipeline: Pipeline) -> None:
    """The button that runs the changed stage and what follows again."""
    sets = decode(state.now().recipe.settings)
    wrong = queries.problems(sets, plan)
    stages = {path.partition(".")[0] for path in sets}
    if sets and not wrong:
        names = plan.following(stages)
        again = [title for stage, title in live.titles(plan).items() if stage in names]
        st.caption(f"Run again: {md(', '.join(again))}. The other stages are reused.")
    driven = shown.state.state == "running"
    help = "Pause the pipeline first." if driven else "Runs this stage and all that follow it."
    closed = access.unless_public(help, ready=bool(sets) and not driven and not wrong)
    if st.button("Run again from here", icon=":material/replay:", key="recipe_again", **closed):
        with error_box.guard():
            queries.change(pipeline)
            st.rerun()
