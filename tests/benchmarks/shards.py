"""A log in shards: pairs per second on one process, two and Ray, and memory against its length.

    PYTHONPATH=. python tests/benchmarks/shards.py speed|memory [--quick] [--json FILE]

speed: a log of 1,000,000 pairs of the world is scored by C-DSSM with `kdlab infer --on` local,
local:2 and ray:2, each twice from nothing, by turns; the faster of the two counts. A rate is that
from the end of each worker's first shard to the end of the last, so that starts (imports, Ray's
cluster) are in the whole seconds only.

memory: logs of 100,000, 300,000 and 1,000,000 pairs are generated, scored in one process and
distilled from for an epoch, each step a process of its own; its peak is the most memory that it
ever had resident. The figures for 10,000,000 pairs are not measured: they lie on the straight line
through the two longest logs.

One thread per process. Each part should take less than ten minutes on two idle cores.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import THREADS

MODEL = "cdssm"
ROUNDS = 2
EXTRAPOLATED = 10_000_000
SPLITS = "train=2000,validation=500,test=500"
RATIO, START = 0.85, 6.0  # of Ray to two processes; seconds that Ray may take to start and end
SLOWER = 1.3  # times the whole seconds of two processes, beside START


@dataclass(frozen=True)
class Spent:
    """What a command took, with all that it started and waited for."""

    seconds: float
    peak_mb: float


def main() -> None:
    """Measure a part and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("speed", "memory"))
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    os.environ |= dict.fromkeys(THREADS, "1")
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), 300 if arguments.quick else 50_000)
        if arguments.part == "speed":
            rows = lab.speed(1_000 if arguments.quick else 1_000_000)
            text = speed_text(rows)
        else:
            sizes = (600, 900, 1_500) if arguments.quick else (100_000, 300_000, 1_000_000)
            rows = [row for pairs in sizes for row in lab.memory(pairs)]
            text = memory_text(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    print(text)


class Lab:
    """A workspace with a teacher; shard_rows: pairs of a shard."""

    def __init__(self, home: Path, shard_rows: int) -> None:
        self.home, self.shard_rows = home, shard_rows
        os.environ["KDLAB_HOME"] = str(home)
        self._kdlab("finetune", "--data", f"world:{SPLITS}", "--model", MODEL, "--epochs", "1")
        (self.teacher,) = (path.name for path in (home / "runs").iterdir())

    def speed(self, pairs: int) -> list[dict[str, Any]]:
        """Rates of one process, of two and of Ray with two workers."""
        self._generate(pairs)
        return [
            self._scored(pairs, on) for _ in range(ROUNDS) for on in ("local", "local:2", "ray:2")
        ]

    def memory(self, pairs: int) -> list[dict[str, Any]]:
        """Peaks of generating a log, scoring it, and distilling from it."""
        generated = self._generate(pairs)
        scored = self._scored(pairs, "local", keep=True)
        learned = self._kdlab(
            *("distill", "--teacher", self.teacher, "--data", named(pairs), "--student", MODEL),
            *("--transfer", "train+log", "--set", "from_shards=true", "--epochs", "1"),
        )
        self._drop_shards()
        return [
            {"step": step, "pairs": pairs, "seconds": spent.seconds, "peak_mb": spent.peak_mb}
            for step, spent in (
                ("generate", generated),
                ("score", Spent(scored["seconds"], scored["peak_mb"])),
                ("distill", learned),
            )
        ]

    def _generate(self, pairs: int) -> Spent:
        program = (
            "import sys\nfrom kdcore.scale.pieces import world_log_pieces\n"
            "from kdcore.workspace import Workspace\n"
            "world_log_pieces(sys.argv[1], Workspace.default())"
        )
        return spent_by([sys.executable, "-c", program, named(pairs)])

    def _scored(self, pairs: int, on: str, keep: bool = False) -> dict[str, Any]:
        spent = self._kdlab(
            *("infer", self.teacher, "--data", named(pairs), "--split", "log", "--on", on),
            *("--shard-rows", str(self.shard_rows)),
        )
        ends = sorted(path.stat().st_mtime for path in self.home.glob("cache/shards/*/*.safe*"))
        workers = int(on.partition(":")[2] or 1)
        rate = self.shard_rows * (len(ends) - workers) / (ends[-1] - ends[workers - 1])
        if not keep:
            self._drop_shards()
        return {
            "on": on,
            "pairs": pairs,
            "pairs_per_second": rate,
            "seconds": spent.seconds,
            "peak_mb": spent.peak_mb,
        }

    def _drop_shards(self) -> None:
        shutil.rmtree(self.home / "cache" / "shards")

    def _kdlab(self, *arguments: str) -> Spent:
        usual = ("--device", "cpu", "--threads", "1", "-q", "--json")
        return spent_by([sys.executable, "-m", "kdcore", *arguments, *usual])


def named(pairs: int) -> str:
    """The world with a log of so many pairs."""
    return f"world:log={pairs},{SPLITS}"


def spent_by(command: Sequence[str]) -> Spent:
    """Run a command to its end; SystemExit when it fails."""
    start = time.monotonic()
    with open(os.devnull, "wb") as nothing:
        pid = os.posix_spawn(
            command[0],
            list(command),
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)],
        )
        _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Spent(time.monotonic() - start, usage.ru_maxrss / 1024)


def speed_text(rows: Sequence[dict[str, Any]]) -> str:
    """The table of rates, and the ratio of Ray to two processes beside its goals."""
    best = {on: max(r["pairs_per_second"] for r in rows if r["on"] == on) for on in places(rows)}
    whole = {on: min(r["seconds"] for r in rows if r["on"] == on) for on in places(rows)}
    lines = ["| on | pairs/s | whole seconds | runs, pairs/s |", "|---|---:|---:|---|"]
    for on in places(rows):
        runs = ", ".join(f"{r['pairs_per_second']:,.0f}" for r in rows if r["on"] == on)
        lines.append(f"| {on} | {best[on]:,.0f} | {whole[on]:.1f} | {runs} |")
    ratio = best["ray:2"] / best["local:2"]
    most = SLOWER * whole["local:2"] + START
    lines += [
        "",
        f"Ray with two workers: {ratio:.2f} of two plain processes (goal ≥ {RATIO:g}: "
        f"{met(ratio >= RATIO)}); whole {whole['ray:2']:.1f} s (goal ≤ {SLOWER:g} × two processes "
        f"+ {START:g} s = {most:.1f}: {met(whole['ray:2'] <= most)}).",
    ]
    return "\n".join(lines)


def places(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Every executor once, in the order of the rows."""
    return list(dict.fromkeys(row["on"] for row in rows))


def memory_text(rows: Sequence[dict[str, Any]]) -> str:
    """The table of peaks and seconds, with what they come to for 10,000,000 pairs."""
    sizes = list(dict.fromkeys(row["pairs"] for row in rows))
    head = [f"{pairs:,} pairs" for pairs in sizes]
    lines = [
        f"| peak MB (seconds) | {' | '.join(head)} | {EXTRAPOLATED:,} pairs, extrapolated |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for step in dict.fromkeys(row["step"] for row in rows):
        of_step = [row for row in rows if row["step"] == step]
        cells = [f"{row['peak_mb']:,.0f} ({row['seconds']:.0f})" for row in of_step]
        peak, seconds = (extrapolated(of_step[-2:], value) for value in ("peak_mb", "seconds"))
        lines.append(f"| {step} | {' | '.join(cells)} | {peak:,.0f} ({seconds:,.0f}) |")
    return "\n".join(lines)


def extrapolated(two: Sequence[dict[str, Any]], value: str) -> float:
    """The value at 10,000,000 pairs on the straight line through two sizes."""
    (x0, y0), (x1, y1) = ((row["pairs"], row[value]) for row in two)
    return float(y1 + (y1 - y0) / (x1 - x0) * (EXTRAPOLATED - x1))


def met(is_met: bool) -> str:
    """How a goal stands."""
    return "met" if is_met else "NOT MET"


if __name__ == "__main__":
    main()
