"""What each family brought on the bundled world: the table that the benchmarks measured."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.kit.by_hash import by_hash
from app.kit.figures.measured import Difference
from app.services.access import ASSETS

FILE = ASSETS / "measured" / "families.json"  # tests/benchmarks/families.py writes it


@dataclass(frozen=True)
class Measured:
    """The measured table. data: as stored; a row of it is a student and a method, over seeds."""

    data: dict[str, Any]

    @property
    def metrics(self) -> dict[str, str]:
        """The names of the metrics by key."""
        return {key: str(each["name"]) for key, each in self.data["metrics"].items()}

    @property
    def students(self) -> dict[str, str]:
        """The titles of the students that have a row, by key."""
        present = {row["student"] for row in self.rows}
        return {k: str(s["title"]) for k, s in self.data["students"].items() if k in present}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every row, in the order of the methods."""
        order = list(self.data["methods"])
        return sorted(self.data["rows"], key=lambda row: order.index(row["method"]))

    def title(self, row: dict[str, Any]) -> str:
        """What the method of a row is called."""
        return str(self.data["methods"][row["method"]]["title"])

    def differences(self, student: str, metric: str, against: str) -> list[Difference]:
        """What every method changed for a student against `labels` or `response`."""
        return [
            _difference(self.title(row), row["against"][against][metric])
            for row in self.rows
            if row["student"] == student and metric in row["against"].get(against, {})
        ]

    def setting(self) -> str:
        """How it was measured, in a clause."""
        data = self.data
        seeds = len(data["seeds"])
        return (
            f"{data['pairs']:,} training pairs, {data['epochs']} epochs, {seeds} seeds, "
            f"n = {data['test_pairs']:,} test pairs of {data['queries']} queries"
        )


def _difference(title: str, stored: dict[str, Any]) -> Difference:
    seeds = stored["over_seeds"]
    return Difference(
        title,
        stored["mean"],
        tuple(stored["queries"]),
        tuple(seeds) if None not in seeds else None,
        stored["verdict"],
        tuple(stored["by_seed"]),
    )


def measured() -> Measured | None:
    """The table, or None where it was not measured."""
    return _read(FILE, FILE.stat().st_mtime_ns) if FILE.is_file() else None


@by_hash(most=2)
def _read(path: Path, changed: int) -> Measured:
    return Measured(json.loads(path.read_text(encoding="utf-8")))
