"""The choices of a recipe before it starts: which, on what data, how large, and what it costs."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import pandas as pd
import streamlit as st

from app import services, state
from app.kit import controls, error_box, forms
from app.kit.texts import duration, md
from app.parts.lead_to import on_next_page
from app.services import access
from app.services.links import decode
from app.services.live import recipe as live
from app.state import keys
from app.views.recipe import queries
from app.views.recipe.queries import Planned, Shown
from kdcore.catalog import STUDENTS
from kdcore.catalog.students import SIZES
from kdcore.config import FinetuneConfig
from kdcore.errors import ConfigError
from kdcore.experiments.pipeline import OWN_SIZES, PARTS, RECIPES, StageEstimate, size_of
from kdcore.experiments.pipeline.settings import MODELS

_SIZES = {"small": "Small", "full": "Full"}
_SIZES_ARE = {False: "", True: " in the recipe's own sizes"}
_MODELS = {
    "teacher": "the teacher",
    "student": "the students",
    "cdssm": "the C-DSSM students",
    "twinbert": "the TwinBERT students",
}


def draw(planned: Planned) -> None:
    """Recipe, size, data and seed side by side."""
    now = state.now().recipe
    titles = {name: recipe.title for name, recipe in RECIPES.items()}
    data = queries.data_titles()
    data = data if now.data in data else {now.data: now.data, **data}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="recipe_form"):
        controls.select("recipe.recipe", "Recipe", titles, width=330)
        controls.choose("recipe.size", "Size", _SIZES, label_visibility="visible")
        controls.select("recipe.data", "Data", data, width=200)
        _seed()
    left_out = planned.shape.left_out if planned.shape is not None else ()
    but = f"**Not on these data:** {md(' '.join(left_out))}" if left_out else ""
    st.caption(f"{md(_what_it_does(planned))} {but}".strip())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _models(now.recipe, now.size, decode(now.settings))
        _parts(now.recipe)


def _seed() -> None:
    """The seed; what is no seed stays in its field, and what is wrong with it stands below."""
    key, wrong = "w_rseed", _wrong_seed()
    st.session_state[key] = float(state.now().recipe.seed if wrong is None else wrong)
    problems = {} if wrong is None else {"recipe.seed": _problems_of_seed(wrong)}
    with forms.cell("recipe.seed", problems, 140):
        st.number_input(
            "Seed (0 or more)",
            step=1.0,
            format="%g",
            key=key,
            on_change=_take_seed,
            args=(key,),
            help="A whole number from 0 to 2,147,483,647 from which the first weights and the "
            "order of the pairs are drawn: any will do, and the same one gives the same models.",
        )


def _take_seed(key: str) -> None:
    if (value := st.session_state.get(key)) is None:
        return
    st.session_state.pop(keys.SEED_REFUSED, None)
    if _problems_of_seed(value):
        st.session_state[keys.SEED_REFUSED] = state.now().recipe.seed, value
    else:
        state.change(recipe={"seed": int(value)})


def _wrong_seed() -> float | None:
    """What was typed and is no seed, until another seed is chosen."""
    seed, wrong = st.session_state.get(keys.SEED_REFUSED, (None, None))
    return wrong if seed == state.now().recipe.seed else None


def _problems_of_seed(value: float) -> list[str]:
    whole: Any = int(value) if float(value).is_integer() else value
    try:
        FinetuneConfig(seed=whole)
    except ConfigError as error:
        return forms.problems_by_path(error.problems).get("seed", [])
    return []


def _what_it_does(planned: Planned) -> str:
    """The recipe in a sentence, with the log only where a stage learns from it."""
    recipe = RECIPES[state.now().recipe.recipe]
    stages = planned.shape.stages if planned.shape is not None else ()
    has_log = not stages or any(stage.settings.get("transfer") == "log" for stage in stages)
    return recipe.sentence if has_log else recipe.without_log


def _models(recipe: str, size: str, sets: Mapping[str, Any]) -> None:
    """The model of the teacher and of each student: of the catalog, or written as in a command."""
    usual = (RECIPES[recipe].small if size == "small" else RECIPES[recipe].full).models
    titles = {name: student.title for name, student in STUDENTS.items()}
    fields = forms.Form(MODELS, {}, queries.take, {}, services.public())
    help = "A name of the catalog, or a model written as in a command: bert:layers=2,hidden=128."
    for name, spec in usual.items():
        path = fields.path(name)
        model = titles.get(spec.partition(":")[0], spec.partition(":")[0])
        if model in SIZES:
            model = f"BERT-{SIZES[model]['layers']}"
        own = {spec: f"{model} (the recipe's default)"}
        label = f"Model of {_MODELS.get(name, name)}"
        present = str(sets.get(path, spec))
        forms.pick(
            fields, path, label, own | titles, present, help,
            width=330, accept_new_options=True,
        )  # fmt: skip


def _parts(recipe: str) -> None:
    """Which parts are left out, and whether each is left out in turn beside the whole recipe."""
    parts, key = RECIPES[recipe].parts, "recipe_without"
    st.session_state[key] = [p for p in state.now().recipe.without.split(",") if p in parts]
    st.multiselect(
        "Leave out",
        list(parts),
        format_func=lambda part: PARTS[part].partition(":")[0],
        key=key,
        placeholder="nothing",
        help="; ".join(PARTS[part] for part in parts) + ".",
        width=330,
        on_change=lambda: state.change(recipe={"without": ",".join(st.session_state[key])}),
    )
    controls.bound(
        st.checkbox,
        "recipe.ablation",
        "Also without each part in turn",
        help="Ablation: the recipe is run again without each part; equal stages are run once.",
    )


def start(planned: Planned) -> None:
    """The button, or what stands in its way."""
    if planned.problem is not None:
        error_box.draw(*error_box.words(planned.problem))
    ready = planned.plan is not None and _wrong_seed() is None
    pressed = st.button(
        "Start the recipe",
        type="primary",
        icon=":material/play_arrow:",
        key="recipe_start",
        **access.unless_public("Runs the stages one by one.", ready=ready),
    )
    if state.now().recipe.settings:
        st.button(
            "Reset to the recipe's settings",
            key="recipe_reset",
            icon=":material/restart_alt:",
            on_click=state.change,
            kwargs={"recipe": {"settings": ""}},
        )
    if pressed and planned.plan is not None:
        with error_box.guard():
            queries.start(planned.plan)
            st.rerun()


def sentence(planned: Planned) -> str:
    """How long the recipe would take, in a sentence."""
    if planned.plan is None:
        return "This recipe cannot run: see the message below."
    count = len(planned.plan.stages)
    if planned.estimates and all(each.run for each in planned.estimates):
        return f"{planned.plan.title}: each of its {count} stages has a run here already."
    if not planned.is_timed:
        return (
            f"{planned.plan.title}: {count} stages; their time can be estimated once a run has "
            "finished on this machine."
        )
    expected, low, high = map(duration, planned.seconds)
    return (
        f"{planned.plan.title}: {count} stages would take about {expected} on this machine "
        f"({low} to {high})."
    )


def estimates(planned: Planned) -> None:
    """Time, memory and pairs of each stage."""
    if planned.plan is None:
        return
    titles = live.titles(planned.plan)
    rows = [
        {
            "Stage": titles[each.stage],
            "Time": _time(each),
            "Memory": _memory(each),
            "Pairs": f"{each.pairs:,}" if each.pairs else "",
            "Basis": f"run {each.run}, reused" if each.run else each.basis,
        }
        for each in planned.estimates
    ]
    with st.container(key="recipe_estimates"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="recipe_estimates_table")


def _memory(each: StageEstimate) -> str:
    if each.run:
        return "none"
    return f"{each.memory_mb:,.0f} MiB" if isfinite(each.memory_mb) else "not known"


def _time(each: StageEstimate) -> str:
    if each.run:
        return "none"
    if not isfinite(each.seconds):
        return "not known"
    return f"{duration(each.seconds)} ({duration(each.low)} to {duration(each.high)})"


def others(shown: Shown | None) -> None:
    """The pipelines that can be shown, and the way to a new plan."""
    titles = queries.offered()
    if not titles:
        return
    key = "recipe_which"
    with st.container(horizontal=True, vertical_alignment="bottom", key="recipe_pipelines"):
        st.session_state[key] = shown.key if shown and shown.key in titles else None
        st.selectbox(
            "Pipeline",
            list(titles),
            format_func=lambda name: titles[name],
            key=key,
            placeholder="New pipeline, planned below",
            width=480,
            on_change=_open,
            args=(key,),
        )
        if shown is not None:
            st.button(
                "Plan one like it",
                key="recipe_plan",
                type="secondary" if shown.pipeline else "primary",
                icon=":material/add:",
                on_click=queries.plan_alike,
                args=(shown.plan,),
                help="Shows the choices and the estimates of a new pipeline"
                f"{_SIZES_ARE[size_of(shown.plan) == OWN_SIZES]}; nothing starts yet.",
            )


def _open(key: str) -> None:
    if chosen := st.session_state.get(key):
        state.change(recipe={"pipeline": chosen, "planning": "", "settings": ""})
        if state.now().lesson:  # the lesson at the bottom speaks of this picture
            on_next_page(".st-key-chart_recipe_waterfall")
