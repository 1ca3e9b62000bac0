"""Numbers, settings and speeds in words, for model cards and reports."""

import math
import os
import re
from collections.abc import Mapping
from typing import Any

import yaml

from kdcore.config.teacher import without_folders
from kdcore.runs.speed import Latency, Speed
from kdcore.workspace import last_part

_PATH_IN_TEXT = re.compile(
    r"""(?<![\w:/.~])(?:~|[A-Za-z]:)?[/\\][^\s/\\'"`,;]+(?:[/\\][^\s'"`,;]*)+"""
)


def at_most(value: float) -> str:
    """A number that the value does not exceed, one digit long: 2e-06 for 1.2e-06."""
    if value <= 0:
        return "0"
    least = 10.0 ** math.floor(math.log10(value))
    return f"{math.ceil(value / least - 1e-9) * least:.0e}"


def settings_of(config: Mapping[str, Any]) -> str:
    """The settings as YAML, as `--config` takes them."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def without_places(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with absolute paths cut to their last part, for texts that are shared."""
    return {
        name: without_places(value) if isinstance(value, Mapping) else _placeless(name, value)
        for name, value in config.items()
    }


def placeless(text: str) -> str:
    """A text with the absolute paths in it cut to their last part; web addresses stay whole."""
    return _PATH_IN_TEXT.sub(lambda match: last_part(match[0]), text.replace("file://", ""))


def _placeless(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name == "teacher":
        return without_folders(value)
    return last_part(value) if os.path.isabs(value) else placeless(value)


def told_latency(latency: Latency | None) -> str:
    """How fast the model was and under which conditions, or that it was not measured."""
    if latency is None:
        return "Not measured on the machine of this run."
    sentences = [_speed("It", latency.student)]
    if latency.teacher is not None:
        sentences.append(_speed("Its teacher, in turns with it,", latency.teacher))
    sentences.append(
        f"Warm, batch 1, from token ids to logits, on {latency.machine or latency.device}, "
        f"products in {latency.products}, pairs drawn from {latency.drawn_from}, "
        f"while {latency.load:.1f} processes wanted a core."
    )
    return " ".join(sentences)


def _speed(model: str, speed: Speed) -> str:
    one_thread, configured = speed.one_thread, speed.configured
    return (
        f"{model} has {speed.parameters:,} weights ({speed.megabytes:.1f} MB) and scores a pair in "
        f"{one_thread.p50_ms:.2f} ms (p95 {one_thread.p95_ms:.2f}, n {one_thread.n}) on one "
        f"thread, {configured.p50_ms:.2f} ms (p95 {configured.p95_ms:.2f}) as configured."
    )
