"""Settings of single stages by the stage's name and the path: {"student.training.epochs": 3}."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kdcore.config import StageConfig, to_dict
from kdcore.errors import ConfigError, UnknownNameError, lookup
from kdcore.experiments.changes import build_all, changed, put
from kdcore.experiments.pipeline.stages import Stage
from kdcore.knobs import flat

MODELS = "models"  # in the place of a stage: a model by its name, for every stage that trains it
_NEVER_ZERO = ("epochs", "batch_size", "learning_rate")  # of the training of a stage
_SHARED = ("data", "limit", "seed", "stage")  # what makes stages parts of one pipeline


def by_stage(sets: Mapping[str, Any], stages: Collection[str]) -> dict[str, dict[str, Any]]:
    """The settings of each stage by their paths; ConfigError names all that cannot be used."""
    grouped: dict[str, dict[str, Any]] = {}
    problems = []
    names = {name: name for name in (MODELS, *stages)}
    for path, value in sets.items():
        stage, dot, rest = path.partition(".")
        try:
            lookup(names, stage, "stage of this recipe")
        except UnknownNameError as error:
            problems.append(f"{path}: {error}")
            continue
        if not (dot and rest):
            problems.append(f"{path}: write STAGE.KEY=VALUE, such as {stage}.training.epochs=3")
        elif rest in _SHARED:
            problems.append(f"{path}: all stages share {rest}; give it for the whole recipe")
        else:
            grouped.setdefault(stage, {})[rest] = value
    if problems:
        raise ConfigError("These settings of stages cannot be used:", problems)
    return grouped


def usual_values(
    before: Mapping[str, Any], stages: Iterable[Stage], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The recipe's values of the settings in which stages differ from it, by stage.path.

    before: those that were known to differ; own: what stages had so far, by their names.
    """
    usual = {}
    for stage in stages:
        old, new = flat(own.get(stage.name, stage.settings)), flat(stage.settings)
        for path, value in new.items():
            value_of_recipe = before.get(f"{stage.name}.{path}", old.get(path))
            if value != value_of_recipe:
                usual[f"{stage.name}.{path}"] = value_of_recipe
    return usual


def with_settings(config: StageConfig, sets: Mapping[str, Any], stage: str) -> StageConfig:
    """The config with these settings, named by path; problems name the stage."""
    if not sets:
        return config
    problems = _zeros(config, sets)
    try:
        after = _changed(config, sets)
    except ConfigError as error:
        problems += error.problems
    if problems:
        sentences = [f"{stage}.{problem}" for problem in problems]
        raise ConfigError("These settings of stages cannot be used:", sentences)
    return after


def _changed(config: StageConfig, sets: Mapping[str, Any]) -> StageConfig:
    if hasattr(config, "training"):
        trained: Any = config
        after: StageConfig = changed(trained, sets)  # what suited an old model suits a new one
        return after
    values = to_dict(config)
    for path, value in sets.items():
        put(values, path.split("."), value)
    return build_all(type(config), values, [])


def _zeros(config: StageConfig, sets: Mapping[str, Any]) -> list[str]:
    """A sentence for each 0 in the place of a number that the recipe has.

    Elsewhere 0 asks for what suits the model, which would silently replace the recipe's number.
    """
    training: Any = getattr(config, "training", None)
    if training is None:
        return []
    return [
        f"training.{name}: 0 is too small for a stage of a recipe; give "
        f"more than 0, such as {getattr(training, name)}"
        for name in _NEVER_ZERO
        if str(sets.get(f"training.{name}", "")) in ("0", "0.0") and getattr(training, name)
    ]
