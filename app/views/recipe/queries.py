"""What the Recipe page plans, starts and reads."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from math import isnan
from typing import Any

from app import services, state
from app.kit.by_hash import by_hash
from app.services import access
from app.services.boards import refuse_other_data
from app.services.links import decode, encode
from app.services.live import recipe as live
from kdcore.errors import ConfigError, LabError
from kdcore.experiments import pipeline as recipes
from kdcore.experiments.pipeline import (
    PARTS,
    RECIPES,
    Measured,
    Pipeline,
    PipelineState,
    Plan,
    Results,
    StageEstimate,
)
from kdcore.workspace import Workspace

_LONGEST = 2_000  # characters of State.recipe.settings
_BEFORE, _BUNDLED = "measured:", live.BUNDLED  # in a link, before a pipeline's name
MOST = 20  # pipelines of a workspace that are offered


@dataclass(frozen=True)
class Planned:
    """What would run, and its estimates; plan is None while problems remain.

    shape: the plan, or while problems remain the plan without the changed settings, so that they
    can be mended; None where there is none either.
    """

    plan: Plan | None
    shape: Plan | None = None
    estimates: tuple[StageEstimate, ...] = ()
    problem: LabError | None = None

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Expected, least and most of all stages together; nan where a stage is not known."""
        parts = [(each.seconds, each.low, each.high) for each in self.estimates]
        expected, low, high = (sum(column) for column in zip(*parts, strict=True))
        return expected, low, high

    @property
    def is_timed(self) -> bool:
        """Whether the time of every stage is known."""
        return bool(self.estimates) and not isnan(self.seconds[0])


@dataclass(frozen=True)
class Shown:
    """The pipeline on the page: of the workspace, bundled, or measured before, without its runs.

    key: its name in a link. pipeline: of one of the workspace, which can be started and changed.
    measured: of one measured before.
    """

    key: str
    title: str
    plan: Plan
    state: PipelineState
    results: Results
    pipeline: Pipeline | None = None
    measured: Measured | None = None


def planned() -> Planned:
    """The plan of the present choices."""
    now = state.now().recipe
    if now.recipe not in RECIPES:
        state.ignore(f"recipe: none is called {now.recipe[:40]!r}; the first is shown")
        state.correct(recipe={"recipe": next(iter(RECIPES))})
        now = state.now().recipe
    parts = RECIPES[now.recipe].parts
    without = tuple(part for part in now.without.split(",") if part in parts)
    return _planned(now.recipe, now.data, now.size, now.seed, now.settings, without, now.ablation)


@by_hash(
    most=30,
    seconds=10,
    spinner="Counting pairs…",
    on=lambda *choices: (access.home().root, access.public(), choices),
)
def _planned(
    name: str,
    data: str,
    size: str,
    seed: int,
    settings: str,
    without: tuple[str, ...],
    ablation: bool,
) -> Planned:
    home = access.home()
    common: dict[str, Any] = {
        "data": data,
        "small": size == "small",
        "seed": seed,
        "without": without,
        "ablation": ablation,
    }
    try:
        refuse_other_data(data)
        plan = recipes.plan(name, **common, sets=decode(settings), workspace=home)
        return Planned(plan, plan, tuple(recipes.estimates(plan, home)))
    except LabError as error:
        shape = None
        with suppress(LabError):
            refuse_other_data(data)
            shape = recipes.plan(name, **common, workspace=home)
        return Planned(None, shape, problem=error)


def shown() -> Shown | None:
    """The pipeline of the link, else the newest of the workspace, else one to look at.

    None where the plan is shown.
    """
    now = state.now().recipe
    if now.planning:
        return None
    if now.pipeline:
        if (linked := _linked(now.pipeline)) is not None:
            return linked
        state.ignore(f"pipe: no pipeline here is called {now.pipeline[:60]!r}")
        state.correct(recipe={"pipeline": ""})
    first = next(iter(offered()), None)
    return None if first is None else _linked(first)


def _linked(key: str) -> Shown | None:
    if key.startswith(_BEFORE):
        return next((_before(each) for each in measured() if _key(each) == key), None)
    if key.startswith(_BUNDLED):
        own = (p for p in _readable(access.demo()) if f"{_BUNDLED}{p.id}" == key)
        return next((_bundled(p, key) for p in own), None)
    pipeline = live.find(key)
    return None if pipeline is None else _own(pipeline)


def _own(pipeline: Pipeline) -> Shown:
    stands = recipes.state(pipeline)
    done = tuple(stage.run for stage in stands.stages if stage.state == "finished")
    try:
        results = _results(pipeline, done)
    except LabError as error:  # its data were deleted, say; the stages can still be looked at
        results = Results(rows=(), gains=(), variants=(), notes=(error.for_app,))
    return Shown(
        key=pipeline.id,
        title=title(pipeline.plan),
        plan=pipeline.plan,
        state=stands,
        results=results,
        pipeline=pipeline,
    )


def _before(measured: Measured) -> Shown:
    return Shown(
        key=_key(measured),
        title=title(measured.plan),
        plan=measured.plan,
        state=live.with_values(measured.state, measured.results),
        results=measured.results,
        measured=measured,
    )


def _bundled(pipeline: Pipeline, key: str) -> Shown:
    own = _own(pipeline)
    return replace(own, key=key, pipeline=None, state=live.with_values(own.state, own.results))


def _key(measured: Measured) -> str:
    return f"{_BEFORE}{measured.name}"


def offered() -> dict[str, str]:
    """The pipelines that the page can show, by their names in a link, with their titles.

    Those of the workspace come first, the newest before the others.
    """
    own = {p.id: f"{title(p.plan)} · {p.id}" for p in _readable(access.home())}
    bundled = {f"{_BUNDLED}{p.id}": f"{title(p.plan)} · bundled" for p in _readable(access.demo())}
    before = {_key(m): f"{title(m.plan)} · measured {m.day}" for m in measured()}
    return own | bundled | before


def _readable(workspace: Workspace) -> list[Pipeline]:
    """The newest pipelines of a workspace; a damaged one is left out."""
    return list(islice(filter(live.is_readable, recipes.pipelines(workspace)), MOST))


def measured() -> tuple[Measured, ...]:
    """Pipelines that were measured before; `kdlab recipe measured` writes them."""
    return recipes.read_measured(access.ASSETS / "measured" / "recipe.json")


def title(plan: Plan) -> str:
    """The recipe's title, its size, data, seed and parts, without the sizes of the world."""
    data = data_titles().get(plan.data.partition(":")[0], plan.data)
    facts = [recipes.size_of(plan), data, f"seed {plan.seed}"]
    facts += [PARTS[part].partition(":")[0] for part in plan.without]
    facts += ["each part left out in turn"] * plan.ablation
    facts += ["changed from the recipe"] * bool(plan.usual)
    return f"{plan.title} ({', '.join(facts)})"


def start(plan: Plan) -> None:
    """Begin a new pipeline of a plan and show it."""
    access.refuse_public()
    pipeline = recipes.create(plan, access.home())
    recipes.start(pipeline)
    state.change(recipe={"pipeline": pipeline.id, "planning": "", "settings": ""})


def go_on(pipeline: Pipeline) -> None:
    """Start a pipeline that is paused, failed, lost or new."""
    access.refuse_public()
    recipes.start(pipeline)


def pause(pipeline: Pipeline) -> None:
    """Begin no further stage, and pause those at work."""
    access.refuse_public()
    recipes.pause(pipeline)


def change(pipeline: Pipeline) -> tuple[str, ...]:
    """Give stages the settings of the form and run them, and what follows, again."""
    access.refuse_public()
    after, again = recipes.change(pipeline, decode(state.now().recipe.settings))
    recipes.start(after)
    state.change(recipe={"settings": ""})
    return tuple(after.plan.stage(name).title for name in again)


def plan_alike(plan: Plan) -> None:
    """Open the choices of a new pipeline on those of this plan."""
    state.change(
        recipe={
            "planning": "1",
            "settings": "",
            "recipe": plan.recipe,
            "size": "small" if plan.small else "full",
            "data": plan.data.partition(":")[0],
            "seed": plan.seed,
            "without": ",".join(plan.without),
            "ablation": plan.ablation,
        }
    )


def take(path: str, value: Any) -> None:
    """Set one setting of a stage, by stage.path."""
    text = encode(decode(state.now().recipe.settings) | {path: value})
    if len(text) > _LONGEST:
        state.ignore(f"settings: {len(text):,} characters do not fit into a link")
        return
    state.change(recipe={"settings": text})


def problems(settings: Mapping[str, Any], plan: Plan) -> tuple[str, ...]:
    """What is wrong with settings of a plan's stages, a sentence each."""
    from kdcore.experiments.pipeline.settings import MODELS, by_stage, with_settings

    own = {path: value for path, value in settings.items() if not path.startswith(f"{MODELS}.")}
    try:
        for name, sets in by_stage(own, [s.name for s in plan.stages]).items():
            with_settings(plan.stage(name).config, sets, name)
    except ConfigError as error:
        return error.problems or (str(error),)
    return ()


@by_hash(most=20, on=lambda pipeline, done: (pipeline.folder, done))
def _results(pipeline: Pipeline, done: tuple[str, ...]) -> Results:
    """The table of what is finished; measured once per set of finished runs."""
    return recipes.results(pipeline)


def data_titles() -> dict[str, str]:
    """The data sets that a recipe can take."""
    return {choice.key: choice.title for choice in services.data_choices()}
