"""A form that draws itself from a dataclass of knobs: kind, range, options and help are declared.

A field shows the value it is given and hands what a visitor sets to `take(path, value)`, with
what stands in its way beside it.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields
from typing import Any

import streamlit as st

from app.kit.texts import md
from kdcore.catalog.options import NAMES, option_name
from kdcore.errors import about_settings
from kdcore.knobs import written

WIDTH = 160  # px; two stand side by side on a phone, four beside the devices
_LONGEST = 300
TITLES = {
    "transfer": "Learns from",
    "learning_rate": "Learning rate",
    "select_by": "Best epoch by",
    "start_from": "Starts from",
    "layers_from": "Layers taken",
    "ads_per_query": "Ads per query in a batch",
    "checkpoint_seconds": "Checkpoint every (s)",
    "log_every": "Steps per curve point",
    "validations": "Validations per epoch",
    "replay_points": "Snapshots for the replay",
    "clip": "Gradient clipping",
    "limit": "Pair limit",
}


@dataclass(frozen=True)
class Form:
    """What every field of a form shares: values, problems, and the taker of a change.

    values: by knob name; problems: sentences by path; prefix: the path of the group. checked: a
    number outside its range, or a fraction, is taken too, since the taker's check refuses it with
    a problem; without it the field itself refuses. notes: what stands under a field, by path.
    helps: texts that replace the declared help of a knob, by path.
    """

    prefix: str
    values: Mapping[str, Any]
    take: Callable[[str, Any], None]
    problems: Mapping[str, Sequence[str]]
    closed: bool = False
    titles: Mapping[str, str] | None = None
    checked: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    helps: Mapping[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """The path of a knob in the whole config."""
        return f"{self.prefix}.{name}" if self.prefix else name


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path in plain data, or None."""
    value: Any = values
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def problems_by_path(problems: Iterable[str], before: str = "") -> dict[str, list[str]]:
    """Problems by the path of each setting that they name, without it; before: leads each path."""
    by_path: dict[str, list[str]] = {}
    for problem in problems:
        paths, text = about_settings(problem)
        for path in paths or ("",):
            by_path.setdefault(f"{before}{path}", []).append(text)
    return by_path


def draw(kind: type, form: Form, names: Iterable[str] = ()) -> dict[str, Any]:
    """Every knob of a dataclass, or those named, as fields side by side; returns their values."""
    selected = tuple(names) or tuple(spec.name for spec in fields(kind))
    values = {}
    for spec in fields(kind):
        if "help" in spec.metadata and spec.name in selected:
            with cell(form.path(spec.name), form.problems):
                values[spec.name] = _field(spec, form)
                if note := form.notes.get(form.path(spec.name)):
                    st.caption(md(note))
    return values


def pick(
    form: Form,
    path: str,
    label: str,
    titles: Mapping[str, str],
    present: str,
    help: str,
    **more: Any,
) -> None:
    """A choice among names that are found here; what a link names beside them is offered too."""
    key, take = f"knob_{path}", more.pop("take", form.take)
    st.session_state[key] = present
    with cell(path, form.problems, more.pop("width", WIDTH)):
        st.selectbox(
            label,
            list(titles) if present in titles else [present, *titles],
            format_func=lambda name: titles.get(name, name),
            key=key,
            help=help,
            disabled=form.closed,
            on_change=_changed,
            args=(path, key, take),
            **more,
        )


@contextmanager
def cell(path: str, problems: Mapping[str, Sequence[str]], width: int = WIDTH) -> Iterator[None]:
    """A place for one field in a row that wraps; what is wrong with it stands right under it."""
    with st.container(width=width, key=f"cell_{path}", gap="xxsmall"):
        yield
        for sentence in problems.get(path, ()):
            st.markdown(f":red[:material/error: {md(sentence)}]")


def title_of(name: str, titles: Mapping[str, str] | None = None) -> str:
    """What a knob is called on the screen."""
    plain = name.replace("_", " ")
    return {**TITLES, **(titles or {})}.get(name, plain[:1].upper() + plain[1:])


def help_of(spec: "Field[Any]") -> str:
    """The declared help of a knob, with its range and its default."""
    rule, help = spec.metadata, str(spec.metadata["help"])
    for option in rule.get("options", ()):  # the help explains each as it is called on the screen
        help = re.sub(rf"\b{option}(?=[:,]| and )", option_name(option), help)
    of, colon, rest = help.partition(": ")
    if colon and all(option in NAMES for option in of.split(", ")):  # the losses that read it
        help = f"{', '.join(map(option_name, of.split(', ')))}: {rest}"
    if spec.default in ("", ()):
        return md(help)
    usual = str(spec.default).lower() if isinstance(spec.default, bool) else spec.default or 0
    usual = option_name(usual) if isinstance(usual, str) and "options" in rule else usual
    within = f", {written(rule['low'])} to {written(rule['high'])}" if "low" in rule else ""
    return md(f"{help} (default {usual}{within})")


def _field(spec: "Field[Any]", form: Form) -> Any:
    rule, path = spec.metadata, form.path(spec.name)
    key, value = f"knob_{path}", form.values.get(spec.name, spec.default)
    common: dict[str, Any] = {
        "key": key,
        "help": md(form.helps[path]) if path in form.helps else help_of(spec),
        "disabled": form.closed,
        "on_change": _changed,
        "args": (path, key, form.take),
    }
    label = title_of(spec.name, form.titles)
    if "options" in rule:
        st.session_state[key] = value if value in rule["options"] else spec.default
        return st.selectbox(label, rule["options"], format_func=option_name, **common)
    if "low" in rule:
        return _number(label, value, spec, common, form.checked)
    if isinstance(spec.default, bool):
        st.session_state[key] = value if isinstance(value, bool) else spec.default
        return st.checkbox(label, **common)
    shown = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    st.session_state[key] = shown[:_LONGEST]
    return st.text_input(label, max_chars=_LONGEST, **common)


def _number(
    label: str, value: Any, spec: "Field[Any]", common: dict[str, Any], checked: bool
) -> Any:
    """A number; one outside its range stays in the settings, with its problem."""
    default: Any = spec.default
    number: Any = int if spec.type is int else float
    low, high = number(spec.metadata["low"]), number(spec.metadata["high"])
    try:
        shown = float(value) if math.isfinite(float(value)) else default
    except (TypeError, ValueError):
        shown = default
    step: Any = 1 if spec.type is int else _step(float(default), high)
    if checked:  # the browser has no range to refuse by and nothing to round: all of it is heard
        st.session_state[common["key"]] = float(shown)
        common["args"] = (*common["args"], spec.type is int)
        return st.number_input(label, step=float(step), format="%g", **common)
    st.session_state[common["key"]] = number(min(max(shown, low), high))
    if spec.type is int:
        return st.number_input(label, low, high, step=step, **common)
    return st.number_input(label, low, high, step=step, format="%g", **common)


def _step(usual: float, high: float) -> float:
    """What one click of + adds: a tenth of the usual size, half a step from 2 on."""
    if usual:
        size = 10.0 ** math.floor(math.log10(usual))
        return size / 2 if usual >= 2 else size / 10
    return 0.05 if high < 1 else (1e-4 if high == 1 else 1.0)


def _changed(path: str, key: str, take: Callable[[str, Any], None], whole: bool = False) -> None:
    if (value := st.session_state.get(key)) is not None:
        take(path, int(value) if whole and float(value).is_integer() else value)
