"""`make bench`: one table of the lab beside the plain ways to do the same work.

    python tests/benchmarks/run.py [--quick | --full] [--threads 1|2|both] [--only NAME]
                                   [--data PATH] [--ads title|full] [--json FILE] [--markdown FILE]

A table of figures that were reached is kept in RESULTS.md; `--help` tells what is compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECTIONS = ("sameness", "distill", "scoring", "finetune", "evaluation", "scale", "sources")
NOTES = """Same pairs, same tokens, same targets for all; medians of steps, contenders take turns.
Student: TwinBERT cosine, one encoder, 2 layers, 128 wide, 2 heads, 30,522 rows, [CLS] vectors.
Teacher: cross-encoder, 4 layers, 256 wide, 4 heads. MSE of probabilities, step size 1e-4.
plain: the tutorial's loop: pads of 9 + 24 or 32 tokens, DataLoader over lists, Adam, dropout 0.1.
HF Trainer tuned: dynamic padding, similar lengths together, fused AdamW, bf16 where the processor
multiplies it, and the same dropout as ours (student none; cross-encoder 0.1, none on attention).
scikit-learn loop: three metrics a query; ours measures all that the lab shows."""


@dataclass(frozen=True)
class Sizes:
    """How much is done."""

    pairs: int
    batch: int
    scored: int
    rounds: int
    turn_seconds: float
    warmup: int
    taught: int  # pairs the teacher of the rank correlation learns from
    judged: int


FULL = Sizes(20_000, 512, 2048, 8, 2.0, 3, 20_000, 10_000)
QUICK = Sizes(500, 32, 64, 1, 0.1, 1, 200, 500)


def main() -> None:
    """Run each thread count in a fresh process, then print one table."""
    asked = _arguments()
    if asked.worker:
        _write(Path(asked.worker), _measure(asked, int(asked.threads)))
        return
    parts = []
    for turn, threads in enumerate((1, 2) if asked.threads == "both" else (int(asked.threads),)):
        with tempfile.TemporaryDirectory() as folder:
            parts.append(_in_process(threads, turn == 0, Path(folder) / "part.json"))
        sys.stdout.write(_page(parts[-1], "text") + "\n\n")
    if asked.json:
        _write(Path(asked.json), {"notes": NOTES, "parts": parts})
    if asked.markdown:
        pages = "\n\n".join(_page(part, "markdown") for part in parts)
        Path(asked.markdown).write_text(f"{pages}\n\n{NOTES}\n", encoding="utf-8")
    sys.stdout.write(NOTES + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=NOTES, formatter_class=argparse.RawTextHelpFormatter
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="half a minute; figures mean nothing")
    size.add_argument("--full", action="store_true", help="also the memory of 1,000,000 pairs")
    parser.add_argument("--threads", choices=("1", "2", "both"), default="both")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--data", default="world", help="world, or a path that the lab reads")
    parser.add_argument("--ads", choices=("title", "full"), default="title", help="texts of an ad")
    parser.add_argument("--json", help="also write the figures here")
    parser.add_argument("--markdown", help="also write the table here")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_process(threads: int, first: bool, part: Path) -> dict[str, Any]:
    """The same command as a worker; thread pools take their size when a process starts."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    quiet = {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    command = [sys.executable, __file__, *sys.argv[1:], "--threads", str(threads)]
    subprocess.run(
        [*command, "--worker", str(part), *([] if first else ["--again"])],
        env=os.environ | dict.fromkeys(names, str(threads)) | quiet,
        check=True,
    )
    return json.loads(part.read_text(encoding="utf-8"))


def _measure(asked: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Every section asked for; those that threads do not touch are measured once."""
    import sections
    import table

    sizes = QUICK if asked.quick else FULL
    bench = sections.Bench(sizes, asked.data, asked.ads, threads, asked.full)
    wanted = [asked.only] if asked.only else list(SECTIONS[:5] if asked.again else SECTIONS)
    rows = []
    for name in wanted:
        sys.stderr.write(f"{threads} thread(s): {name}\n")
        rows += getattr(bench, name)()
    about = table.environment(threads) | bench.job.about()
    return {"environment": about, "rows": table.plain(rows)}


def _page(part: dict[str, Any], form: str) -> str:
    import table

    rows = [
        table.Row(
            **row
            | {
                "ratio": float("nan") if row["ratio"] is None else row["ratio"],
                "goals": tuple(table.Goal(**goal) for goal in row["goals"]),
            }
        )
        for row in part["rows"]
    ]
    about = ", ".join(f"{k}: {v}" for k, v in part["environment"].items())
    return f"{about}\n\n{getattr(table, form)(rows)}"


def _write(path: Path, found: Any) -> None:
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
