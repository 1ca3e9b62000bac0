"""Kinds of State fields: how a value is checked, bounded, read from a URL and put in it."""

import math
from collections.abc import Callable
from dataclasses import Field, field
from typing import Any

VERSION = "1"


def number(default: float, low: float, high: float) -> Any:
    """A number between two bounds, six digits in a link."""

    def clean(value: Any) -> float:
        return min(max(float(f"{_finite(value):.6g}"), low), high)

    return _field(default, clean, _within(clean, low, high), lambda v: f"{v:.6g}")


def whole(default: int, low: int, high: int) -> Any:
    """A whole number between two bounds."""

    def clean(value: Any) -> int:
        return int(min(max(round(_finite(value)), low), high))

    return _field(default, clean, _within(clean, low, high), str)


def choice(default: str, options: tuple[str, ...]) -> Any:
    """One of a few words."""

    def parse(raw: str) -> str:
        if raw not in options:
            raise ValueError(f"{raw[:40]!r} is none of {', '.join(options)}")
        return raw

    return _field(default, lambda value: value if value in options else default, parse, str)


def flag(default: bool) -> Any:
    """Yes or no: 1 or 0 in a link."""

    def parse(raw: str) -> bool:
        if raw not in ("0", "1"):
            raise ValueError(f"{raw[:40]!r} is neither 1 nor 0")
        return raw == "1"

    return _field(default, bool, parse, lambda v: str(int(v)))


def text(default: str, longest: int) -> Any:
    """A text of bounded length; control characters become spaces."""

    def clean(value: Any) -> str:
        shown = "".join(c if c.isprintable() else " " for c in str(value))
        return shown[:longest]

    def parse(raw: str) -> str:
        if len(raw) > longest:
            raise ValueError(f"a text of {len(raw)} characters; {longest} at most")
        return clean(raw)

    return _field(default, clean, parse, str)


def numbers(default: tuple[float, ...], count: int, low: float, high: float) -> Any:
    """Nothing, or `count` numbers between two bounds, with commas in a link."""

    def clean(value: Any) -> tuple[float, ...]:
        if not value:
            return ()
        given = [min(max(float(f"{_finite(v):.6g}"), low), high) for v in value]
        return tuple(given) if len(given) == count else default

    def parse(raw: str) -> tuple[float, ...]:
        found = clean(raw.split(",")) if raw else ()
        if raw and len(raw.split(",")) != count:
            raise ValueError(f"{raw[:40]!r} is not {count} numbers")
        return found

    return _field(default, clean, parse, lambda v: ",".join(f"{x:.6g}" for x in v))


def read(declared: "Field[Any]", raw: str) -> Any:
    """The value that a URL parameter says; ValueError tells what is wrong with it."""
    return declared.metadata["parse"](raw)


def show(declared: "Field[Any]", value: Any) -> str:
    """A value as its URL parameter."""
    shown: str = declared.metadata["show"](value)
    return shown


def _field(default: Any, clean: Any, parse: Callable[[str], Any], show: Any) -> Any:
    return field(default=default, metadata={"clean": clean, "parse": parse, "show": show})


def _finite(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{str(value)[:40]!r} is not a number") from None
    if not math.isfinite(found):
        raise ValueError(f"{str(value)[:40]!r} is no finite number")
    return found


def _within(clean: Callable[[Any], Any], low: float, high: float) -> Callable[[str], Any]:
    def parse(raw: str) -> Any:
        found = _finite(raw)
        if not low <= found <= high:
            raise ValueError(f"{raw[:40]} is outside {low:g}..{high:g}")
        return clean(found)

    return parse
