"""The short text that says where work is done in several processes: local or ray."""

import re
from dataclasses import dataclass

from kdcore.errors import ConfigError

_PLACE = re.compile(r"(local|ray)(?::([1-9]\d{0,3})|:(\S+:\d+))?", re.ASCII)
_WAYS = "local, local:N (processes), ray, ray:N (workers on this machine) or ray:HOST:PORT"


@dataclass(frozen=True)
class Place:
    """Where work is done. workers: 0 is the usual number; address: of a Ray cluster."""

    engine: str  # local or ray
    workers: int = 0
    address: str = ""

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read `local`, `local:2`, `ray`, `ray:2` or `ray:HOST:PORT`; ConfigError for others."""
        match = _PLACE.fullmatch(text)
        if match is None or executor_problem(text):
            raise ConfigError("This executor cannot be used:", [executor_problem(text)])
        return cls(match[1], int(match[2] or 0), match[3] or "")


def executor_problem(text: str) -> str:
    """What is wrong with a text that should name an executor; "" when it names one."""
    match = _PLACE.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[1] == "local" and match[3]):
        return f"on: {text!r} is not an executor; use {_WAYS}"
    return ""
