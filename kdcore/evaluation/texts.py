"""Numbers, durations and sizes as people read them: the one place for all of the engine."""

import time
from math import isfinite


def number(value: float, digits: int = 3) -> str:
    """A number for reading; a dash for what is not one."""
    return f"{value:.{digits}f}" if value == value else "–"


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign and a true minus; a dash for what is not a number."""
    return f"{value:+.{digits}f}".replace("-", "−") if isfinite(value) else "–"


def duration(seconds: float) -> str:
    """A time for reading: 40 s, 3 min, 2.5 h."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"


def age(since: float) -> str:
    """The time from a moment, in seconds since the epoch, until now, in its largest unit."""
    seconds = max(time.time() - since, 0.0)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def file_size(count: float) -> str:
    """The size of a file for reading: 900 bytes, 15 kB, 2.1 MB."""
    if count < 1000:
        return f"{count:.0f} bytes"
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
