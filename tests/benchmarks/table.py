"""The table: a row a contender, its ratio to the plain way, and whether a goal is met."""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from kdcore.models.packed import product_type


@dataclass(frozen=True)
class Goal:
    """A promise and what was reached."""

    text: str
    reached: float
    met: bool

    @classmethod
    def least(cls, text: str, reached: float, bound: float) -> "Goal":
        """At least a bound."""
        return cls(f"{text} ≥ {bound:g}", reached, reached >= bound)

    @classmethod
    def most(cls, text: str, reached: float, bound: float) -> "Goal":
        """At most a bound."""
        return cls(f"{text} ≤ {bound:g}", reached, reached <= bound)


@dataclass(frozen=True)
class Row:
    """One measurement; ratio: times better than the plain way of the same job, or nan."""

    job: str
    how: str
    value: float
    unit: str
    ratio: float = float("nan")
    goals: tuple[Goal, ...] = field(default=())


HEAD = ("job", "how", "value", "unit", "× plain", "goal")


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts."""
    goals = "; ".join(
        f"{g.text}: {g.reached:.5g} {'met' if g.met else 'NOT MET'}" for g in row.goals
    )
    ratio = "" if np.isnan(row.ratio) else f"{row.ratio:.2f}"
    return row.job, row.how, _short(row.value), row.unit, ratio, goals


def text(rows: Sequence[Row]) -> str:
    """Columns for a terminal."""
    lines = [HEAD, *map(cells, rows)]
    wide = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if i in (2, 4) else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(line, wide, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(rows: Sequence[Row]) -> str:
    """The same for a document."""
    lines = [HEAD, ("---", "---", "---:", "---", "---:", "---"), *map(cells, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The same for JSON; nan becomes None."""
    return [
        {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in asdict(row).items()}
        for row in rows
    ]


def environment(threads: int) -> dict[str, str]:
    """What the figures depend on."""
    bf16 = product_type("auto", torch.device("cpu")) == torch.bfloat16
    return {
        "processor": _processor(),
        "threads": str(threads),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
        "bf16 products": "on" if bf16 else "off",
    }


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
