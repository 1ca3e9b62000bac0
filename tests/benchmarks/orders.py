"""The last stages of the recipe on the bundled world: label-aware fine-tuning, and order of pairs.

    .venv/bin/python tests/benchmarks/orders.py --home FOLDER [--students NAME ...] [--seeds N ...]

Each student learns from the bundled teacher. Part 1: distilled from the log, then fine-tuned on the
labelled pairs in several ways, all from the same student with the same steps and step size. Part 2:
distilled from labelled and unlabelled pairs together, in several orders, with the same steps. Runs
are kept in FOLDER; the same command goes on after an end. All are judged on the same test pairs.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from judged import difference

from kdcore import lab
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    OrderConfig,
    TrainingConfig,
)
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.texts import signed
from kdcore.judging.seeds import spread
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

DATA = "world:train=2000,log=8000,validation=1000,test=4000"
SMALL = "world:train=300,log=400,validation=100,test=200"  # for --quick
STUDENTS = {"cdssm": "cdssm", "twinbert_cos": "twinbert_cos:vocabulary=3000"}
BASE, PLAIN, MIXED = "distilled from the log", "labels alone", "mixed"
AWARE: dict[str, dict[str, float]] = {
    "soft labels alone (g 0, m 0)": {"agreement": 0, "label_share": 0},
    "half and half, unweighted (g 0, m 0.5)": {"agreement": 0},
    "label-aware (g 1, m 0.5)": {"agreement": 1},
    "label-aware (g 3, m 0.5)": {"agreement": 3},
}
LAST = (*AWARE, PLAIN)
HALF = 10**7  # stands for half of the steps
ORDERS = {
    MIXED: OrderConfig(),
    "interleaved, 1 unlabelled per labelled": OrderConfig(kind="interleaved", ratio=1),
    "alternating, blocks of 50": OrderConfig(kind="alternating", block=50),
    "alternating, the log first, then the labels": OrderConfig(kind="alternating", block=HALF),
    "curriculum from a quarter": OrderConfig(kind="curriculum", first_share=0.25),
}


@dataclass(frozen=True)
class Study:
    """Where the runs lie, and what each learns from."""

    home: Path
    data: str = DATA
    epochs: int = 5

    @property
    def workspace(self) -> Workspace:
        """The runs and what is computed once for all of them."""
        return Workspace(self.home)

    def done(self, student: str, way: str, seed: int) -> Run | None:
        """The finished run of a cell."""
        path = self.cell_path(student, way, seed)
        if not path.exists():
            return None
        return lab.store(self.workspace).get(json.loads(path.read_text(encoding="utf-8"))["run"])

    def cell_path(self, student: str, way: str, seed: int) -> Path:
        """Where the name of a finished run is kept."""
        place = [BASE, *LAST, *ORDERS].index(way)
        return self.home / "cells" / f"{student}-{place:02}-{seed}.json"


def base_config(study: Study, student: str, seed: int) -> DistillConfig:
    """The distillation from the log, with the student's usual step size."""
    return DistillConfig(
        teacher=str(Workspace.bundled().runs / "teacher"),
        student=ModelConfig.parse(STUDENTS[student]),
        transfer="log",
        data=study.data,
        seed=seed,
        device="cpu",
        threads=1,
        training=TrainingConfig(epochs=study.epochs, select_by="roc_auc"),
    )


def last_stage(base: DistillConfig, run: Run, way: str) -> DistillConfig | FinetuneConfig:
    """A fine-tuning of the distilled student on the labelled pairs, at a quarter of the step."""
    rate, epochs = base.training.learning_rate / 4, max(2 * base.training.epochs // 3, 1)
    training = replace(base.training, learning_rate=rate, epochs=epochs)
    model = replace(base.student, start_from=run.id)
    if way == PLAIN:
        same = {name: getattr(base, name) for name in ("data", "seed", "device", "threads")}
        return FinetuneConfig(model=model, training=training, **same)
    method = MethodConfig(name="label_aware", params=AWARE[way])
    return replace(
        base, student=model, method=method, hard_weight=0, transfer="train", training=training
    )


def ordered(base: DistillConfig, way: str, pairs: int) -> DistillConfig:
    """A distillation from labelled and unlabelled pairs together."""
    steps = -(-pairs // base.training.batch_size) * base.training.epochs
    order = ORDERS[way]
    order = replace(order, block=steps // 2) if order.block == HALF else order
    return replace(base, transfer="train+log", hard_weight=0.5, order=order)


def computed(study: Study, student: str, seed: int) -> None:
    """Train what is missing, one after the other; all start from the base of part 1."""
    base = base_config(study, student, seed)
    sizes = dict(part.split("=") for part in study.data.partition(":")[2].split(","))
    pairs = int(sizes["train"]) + int(sizes["log"])
    for way in (BASE, *LAST, *ORDERS):
        if study.done(student, way, seed):
            continue
        began = time.monotonic()
        config: DistillConfig | FinetuneConfig = base
        if way in ORDERS:
            config = ordered(base, way, pairs)
        elif way != BASE:
            run = study.done(student, BASE, seed)
            assert run is not None
            config = last_stage(base, run, way)
        with mock.patch("kdcore.recipes.stage.measure_run"):
            run = lab.start(config, study.workspace)
        path = study.cell_path(student, way, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(path, {"run": run.id, "student": student, "way": way, "seed": seed})
        took = time.monotonic() - began
        print(f"{student}, {way}, seed {seed}: {took:.0f} s", file=sys.stderr, flush=True)


def table(study: Study, student: str, seeds: list[int], ways: Mapping[str, str]) -> str:
    """A line for each way: its ROC-AUC and its differences; ways: what each is compared with."""
    lines = ["| learned | ROC-AUC | against | over queries | over seeds | verdict |"]
    lines.append("| --- | ---: | --- | ---: | ---: | --- |")
    for way, reference in ways.items():
        runs = {seed: study.done(student, way, seed) for seed in seeds}
        own = {seed: run for seed, run in runs.items() if run}
        test = lab.split_of(next(iter(own.values())), "test", study.workspace)
        answers = {seed: lab.predictions(run) for seed, run in own.items()}
        values = spread(
            evaluate(test, each, resamples=50).metrics["roc_auc"].value for each in answers.values()
        )
        cells = [way, f"{values.mean:.3f} ({values.deviation:.3f})", reference or "-"]
        if reference:
            compared = []
            for seed, each in answers.items():
                other = study.done(student, reference, seed)
                assert other is not None
                few = {"permutations": 20, "area_permutations": 20}
                compared.append(compare(test, each, lab.predictions(other), **few))
            gap = difference("roc_auc", compared)
            ends = [
                f"{signed(gap['mean'])} [{signed(low)}, {signed(high)}]"
                for low, high in (gap["queries"], gap["over_seeds"])
            ]
            cells += [*ends, gap["verdict"]]
        else:
            cells += ["-", "-", "-"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Train what is missing and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="runs are kept here")
    parser.add_argument("--students", nargs="+", choices=list(STUDENTS), default=list(STUDENTS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    given = parser.parse_args()
    study = Study(given.home, SMALL, 10) if given.quick else Study(given.home)
    for student in given.students:
        for seed in given.seeds:
            computed(study, student, seed)
    for student in given.students:
        stages = {BASE: "", PLAIN: BASE}
        stages |= dict.fromkeys(AWARE, PLAIN)
        print(f"### {student}: the last stage\n\n{table(study, student, given.seeds, stages)}\n")
        against = dict.fromkeys(AWARE, BASE)
        print(f"{table(study, student, given.seeds, against)}\n")
        orders = {way: "" if way == MIXED else MIXED for way in ORDERS}
        print(f"### {student}: the order\n\n{table(study, student, given.seeds, orders)}\n")


if __name__ == "__main__":
    main()
