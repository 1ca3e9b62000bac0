"""`kdlab methods` and `kdlab students`: the catalog with every knob, range, default and help."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

import typer

from kdcore.catalog import METHODS, SIZES, STUDENTS, Method, Student
from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.options import Json
from kdcore.errors import lookup

Name = Annotated[str | None, typer.Argument(help="only this one")]


def methods(name: Name = None, as_json: Json = False) -> None:
    """List the ways to distill, each with its knobs."""
    chosen = {name: lookup(METHODS, name, "method")} if name else METHODS
    _print("methods", chosen, {}, as_json)


def students(name: Name = None, as_json: Json = False) -> None:
    """List the models that can teach or learn, each with its knobs, and the named sizes."""
    chosen = {name: lookup(STUDENTS, name, "student")} if name else STUDENTS
    sizes = {
        name: "bert:" + ",".join(f"{k}={v}" for k, v in knobs.items())
        for name, knobs in SIZES.items()
        if "bert" in chosen
    }
    _print("students", chosen, sizes, as_json)


def _print(
    kind: str, entries: Mapping[str, Method | Student], sizes: Mapping[str, str], as_json: bool
) -> None:
    data: dict[str, Any] = {}
    parts: list[Any] = []
    for name, entry in entries.items():
        knobs = _knobs_of(entry.params)
        data[name] = {spec.name: getattr(entry, spec.name) for spec in fields(entry)}
        data[name] |= {"params": entry.params.__name__, "knobs": knobs}
        if isinstance(entry, Method):
            data[name] |= {"needs": entry.reads(), "teacher": entry.teacher()}
        between = "\n" if parts else ""
        parts += [
            f"{between}{name}: {entry.title}. {entry.summary}\n{_needs(entry)}.\n{entry.paper}.",
            table([_row(knob) for knob in knobs]),
        ]
    parts += [f"{size} is short for {spec}" for size, spec in sizes.items()]
    show(as_json, {kind: data, **({"sizes": sizes} if sizes else {})}, *parts)


def _knobs_of(kind: type) -> list[dict[str, Any]]:
    """Name, default, low, high, options and help of each knob; None where it has none."""
    return [
        {
            "name": spec.name,
            "default": spec.default,
            **{key: spec.metadata.get(key) for key in ("low", "high", "options", "help")},
        }
        for spec in fields(kind)
    ]


def _needs(entry: Method | Student) -> str:
    """What a method reads of its models, or what a student gives to one."""
    if isinstance(entry, Method):
        lists = "; compares the ads of a query" if entry.lists else ""
        return f"Reads {_reads(entry, entry.params())}{lists}{_otherwise(entry)}"
    towers = "two towers" if entry.separable else "reads query and ad together"
    return f"Gives {', '.join(sorted(entry.gives))}; {towers}"


def _reads(entry: Method, params: Any) -> str:
    return f"{', '.join(sorted(entry.reads(params)))}; the teacher is {entry.teacher(params)}"


def _otherwise(entry: Method) -> str:
    """What a method reads with a choice that is not the default, where that differs."""
    usual, choices = _reads(entry, entry.params()), dict[str, list[str]]()
    for knob in _knobs_of(entry.params):
        for option in knob["options"] or ():
            text = _reads(entry, entry.params(**{knob["name"]: option}))
            if text != usual:
                choices.setdefault(text, []).append(f"{knob['name']}={option}")
    return "".join(f".\nWith {' or '.join(names)}: {text}" for text, names in choices.items())


def _row(knob: Mapping[str, Any]) -> dict[str, str]:
    default, options = knob["default"], knob["options"]
    if options:
        reach = ", ".join(options)
    elif knob["low"] is not None:
        reach = f"{knob['low']:,} to {knob['high']:,}"
    else:
        reach = "true or false" if isinstance(default, bool) else "text"
    shown = f"{default:g}" if isinstance(default, float) else cell(default)
    return {"knob": knob["name"], "default": shown, "range": reach, "help": knob["help"]}
