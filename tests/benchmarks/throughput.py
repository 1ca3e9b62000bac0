"""Training pairs a second of every family: beside `response`, and beside the same loss elsewhere.

    PYTHONPATH=. PYTHON tests/benchmarks/throughput.py [--quick] [--device cuda] [--json FILE]

PYTHON has textbrewer 0.2.1 and torchdistill 1.1.5 beside what the lab needs (`pip install
--no-deps`); without them the lab's families are timed alone. One thread; all contenders take turns
of two seconds, so that drift hits all alike and ratios hold. About five minutes. With --device cuda
the lab's families run on the GPU, and the others are left out.

cached: a TwinBERT cosine (2 layers, 128 wide) learns from stored logits and features; ema, online:
from the average of its own weights, from a peer of its kind.
cross-encoder: BERT-2 (128 wide, 4 heads) learns from BERT-4 (256 wide, 4 heads). Ours take what
can be stored from the store; theirs, as they are written, ask the teacher at every step, padded to
the longest pair of each batch.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Mapping
from functools import partial
from math import isnan, nan
from pathlib import Path

NAMES = {"textbrewer": "TextBrewer", "torchdistill": "torchdistill"}
SLOWEST = 0.85  # of response's pairs a second: what a family of stored teachers may cost
FASTEST = 3.0  # times theirs


def main() -> None:
    """Race all contenders and print the table."""
    from measure import run_on_one_thread

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    run_on_one_thread()
    rates = raced(arguments.quick, arguments.device)
    if arguments.json:
        arguments.json.write_text(json.dumps(rates, indent=2), encoding="utf-8")
    print(text_of(rates))


def contenders(device: str) -> dict[str, Callable[..., None]]:
    """Every training by its name: who, with which student, which family."""
    import families_here
    import families_there

    here = {
        f"ours, {student}, {family}": partial(run, family, device)
        for student, run, families in (
            ("cached", families_here.cached, families_here.CACHED),
            ("cross-encoder", families_here.crossed, families_here.CROSSED),
        )
        for family in families
    }
    there = {
        f"{NAMES[package]}, cross-encoder, {name}": getattr(families_there, name)
        for name, package in SAME_LOSS.items()
        if device == "cpu" and importlib.util.find_spec(package)
    }
    return here | there


SAME_LOSS = {  # families that another package has, and which
    "response": "textbrewer",
    "feature": "textbrewer",
    "internal": "textbrewer",
    "ensemble": "textbrewer",
    "relation": "torchdistill",
}


def raced(quick: bool, device: str) -> dict[str, float]:
    """Pairs a second of each contender."""
    from data import prepare
    from measure import Effort, race

    job = prepare("world", "title", 500 if quick else 20_000, 32 if quick else 128, 1)
    return race(contenders(device), job, Effort(1, 0.1, 1) if quick else Effort(6, 2.0, 3))


def text_of(rates: Mapping[str, float]) -> str:
    """The table as Markdown."""
    lines = [
        "| who, student, family | pairs/s | × response | goal | × theirs | goal |",
        "| --- | ---: | ---: | --- | ---: | --- |",
    ]
    for name, rate in rates.items():
        who, student, family = name.split(", ")
        beside = rate / rates.get(f"{who}, {student}, response", nan)
        stored = student == "cached" and family not in ("response", "ema", "online")
        goal = _met(beside, SLOWEST) if stored else ""
        theirs = rates.get(f"{NAMES[SAME_LOSS.get(family, 'textbrewer')]}, {student}, {family}")
        ratio = rate / theirs if theirs and who == "ours" else None
        cells = [
            name,
            f"{rate:,.0f}",
            "" if isnan(beside) else f"{beside:.2f}",
            goal,
            "" if ratio is None else f"{ratio:.1f}",
            "" if ratio is None else _met(ratio, FASTEST),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _met(reached: float, least: float) -> str:
    return f"≥ {least:g}: {'met' if reached >= least else 'NOT MET'}"


if __name__ == "__main__":
    main()
