"""Declare knobs: the check, the slider, its tooltip and the docs all read one line.

Also here: build a dataclass of knobs from plain data, with every problem collected at once.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

from kdcore.errors import ConfigError, nearest

Config = TypeVar("Config")


def knob(default: float, help: str, *, low: float, high: float) -> Any:
    """Declare a number and its range."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


def choice(default: str, help: str, *, options: tuple[str, ...]) -> Any:
    """Declare a choice of one name out of a few."""
    return field(default=default, metadata={"help": help, "options": options})


def switch(default: bool, help: str) -> Any:
    """Declare a switch, on or off."""
    return field(default=default, metadata={"help": help})


def text(default: str, help: str) -> Any:
    """Declare a text: a name or a path."""
    return field(default=default, metadata={"help": help})


def numbers(help: str) -> Any:
    """Declare a list of whole numbers, as a tuple; a text such as "0 2" is read as one, too."""
    return field(default=(), metadata={"help": help})


def groups() -> Any:
    """Declare groups of knobs, each with a name of its own: a tuple, written as a mapping."""
    return field(default=(), metadata={"groups": True})


def written(value: float) -> str:
    """Return a number as people write it: 1,000,000,000 and 0.00001, never 1e+09."""
    text = f"{value:,.12f}" if abs(value) >= 10_000 else f"{value:.12f}"
    return text.rstrip("0").removesuffix(".")


def problems_of(params: Any) -> list[str]:
    """Return a sentence for each knob of a dataclass that is outside its range or options."""
    problems = []
    hints = typing.get_type_hints(type(params))
    for spec in fields(params):
        value, rule = getattr(params, spec.name), spec.metadata
        if "low" in rule:
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not numeric or not rule["low"] <= value <= rule["high"]:
                problems.append(
                    f"{spec.name}: {value!r} is outside {written(rule['low'])}.."
                    f"{written(rule['high'])}; "
                    f"{spec.default} is a safe start"
                )
            elif hints[spec.name] is int and value != int(value):
                problems.append(f"{spec.name}: {value!r} is not a whole number; try {int(value)}")
        elif "options" in rule and value not in rule["options"]:
            options = ", ".join(rule["options"])
            problems.append(f"{spec.name}: {value!r} is not one of {options}; try {spec.default!r}")
    return problems


def build(kind: type[Config], data: Mapping[str, Any]) -> Config:
    """Build a dataclass of knobs from plain data; raises ConfigError with every problem at once.

    Nested dataclasses are built from nested mappings; unknown keys are answered with the
    nearest known one; whole numbers and words are turned into the type that the knob has.
    """
    specs = {spec.name: spec for spec in fields(kind)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(kind)
    problems, values = [], {}
    for key, value in data.items():
        if key not in specs:
            problems.append(f"{key}: no such setting; {nearest(str(key), specs)}")
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
        config = kind(**values)
    except ConfigError as error:
        raise ConfigError(headline, [*problems, *error.problems]) from None
    except TypeError:
        raise ConfigError(headline, problems) from None
    if not hasattr(config, "__post_init__"):  # plain knobs; a config checks itself at birth
        problems += problems_of(config)
    if problems:
        raise ConfigError(headline, problems)
    return config


def _in_words(hint: Any) -> str:
    if dataclasses.is_dataclass(hint):
        return "a group of settings"
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    if hint == tuple[int, ...]:
        return "a list of numbers with blanks, such as 0 2"
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
        kind = typing.get_args(hint)[0]
        if kind is int:
            return _numbers(value)
        if isinstance(value, str):  # `splits: test` would become t, e, s, t
            raise ValueError
        return _named(kind, value) if dataclasses.is_dataclass(kind) else tuple(value)
    return value


def _numbers(value: Any) -> tuple[int, ...]:
    """Read whole numbers: [0, 2], the texts "0 2", "0,2" and "[0, 2]", or a single number."""
    if isinstance(value, str):
        value = value.strip(" []").replace(",", " ").split()
    elif isinstance(value, int):
        value = (value,)
    return tuple(_convert(int, number) for number in value)


def _named(kind: Any, value: Any) -> tuple[Any, ...]:
    """Build groups from a mapping by name, or take those of a sequence as they are."""
    if not isinstance(value, Mapping):
        if not all(isinstance(group, kind) for group in value):
            raise ValueError
        return tuple(value)
    built, problems = [], []
    for name, group in value.items():
        try:
            built.append(_convert(kind, {**(group or {}), "name": str(name)}))
        except ConfigError as error:
            problems += [f"{name}.{problem}" for problem in error.problems]
        except (TypeError, ValueError):
            problems.append(f"{name}: {group!r} is not a group of settings")
    if problems:
        raise ConfigError("These settings cannot be used:", problems)
    return tuple(built)


def _boolean(value: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError


def plain(params: Any) -> dict[str, Any]:
    """Turn a dataclass of knobs into data for YAML and JSON; tuples become lists."""
    values: dict[str, Any] = {}
    for spec in fields(params):
        value = getattr(params, spec.name)
        if spec.metadata.get("groups"):
            named = {group.name: plain(group) for group in value}
            values[spec.name] = {
                name: {key: part for key, part in group.items() if key != "name"}
                for name, group in named.items()
            }
        elif spec.init:
            values[spec.name] = _plain(value)
    return values


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Flatten plain data to {"training.epochs": 4}; an empty group has no path."""
    paths: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            paths |= flat(value, f"{before}{key}.")
        else:
            paths[f"{before}{key}"] = value
    return paths


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value
