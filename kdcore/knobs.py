"""A knob is declared once: the check, the slider, its tooltip and the docs all read that line.

Also here: building a dataclass of knobs from plain data, with every problem collected at once.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from kdcore.errors import ConfigError

Config = TypeVar("Config")


def knob(default: float, help: str, *, low: float, high: float) -> Any:
    """A number and the range in which it makes sense."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


def choice(default: str, help: str, *, options: tuple[str, ...]) -> Any:
    """One name out of a few."""
    return field(default=default, metadata={"help": help, "options": options})


def switch(default: bool, help: str) -> Any:
    """On or off."""
    return field(default=default, metadata={"help": help})


def text(default: str, help: str) -> Any:
    """A name or a path."""
    return field(default=default, metadata={"help": help})


def problems_of(params: Any) -> list[str]:
    """One sentence for each knob of a dataclass that is outside its range or options."""
    found = []
    hints = typing.get_type_hints(type(params))
    for spec in fields(params):
        value, rule = getattr(params, spec.name), spec.metadata
        if "low" in rule:
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not numeric or not rule["low"] <= value <= rule["high"]:
                found.append(
                    f"{spec.name}: {value!r} is outside {rule['low']}..{rule['high']}; "
                    f"{spec.default} is a safe start"
                )
            elif hints[spec.name] is int and value != int(value):
                found.append(f"{spec.name}: {value!r} is not a whole number; try {int(value)}")
        elif "options" in rule and value not in rule["options"]:
            options = ", ".join(rule["options"])
            found.append(f"{spec.name}: {value!r} is not one of {options}; try {spec.default!r}")
    return found


def build(kind: type[Config], data: Mapping[str, Any]) -> Config:
    """A dataclass of knobs from plain data; raises ConfigError with every problem at once.

    Nested dataclasses are built from nested mappings; unknown keys are answered with the
    nearest known one; whole numbers and words are turned into the type that the knob has.
    """
    specs = {spec.name: spec for spec in fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    problems, values = [], {}
    for key, value in data.items():
        if key not in specs:
            near = get_close_matches(str(key), specs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(specs)}"
            problems.append(f"{key}: no such setting; {hint}")
            continue
        try:
            values[key] = _convert(hints[key], value)
        except ConfigError as error:
            problems += [f"{key}.{problem}" for problem in error.problems]
        except (TypeError, ValueError, OverflowError):
            problems.append(f"{key}: {value!r} is not {_in_words(hints[key])}")
    problems += [
        f"{name}: is missing"
        for name, spec in specs.items()
        if name not in data and spec.default is MISSING and spec.default_factory is MISSING
    ]
    return _create(kind, values, problems)


def _create(kind: type[Config], values: dict[str, Any], problems: list[str]) -> Config:
    headline = "These settings cannot be used:"
    try:
        made = kind(**values)
    except ConfigError as error:
        raise ConfigError(headline, [*problems, *error.problems]) from None
    except TypeError:
        raise ConfigError(headline, problems) from None
    if not hasattr(made, "__post_init__"):  # plain knobs; a config has checked itself already
        problems += problems_of(made)
    if problems:
        raise ConfigError(headline, problems)
    return made


def _in_words(hint: Any) -> str:
    if dataclasses.is_dataclass(hint):
        return "a group of settings"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return words.get(hint, "a list")


def _convert(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, hint):
            return value
        if not isinstance(value, Mapping):
            raise ValueError
        return build(hint, value)
    if hint is bool:
        return _boolean(value)
    if hint is int:
        if isinstance(value, bool) or float(value) != int(value):
            raise ValueError
        return int(value)
    if hint is float:
        if isinstance(value, bool):
            raise ValueError
        return float(value)
    if hint is str and not isinstance(value, str):
        raise ValueError
    if isinstance(hint, types.GenericAlias) and typing.get_origin(hint) is tuple:
        if isinstance(value, str):  # `splits: test` would become t, e, s, t
            raise ValueError
        return tuple(value)
    return value


def _boolean(value: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    return words[value.lower()] if isinstance(value, str) and value.lower() in words else _refuse()


def _refuse() -> bool:
    raise ValueError


def plain(params: Any) -> dict[str, Any]:
    """A dataclass of knobs as data for YAML and JSON; tuples become lists."""
    return {spec.name: _plain(getattr(params, spec.name)) for spec in fields(params) if spec.init}


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Plain data by their path: {"training.epochs": 4}; a group without anything has no path."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value
