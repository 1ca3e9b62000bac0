"""Kinds of choices: how a value is checked, bounded, read from a link and written in it.

A page's dataclass declares each choice once: k: int = whole("k", 5, 1, 20). The first argument is
the choice's name in a link, the second its default.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Kind:
    """What is declared of one choice.

    key: its name in a link. clean: a value within the bounds, from any value. parse: the value of a
    text in a link; both raise ValueError. belongs_to: "data" is reset when other data are opened,
    "pair" also when another pair is. in_hash: links carry hashes of what it names.
    """

    key: str
    default: Any
    clean: Callable[[Any], Any]
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    belongs_to: Literal["", "data", "pair"] = ""
    in_hash: bool = False


def number(key: str, default: float, low: float, high: float, **more: Any) -> Any:
    """A number between two bounds, six digits in a link."""

    def clean(value: Any) -> float:
        return _bounded(value, low, high)

    return _declare(key, default, clean, _within(clean, low, high), lambda v: f"{v:.6g}", **more)


def whole(key: str, default: int, low: int, high: int, **more: Any) -> Any:
    """A whole number between two bounds."""

    def clean(value: Any) -> int:
        return int(min(max(round(_finite(value)), low), high))

    return _declare(key, default, clean, _within(clean, low, high), str, **more)


def choice(key: str, default: str, options: tuple[str, ...], **more: Any) -> Any:
    """One of a few words."""

    def parse(raw: str) -> str:
        if raw not in options:
            raise ValueError(f"{raw[:40]!r} is none of {', '.join(options)}")
        return raw

    def clean(value: Any) -> str:
        return value if value in options else default

    return _declare(key, default, clean, parse, str, **more)


def flag(key: str, default: bool, **more: Any) -> Any:
    """Yes or no: 1 or 0 in a link."""

    def parse(raw: str) -> bool:
        if raw not in ("0", "1"):
            raise ValueError(f"{raw[:40]!r} is neither 1 nor 0")
        return raw == "1"

    return _declare(key, default, bool, parse, lambda v: str(int(v)), **more)


def text(key: str, default: str, longest: int, **more: Any) -> Any:
    """A text of bounded length; control characters become spaces."""

    def clean(value: Any) -> str:
        shown = "".join(c if c.isprintable() else " " for c in str(value))
        return shown[:longest]

    def parse(raw: str) -> str:
        if len(raw) > longest:
            raise ValueError(f"a text of {len(raw)} characters; {longest} at most")
        return clean(raw)

    return _declare(key, default, clean, parse, str, **more)


def numbers(key: str, count: int, low: float, high: float, **more: Any) -> Any:
    """Nothing, or `count` numbers between two bounds, with commas in a link."""
    return _row(key, f"{count}", lambda given: given in (0, count), low, high, **more)


def several(key: str, most: int, low: float, high: float, **more: Any) -> Any:
    """Up to `most` numbers between two bounds, with commas in a link."""
    return _row(key, f"up to {most}", lambda given: given <= most, low, high, **more)


def _row(
    key: str, count: str, fits: Callable[[int], bool], low: float, high: float, **more: Any
) -> Any:
    """A row of numbers; one whose length does not fit is none, and in a link a mistake."""

    def clean(value: Any) -> tuple[float, ...]:
        if not value:
            return ()
        given = [_bounded(each, low, high) for each in value]
        return tuple(given) if fits(len(given)) else ()

    def parse(raw: str) -> tuple[float, ...]:
        values = clean(raw.split(",")) if raw else ()
        if raw and not fits(len(raw.split(","))):
            raise ValueError(f"{raw[:40]!r} is not {count} numbers")
        return values

    return _declare(
        key, (), clean, parse, lambda values: ",".join(f"{v:.6g}" for v in values), **more
    )


def _bounded(value: Any, low: float, high: float) -> float:
    """A number of six digits within its bounds."""
    return min(max(float(f"{_finite(value):.6g}"), low), high)


def _declare(key: str, default: Any, *how: Any, **more: Any) -> Any:
    return field(default=default, metadata={"kind": Kind(key, default, *how, **more)})


def _finite(value: Any) -> float:
    try:
        given = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{str(value)[:40]!r} is not a number") from None
    if not math.isfinite(given):
        raise ValueError(f"{str(value)[:40]!r} is no finite number")
    return given


def _within(clean: Callable[[Any], Any], low: float, high: float) -> Callable[[str], Any]:
    def parse(raw: str) -> Any:
        given = _finite(raw)
        if not low <= given <= high:
            raise ValueError(f"{raw[:40]} is outside {low:g}..{high:g}")
        return clean(given)

    return parse
