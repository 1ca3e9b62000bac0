"""The speeds that the lab still aims at, one short race each; run it on a quiet machine.

    PYTHONPATH=. python tests/benchmarks/goals.py NAME [--quick] [--data PATH]

distill    ours and a tuned HF Trainer, one thread: at least 9 times
finetune   the same for a cross-encoder: at least 2.5 times
cores      ours on one core and on two (device cpu:2): at least 1.6 times, two students
evaluate   metrics without resampling: 10,000 pairs in 20 ms, 100,000 in 100 ms, 1,000,000 in 1.5 s

pretraining.py has the race of pretraining (at least 3 times). Each takes two to five minutes.
distill, finetune: the same pairs, tokens, model and batches, as in run.py; turns of 3 seconds, the
median of all steps. Where the processor multiplies bf16, the Trainer runs with it and without it,
and the faster of the two counts.
cores: whole trainings that take turns, each three times; the median of what their metric lines say
after the first two, so that starting does not count.
evaluate: the table is in order already. next: what it keeps from another model is there; first: it
is not.
"""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from measure import Effort, race, run_on_one_thread

NAMES = ("distill", "finetune", "cores", "evaluate")
STUDENTS = ("twinbert_cos", "cdssm")
MOST_MS = {10_000: 20, 100_000: 100, 1_000_000: 1500}
ROUNDS = 3


def main() -> None:
    """Run one race and print both figures, their ratio and the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    parser.add_argument("--data", default="world", help="world, or a path that the lab reads")
    arguments = parser.parse_args()
    run_on_one_thread()
    if arguments.name == "cores":
        cores(arguments.quick)
    elif arguments.name == "evaluate":
        evaluation(arguments.quick)
    else:
        trainer(arguments.name, arguments.data, arguments.quick)


def trainer(name: str, data: str, quick: bool) -> None:
    """Ours beside the tuned HF Trainer."""
    import ours
    import peers
    import torch
    from data import prepare

    from kdcore.models.packed import product_type

    here, there, least = {
        "distill": (ours.distill_ours, peers.distill_trainer, 9.0),
        "finetune": (ours.finetune_ours, peers.finetune_trainer, 2.5),
    }[name]
    job = prepare(data, "title", 500 if quick else 20_000, 32 if quick else 512, 1)
    contenders = {"HF Trainer, fp32": partial(there, bf16=False), "ours": here}
    if product_type("auto", torch.device("cpu")) == torch.bfloat16:
        contenders["HF Trainer, bf16"] = partial(there, bf16=True)
    rates = race(
        contenders,
        job,
        Effort(1, 0.1, 1) if quick else Effort(10, 3.0, 3),
    )
    for who, rate in rates.items():
        print(f"{name}: {who:18} {rate:9,.0f} pairs/s")
    best = max(rate for who, rate in rates.items() if who != "ours")
    print(f"{name}: {_goal(rates['ours'] / best, least)}")


def cores(quick: bool) -> None:
    """Each student trained on one core and on two, in turns."""
    for student in STUDENTS[:1] if quick else STUDENTS:
        rates: dict[str, list[float]] = {"cpu": [], "cpu:2": []}
        for _ in range(1 if quick else ROUNDS):
            for device, found in rates.items():
                found += pairs_per_second(student, device, quick)
        one, two = map(statistics.median, rates.values())
        print(f"{student}: one core {one:,.0f}, two {two:,.0f} pairs/s, {_goal(two / one, 1.6)}")


def pairs_per_second(student: str, device: str, quick: bool) -> list[float]:
    """What the metric lines of a training say, without the first two."""
    from kdcore import lab
    from kdcore.config import TrainingConfig
    from kdcore.workspace import Workspace

    training = TrainingConfig(
        epochs=4 if quick else 6,
        batch_size=64 if quick else 512,
        log_every=2 if quick else 8,
        validations=1,
        replay_points=0,
    )
    data = f"world:train={400 if quick else 20_000},validation=200,test=200"
    with tempfile.TemporaryDirectory() as folder:
        run = lab.finetune(
            data,
            student,
            workspace=Workspace(Path(folder)),
            training=training,
            device=device,
            threads=1,
        )
        lines = [line["pairs_per_second"] for line in run.metrics() if "pairs_per_second" in line]
    return lines[2:]


def evaluation(quick: bool) -> None:
    """Seconds of an evaluation at three sizes."""
    import light

    from kdcore.data.world import world
    from kdcore.evaluation.evaluate import evaluate

    for size in (500,) if quick else MOST_MS:
        table = world(train=size, validation=0, test=0)
        answers = light._answers(table, 0)
        first, following = [], []
        for _ in range(2 if quick else 7):
            for kept, found in ((True, first), (False, following)):
                if kept:
                    table.canonical.memo.clear()
                began = time.perf_counter()
                evaluate(table, answers, resamples=0)
                found.append(1000 * (time.perf_counter() - began))
        a, b = statistics.median(first), statistics.median(following)
        most = MOST_MS.get(size, 20)
        met = "met" if b <= most else "NOT MET"
        print(
            f"evaluate {size:,} pairs: first {a:,.1f} ms, next {b:,.1f} ms, goal {most} ms: {met}"
        )


def _goal(reached: float, least: float) -> str:
    return f"ratio {reached:.2f}, goal ≥ {least:g}: {'met' if reached >= least else 'NOT MET'}"


if __name__ == "__main__":
    main()
