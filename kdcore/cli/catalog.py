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
    _tell(_chosen(METHODS, name, "method"), "methods", {}, as_json)


def students(name: Name = None, as_json: Json = False) -> None:
    """List the models that can teach or learn, each with its knobs, and the named sizes."""
    chosen = _chosen(STUDENTS, name, "student")
    sizes = {
        size: f"{about.student}:" + ",".join(f"{k}={v}" for k, v in about.params.items())
        for size, about in SIZES.items()
        if about.student in chosen
    }
    _tell(chosen, "students", sizes, as_json)


def knobs_of(kind: type) -> list[dict[str, Any]]:
    """A row a knob: name, default, low, high, options, help; None where it has none."""
    return [
        {
            "name": spec.name,
            "default": spec.default,
            **{key: spec.metadata.get(key) for key in ("low", "high", "options", "help")},
        }
        for spec in fields(kind)
    ]


def _chosen(
    catalog: Mapping[str, Method | Student], name: str | None, kind: str
) -> dict[str, Method | Student]:
    return {name: lookup(catalog, name, kind)} if name else dict(catalog)


def _tell(
    entries: Mapping[str, Method | Student], kind: str, sizes: Mapping[str, str], as_json: bool
) -> None:
    parts: list[Any] = []
    for name, entry in entries.items():
        parts += [
            f"{name}: {entry.title}. {entry.summary}\n{_fit(entry)}. {entry.paper}.",
            table([_shown(knob) for knob in knobs_of(entry.params)]),
        ]
    parts += [f"{size} is short for {spec}" for size, spec in sizes.items()]
    data: dict[str, Any] = {name: _plain(entry) for name, entry in entries.items()}
    show(as_json, {kind: data, **({"sizes": sizes} if sizes else {})}, *parts)


def _fit(entry: Method | Student) -> str:
    if isinstance(entry, Method):
        return f"Reads {', '.join(sorted(entry.needs))}; the teacher is {entry.teacher}"
    towers = "two towers" if entry.separable else "reads query and ad together"
    return f"Gives {', '.join(sorted(entry.gives))}; {towers}"


def _plain(entry: Method | Student) -> dict[str, Any]:
    about = {spec.name: getattr(entry, spec.name) for spec in fields(entry)}
    return about | {"params": entry.params.__name__, "knobs": knobs_of(entry.params)}


def _shown(knob: Mapping[str, Any]) -> dict[str, str]:
    default, options = knob["default"], knob["options"]
    if options:
        reach = ", ".join(options)
    elif knob["low"] is not None:
        reach = f"{knob['low']:,} to {knob['high']:,}"
    else:
        reach = "true or false" if isinstance(default, bool) else "text"
    shown = f"{default:g}" if isinstance(default, float) else cell(default)
    return {"knob": knob["name"], "default": shown, "range": reach, "help": knob["help"]}
