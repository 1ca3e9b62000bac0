"""Settings by their dotted path: a config changed in some places, and where two configs differ.

    changed(config, {"method.params.temperature": 4, "student": "cdssm"})

Presets, sweeps, links of the app and command lines all speak of settings in this way.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import yaml

from kdcore import knobs
from kdcore.catalog import SIZES, STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig, to_dict
from kdcore.errors import ConfigError
from kdcore.knobs import build

Config = TypeVar("Config", bound=FinetuneConfig | DistillConfig)
Kind = TypeVar("Kind")
# groups with names of their own: the knob that adds one, and what takes one away again
_ADDING = {"terms": "weight", "schedules": "end"}
ABSENT: dict[str, tuple[str, Any]] = {"terms": ("weight", 0.0), "schedules": ("kind", "constant")}
# dropped when another model or method is named
_OF_A_NAME = ("params", "checkpoint", "start_from", "layers_from")


def put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Write one value at its path; a group that gets another `name` drops its knobs."""
    group = values
    for step in path[:-1]:
        inner = group.get(step)
        group[step] = dict(inner) if isinstance(inner, Mapping) else {}
        group = group[step]
    if path[-1] == "name" and group.get("name", value) != value:
        for key in _OF_A_NAME:
            group.pop(key, None)
    group[path[-1]] = value


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The config with values at some paths replaced; ConfigError names every problem at once.

    A model may be a short text ("bert:layers=3"). Values may be texts, as a link holds them. What
    suited the former model (epochs, batch, step size) becomes what suits the new one, unless it is
    among the changes.
    """
    values, role = to_dict(config), role_of(config)
    problems: list[str] = []
    for path in sorted(changes, key=lambda path: path.count(".")):  # a name before its knobs
        value = changes[path]
        if path == role and isinstance(value, str):
            value = read_model(role, value, problems)
            if value is None:
                continue
        put(values, path.split("."), value)
    _reset_training(values, config, changes)
    return build_all(type(config), values, problems)


def read_model(role: str, text: str, problems: list[str]) -> dict[str, Any] | None:
    """The plain values of a model's short text; None, and a problem more, if it cannot be read."""
    try:
        return to_dict(ModelConfig.parse(text))
    except ConfigError as error:
        problems += [f"{role}.{problem}" for problem in error.problems]
    except yaml.YAMLError:
        problems.append(f"{role}: {text!r} cannot be read; write name:knob=value")
    return None


def build_all(kind: type[Kind], values: Mapping[str, Any], problems: Sequence[str]) -> Kind:
    """The config of these values; ConfigError names these problems and those of the values."""
    try:
        config = build(kind, values)
    except ConfigError as error:
        raise ConfigError(error.headline, [*problems, *error.problems]) from None
    if problems:
        raise ConfigError("These settings cannot be used:", problems)
    return config


def differences(base: Config, other: Config) -> dict[str, Any]:
    """The fewest settings that make `base` into `other`: changed(base, these) == other."""
    role = role_of(base)
    before, after = flat(base), flat(other)
    named = [f"{role}.name", f"{role}.checkpoint", "method.name"]
    names = {path: after[path] for path in named if after.get(path) != before.get(path)}
    for group, knob in _ADDING.items():
        here, there = ([g.name for g in getattr(c, group, ())] for c in (base, other))
        gone, value = ABSENT[group]
        new = [f"{group}.{n}.{knob}" for n in there if n not in here]
        names |= {path: after[path] for path in new}
        names |= {f"{group}.{n}.{gone}": value for n in here if n not in there}
    between = flat(changed(base, names)) if names else before
    rest = {path: value for path, value in after.items() if between.get(path) != value}
    return names | rest


def flat(config: Any) -> dict[str, Any]:
    """Every setting of a config by its path."""
    return knobs.flat(knobs.plain(config))  # to_dict would leave some defaults out


def role_of(config: FinetuneConfig | DistillConfig) -> str:
    """What the trained model is called in a config: model, or student."""
    return "student" if isinstance(config, DistillConfig) else "model"


def _reset_training(values: dict[str, Any], config: Any, changes: Mapping[str, Any]) -> None:
    """Set the old model's usual training to 0, for which the config takes the new model's usual."""
    role = role_of(config)
    old, group = getattr(config, role).name, values.get(role)
    if not isinstance(group, Mapping) or group.get("name") in (old, None):
        return
    training = values.get("training")
    if not isinstance(training, dict):
        return
    for key, default in STUDENTS[old].training.items():
        if training.get(key) == default and f"training.{key}" not in changes:
            training[key] = 0


def of_size(name: str, role: str) -> dict[str, Any]:
    """The settings that make the model of a role one of the catalog, or one of a named size."""
    knobs = SIZES.get(name, {})  # of BERT-n
    params = {f"{role}.params.{knob}": value for knob, value in knobs.items()}
    return {f"{role}.name": "bert" if knobs else name, **params}
