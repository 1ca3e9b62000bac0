"""plan(): the stages of a recipe on some data, before anything is written.

What the data do not allow is left out, and the plan says so in sentences.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kdcore.config import FinetuneConfig
from kdcore.data.library import WORLD
from kdcore.data.names import pairs_of
from kdcore.data.pairs import SPLITS
from kdcore.data.splits import refuse_missing
from kdcore.errors import ConfigError, lookup
from kdcore.experiments.estimate.data_stats import world_sizes
from kdcore.experiments.pipeline.recipes import ABLATED, RECIPES, Builder, Recipe, stage_names
from kdcore.experiments.pipeline.settings import MODELS, by_stage, usual_values
from kdcore.experiments.pipeline.stages import Plan, Stage, Variant
from kdcore.workspace import Workspace

_TASK = "task_"  # prefix of the columns with labels of another task
OWN_SIZES = "sizes of its own"


@dataclass(frozen=True)
class DataFacts:
    """What a recipe must know about its data: splits with pairs, and columns of other tasks."""

    splits: tuple[str, ...]
    tasks: tuple[str, ...]


def plan(
    name: str,
    *,
    data: str = "",
    limit: int | None = None,
    small: bool = False,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
    sets: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
    ablation: bool = False,
    workspace: Workspace | None = None,
) -> Plan:
    """Plan a recipe; ConfigError or DataError when it cannot be carried out.

    data: "" or "world" is the bundled world in the sizes of the recipe. limit: pairs of train and
    of validation at most; None is the recipe's for other data, 0 takes all. sets: settings of
    stages, {"student.training.epochs": 3}; "models.student" is the model of all of its stages.
    without: parts that are left out. ablation: also the recipe without each part in turn; stages
    that are equal are run once.
    """
    recipe = lookup(RECIPES, name, "recipe")
    preset = recipe.small if small else recipe.full
    grouped = by_stage(sets or {}, stage_names(recipe))
    _refuse_unknown(recipe, without, grouped.get(MODELS, {}))
    own = data not in ("", WORLD)
    common: dict[str, Any] = {
        "data": data if own else preset.data,
        "limit": (preset.limit if own else 0) if limit is None else limit,
        "seed": seed,
    } | {"device": device, "threads": threads}
    facts = _facts_of(FinetuneConfig(**common), workspace or Workspace.default())
    possible, left_out = _possible(recipe, facts)
    parts = [part for part in possible if part not in without]
    scored = [s for s in SPLITS if s in facts.splits and (s != "log" or "log" in parts)]
    pretrained = "log" if "log" in facts.splits else "train"
    builder = Builder(preset, common, tuple(scored), grouped, pretrained)
    stages, variants = _merged(builder, parts, ablation)
    return Plan(
        recipe=name,
        title=recipe.title,
        data=common["data"],
        limit=common["limit"],
        small=small,
        seed=seed,
        without=tuple(without),
        ablation=ablation,
        left_out=left_out,
        stages=stages,
        variants=variants,
        usual=_usual(builder, parts, ablation, stages),
    )


def size_of(plan: Plan) -> str:
    """The recipe's size that a plan has, "small" or "full", or OWN_SIZES where it has neither."""
    preset = RECIPES[plan.recipe].small if plan.small else RECIPES[plan.recipe].full
    is_world = plan.data.partition(":")[0] == WORLD
    usual = (preset.data, 0) if is_world else (plan.data, preset.limit)
    if (plan.data, plan.limit) != usual:
        return OWN_SIZES
    return "small" if plan.small else "full"


def _usual(
    builder: Builder, parts: Sequence[str], ablation: bool, stages: Sequence[Stage]
) -> dict[str, Any]:
    """The recipe's own values of the settings that were given for stages."""
    own, _ = _merged(replace(builder, sets={}), parts, ablation)
    return usual_values({}, stages, {stage.name: stage.settings for stage in own})


def _refuse_unknown(recipe: Recipe, without: Collection[str], models: Collection[str]) -> None:
    """ConfigError for parts and models that the recipe does not have."""
    problems = [
        f"without: {part}; choose from {', '.join(recipe.parts)}"
        for part in without
        if part not in recipe.parts
    ] + [
        f"{MODELS}.{model}: the models are {', '.join(recipe.full.models)}"
        for model in models
        if model not in recipe.full.models
    ]
    if problems:
        raise ConfigError(f"The recipe {recipe.name} has no such part or model:", problems)


def _facts_of(config: FinetuneConfig, workspace: Workspace) -> DataFacts:
    """The splits and tasks of the data; for the world they are read from a small sample."""
    sizes = world_sizes(config.data)
    if sizes:
        few = ",".join(f"{split}={min(pairs, 200)}" for split, pairs in sizes.items())
        config = replace(config, data=f"{WORLD}:{few}")
    pairs = pairs_of(config, workspace)
    refuse_missing(pairs, "a recipe")
    columns = pairs.frame.columns
    return DataFacts(pairs.splits, tuple(c for c in columns if c.startswith(_TASK)))


def _possible(recipe: Recipe, facts: DataFacts) -> tuple[list[str], tuple[str, ...]]:
    """The parts that the data allow, and a sentence for each of the others."""
    reasons = {}
    if "log" not in facts.splits:
        reasons["log"] = (
            "These data have no log of unlabelled pairs, so the students learn from the labelled "
            "pairs alone."
        )
    if len(facts.tasks) < 2:
        reasons["multitask"] = (
            f"These data have no other tasks (columns {_TASK}NAME), so the teacher learns "
            "relevance alone."
        )
    possible = [part for part in recipe.parts if part not in reasons]
    return possible, tuple(reasons[part] for part in recipe.parts if part in reasons)


def _merged(
    builder: Builder, parts: Sequence[str], ablation: bool
) -> tuple[tuple[Stage, ...], tuple[Variant, ...]]:
    """The stages of the recipe, and of its ablation, equal ones once; and all of its variants.

    Stages are equal when their settings are, with equal stages in their places.
    """
    stages: dict[str, Stage] = {}
    by_settings: dict[str, str] = {}
    variants = []
    for left in ("", *(part for part in ABLATED if part in parts and ablation)):
        rest = [part for part in parts if part != left]
        variant, names = builder.variant(left, rest), dict[str, str]()
        for stage in builder.stages(rest):
            new = f"{stage.name}-no-{left}" if left else stage.name
            moved = stage.renamed(names, new)
            name = by_settings.setdefault(json.dumps(moved.settings, sort_keys=True), new)
            names[stage.name] = name
            stages.setdefault(name, moved)
        variants.append(
            replace(
                variant,
                teacher=names[variant.teacher],
                finals={k: names[v] for k, v in variant.finals.items()},
                twins={k: names[v] for k, v in variant.twins.items()},
            )
        )
    return tuple(stages.values()), tuple(variants)
