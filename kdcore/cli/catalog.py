"""`kdlab methods` and `kdlab students`: the catalog with every knob, range, default and help."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any

import typer

from kdcore.catalog import METHODS, SIZES, STUDENTS, TEACHERS, Method, Student, TeacherKind
from kdcore.cli.kit.answer import cell, show, table
from kdcore.cli.kit.options import Json
from kdcore.errors import lookup

Entry = Method | Student | TeacherKind
Name = Annotated[str | None, typer.Argument(help="only this one")]


def methods(name: Name = None, as_json: Json = False) -> None:
    """List the ways to distill and the kinds of teacher, each with its knobs."""
    entries: dict[str, Method | TeacherKind] = {**METHODS, **TEACHERS}
    chosen = {name: lookup(entries, name, "method or kind of teacher")} if name else entries
    methods = {key: entry for key, entry in chosen.items() if isinstance(entry, Method)}
    teachers = {key: entry for key, entry in chosen.items() if isinstance(entry, TeacherKind)}
    _print({"methods": methods, "teachers": teachers}, {}, as_json)


def students(name: Name = None, as_json: Json = False) -> None:
    """List the models that can teach or learn, each with its knobs, and the named sizes."""
    chosen = {name: lookup(STUDENTS, name, "student")} if name else STUDENTS
    sizes = {
        name: "bert:" + ",".join(f"{k}={v}" for k, v in knobs.items())
        for name, knobs in SIZES.items()
        if "bert" in chosen
    }
    _print({"students": chosen}, sizes, as_json)


def _print(
    kinds: Mapping[str, Mapping[str, Entry]], sizes: Mapping[str, str], as_json: bool
) -> None:
    data: dict[str, Any] = {kind: {} for kind, entries in kinds.items() if entries}
    parts: list[Any] = []
    for kind, entries in kinds.items():
        for name, entry in entries.items():
            data[kind][name] = _entry(entry)
            how = _needs(name, entry)
            between = "\n" if parts else ""
            head = f"{between}{name}: {entry.title}. {entry.summary}"
            parts.append(f"{head}\n{how}.\n{entry.paper}.")
            knobs = data[kind][name]["knobs"]
            parts += [table([_row(knob) for knob in knobs])] if knobs else []
    parts += [f"{size} is short for {spec}" for size, spec in sizes.items()]
    show(as_json, {**data, **({"sizes": sizes} if sizes else {})}, *parts)


def _entry(entry: Entry) -> dict[str, Any]:
    """An entry of the catalog as plain data, with its knobs."""
    values = {spec.name: getattr(entry, spec.name) for spec in fields(entry)}
    values |= {"params": entry.params.__name__, "knobs": _knobs_of(entry.params)}
    if isinstance(entry, Method):
        values |= {"needs": entry.reads(), "teacher": entry.teacher()}
    return values


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


def _needs(name: str, entry: Entry) -> str:
    """What a method reads of its models, what a student gives to one, or how a teacher is named."""
    if isinstance(entry, TeacherKind):
        forms = {"run": "RUN", "runs": f"{name}:RUN+RUN", "students": f"{name}:STUDENT"}
        forms["files"] = f"{name}:PATH"
        defaults = ((spec.name, spec.default) for spec in fields(entry.params))
        knobs = ",".join(f"{knob}={value}" for knob, value in defaults if value != "")
        start = forms.get(entry.names, name)
        return f"--teacher {start}" + (f"{',' if entry.names else ':'}{knobs}" if knobs else "")
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
