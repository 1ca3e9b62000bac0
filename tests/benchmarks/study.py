"""A study on the bundled world: who learns how much from how many labels.

    .venv/bin/python tests/benchmarks/study.py [--sizes 2000 5000 20000] [--json FILE] [--quick]

One teacher is trained on all labels. Each student is then trained twice at each size, with the
same seed, steps and data: on the labels alone, and distilled. Truth is the ceiling.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kdcore import lab
from kdcore.config import TrainingConfig
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.gap import gap_recovered
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

STUDENTS = {
    "cdssm": "C-DSSM",
    "twinbert_cos": "TwinBERT cosine",
    "twinbert_res": "TwinBERT residual",
    "bert_tiny:dropout=0.2": "BERT-2",
}
TEACHER = "bert:layers=3,hidden=192,heads=3,dropout=0.2"
SMALL_WORLD = "world:train=300,validation=100,test=200"  # for --quick, with the tiny teacher
TINY_TEACHER = "bert:layers=1,hidden=16,heads=2,vocabulary=300"


@dataclass
class Study:
    """Where the runs lie and how they are trained."""

    workspace: Workspace
    threads: int
    epochs: int
    data: str = "world"
    teacher_model: str = TEACHER
    seed: int = 0

    def training(self, rate: float, batch: int, size: int) -> TrainingConfig:
        """The same number of steps at every size: fewer labels are seen more often."""
        epochs = min(max(round(self.epochs * 20_000 / size), self.epochs), 4 * self.epochs)
        return TrainingConfig(epochs=epochs, batch_size=batch, learning_rate=rate)

    def teacher(self) -> Run:
        """A cross-encoder on all labels."""
        training = TrainingConfig(epochs=4, batch_size=64, learning_rate=7e-4)
        return lab.finetune(
            self.data,
            self.teacher_model,
            training=training,
            threads=self.threads,
            workspace=self.workspace,
        )

    def pair_of_students(self, teacher: Run, student: str, size: int) -> tuple[Run, Run]:
        """The student on labels alone, and its distilled twin."""
        training = self.training(1e-3, 128, size)
        common: dict[str, Any] = {
            "limit": size,
            "seed": self.seed,
            "threads": self.threads,
            "training": training,
            "workspace": self.workspace,
        }
        hard = lab.finetune(self.data, student, **common)
        soft = lab.distill(teacher, student, self.data, **common)
        return hard, soft


def row_of(study: Study, teacher: Run, student: str, size: int) -> dict[str, Any]:
    """One line of the table; all are judged on the same whole test split."""
    hard, soft = study.pair_of_students(teacher, student, size)
    test = lab.split_of(teacher, "test", study.workspace)
    answers = [lab.answers(run.id, test, study.workspace)[0] for run in (hard, soft, teacher)]
    one, other = (evaluate(test, a).metrics["roc_auc"] for a in answers[:2])
    difference = compare(test, answers[1], answers[0]).differences["roc_auc"]
    gap = gap_recovered(test, *answers)
    return {
        "student": STUDENTS[student],
        "labels": size,
        "hard": [one.value, one.low, one.high],
        "distilled": [other.value, other.low, other.high],
        "delta": [difference.delta, difference.low, difference.high],
        "verdict": difference.verdict,
        "gap_recovered": [gap.value, gap.low, gap.high] if gap.trustworthy else None,
    }


def main() -> None:
    """Run the study and print its table."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        home = Workspace(arguments.home or Path(scratch))
        study = Study(home, arguments.threads, arguments.epochs)
        if arguments.quick:
            study = Study(home, 1, 1, SMALL_WORLD, TINY_TEACHER)
        teacher = study.teacher()
        metrics = lab.evaluate(teacher, workspace=home).metrics
        print({k: round(metrics[k].value, 4) for k in ("roc_auc", "pr_auc", "truth_auc")})
        rows = []
        for size in [200] if arguments.quick else arguments.sizes:
            for student in arguments.students:
                rows.append(row_of(study, teacher, student, size))
                print(json.dumps(rows[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 5000, 20_000])
    parser.add_argument("--students", nargs="+", default=list(STUDENTS))
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--home", type=Path, help="keep the runs here")
    parser.add_argument(
        "--quick", action="store_true", help="one tiny size; its figures mean nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
