"""The families of distillation on the bundled world: same pairs, same steps, same seeds.

    .venv/bin/python tests/benchmarks/families.py --home FOLDER [--only METHOD ...] [--asset FILE]

The bundled teacher teaches each student in each way, once for each seed. A cell is one training in
a process of its own; finished cells are kept in FOLDER and not computed again, so the same command
goes on after an end, or adds the methods that are new. Then every cell is judged on the same test
pairs against labels only and against response alone, and the table is printed; --asset writes the
file that the app shows.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import measure
from judged import asset_of, text_of

from kdcore import lab
from kdcore.config import ModelConfig, TrainingConfig
from kdcore.runs.store import Run
from kdcore.training.session import Session
from kdcore.workspace import Workspace, write_json_atomic

WORLD = "world:validation=1000,test=5000"
SMALL_WORLD = "world:train=300,validation=100,test=200"  # for --quick
LABELS, RESPONSE = "labels", "response"


@dataclass(frozen=True)
class Student:
    """A student of the table. from_teacher: it starts from layers of the teacher, evenly chosen.

    Only then does it read a text as the teacher's tokens, which what compares tokens needs.
    """

    title: str
    spec: str
    from_teacher: bool = False

    def model(self, teacher: Run) -> ModelConfig:
        """Its config."""
        model = ModelConfig.parse(self.spec)
        source = str(teacher.folder) if self.from_teacher else ""
        return ModelConfig(name=model.name, params=model.params, start_from=source)


@dataclass(frozen=True)
class Way:
    """A way to learn: what lab.distill gets beside student and budget.

    family: the name of its method, or of its kind of teacher, in the catalog. students: who learns
    this way. teacher: as --teacher takes it, with {bundled}, {second} and {student} to be filled
    in.
    """

    title: str
    family: str
    settings: dict[str, Any] = field(default_factory=dict)
    students: tuple[str, ...] = ("twinbert_cos", "bert")
    teacher: str = "{bundled}"

    def taught_by(self, study: "Study", student: str) -> str:
        """The teacher of a student."""
        second = str(second_teacher(study).folder) if "{second}" in self.teacher else ""
        spec = STUDENTS[student].spec.replace(",", "%2C")  # a comma would end the student's name
        return self.teacher.format(bundled=bundled_teacher().folder, second=second, student=spec)


STUDENTS = {
    "twinbert_cos": Student("TwinBERT cosine", "twinbert_cos:vocabulary=3000"),
    "bert": Student("BERT-2", "bert:layers=2,vocabulary=3000"),
    "bert_wide": Student(
        "BERT-2 from the teacher's layers", "bert:layers=2,hidden=192,heads=3", from_teacher=True
    ),
}
EVERYONE = tuple(STUDENTS)
WIDE = ("bert_wide",)
STAGED = "internal:schedule={},stage_epochs=1"
LABELLED = {"hard_weight": 1.0}  # whoever has no trained teacher learns from the labels as much
WAYS = {
    LABELS: Way("Labels only", "", students=EVERYONE),
    RESPONSE: Way("Response", "response", students=EVERYONE),
    "feature": Way("Response + feature", "feature", {"terms": ["feature"]}),
    "feature_hint": Way(  # FitNets' loss: l2 times half the width
        "Response + feature, hint", "feature", {"terms": ["feature:loss=hint"]}
    ),
    "relation": Way("Response + relation", "relation", {"terms": ["relation"]}),
    "relation_strong": Way(  # the weights 25 and 50 instead of 1 and 2
        "Response + relation, weight 25", "relation", {"terms": ["relation:weight=25"]}
    ),
    "ranking": Way("Response + ranking", "ranking", {"terms": ["ranking"]}),
    "internal_all": Way("Response + internal, all", "internal", {"terms": ["internal"]}, WIDE),
    "internal_progressive": Way(
        "Response + internal, progressive",
        "internal",
        {"terms": [STAGED.format("progressive")]},
        WIDE,
    ),
    "internal_stacked": Way(
        "Response + internal, stacked", "internal", {"terms": [STAGED.format("stacked")]}, WIDE
    ),
    "residual": Way("Response + residual", "residual", {"terms": ["residual"]}),
    "ensemble": Way("Ensemble of two", "ensemble", teacher="ensemble:{bundled}+{second}"),
    "born_again": Way("Self, second generation", "born_again", teacher="born_again:generations=2"),
    "ema": Way("Self, average of its weights", "ema", LABELLED, teacher="ema"),
    "online": Way("Online, two students", "peer", LABELLED, teacher="peer:{student}"),
}
MISFITS = {  # (student, way): why there is no such cell
    ("twinbert_cos", "internal"): "Two towers read query and ad apart: no attention from one to "
    "the other could be compared with the teacher's.",
    ("bert", "internal"): "This student reads other word pieces than the teacher and has 2 heads "
    "instead of 3; the student that starts from the teacher's layers stands for it.",
}


@dataclass(frozen=True)
class Study:
    """Where the cells lie and what each may cost."""

    home: Path
    data: str
    pairs: int
    epochs: int
    seeds: tuple[int, ...]

    @property
    def workspace(self) -> Workspace:
        """The runs and what is computed once for all of them."""
        return Workspace(self.home)

    def cell_path(self, student: str, way: str, seed: int) -> Path:
        """Where a finished cell is kept."""
        return self.home / "cells" / f"{student}-{way}-{seed}.json"

    def budget(self, seed: int) -> dict[str, Any]:
        """What is equal in all cells of a seed."""
        return {
            "data": self.data,
            "limit": self.pairs,
            "seed": seed,
            "device": "cpu",
            "threads": 1,
            "training": TrainingConfig(epochs=self.epochs, select_by="roc_auc"),
            "workspace": self.workspace,
        }


def bundled_teacher() -> Run:
    """The teacher of the bundled example."""
    return Run.load(Workspace.bundled().runs / "teacher")


def second_teacher(study: Study) -> Run:
    """Another teacher for the ensemble: same size, other seed, 60,000 labels; trained once."""
    path = study.home / "second.json"
    if not path.exists():
        run = lab.finetune(
            "world:train=60000,validation=1000,test=5000" if study.data == WORLD else study.data,
            "bert_teacher:dropout=0.1" if study.data == WORLD else "bert_tiny",
            seed=1,
            device="cpu",
            threads=1,
            training=TrainingConfig(epochs=2 if study.data == WORLD else 1),
            workspace=study.workspace,
        )
        write_json_atomic(path, {"run": run.id})
    return lab.store(study.workspace).get(json.loads(path.read_text(encoding="utf-8"))["run"])


def cell(study: Study, student: str, way: str, seed: int) -> dict[str, Any]:
    """Train one cell in this process: its run, its steps, and what a step cost."""
    teacher, budget = bundled_teacher(), study.budget(seed)
    model = STUDENTS[student].model(teacher)
    with timed_steps() as marks, mock.patch("kdcore.recipes.stage.measure_run"):
        if way == LABELS:
            run = lab.finetune(model=model, **budget)
        else:
            by = WAYS[way].taught_by(study, student)
            run = lab.distill(by, model, **budget, **WAYS[way].settings)
    moments = marks[run.id]
    return {
        "student": student,
        "way": way,
        "seed": seed,
        "run": run.id,
        "steps": len(moments),
        "ms_per_step": 1000 * statistics.median(b - a for a, b in pairwise(moments)),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "code": code_version(),
    }


@contextmanager
def timed_steps() -> Iterator[dict[str, list[float]]]:
    """CPU seconds of this process at the end of each step, by run.

    CPU time, so that what else runs on the machine hardly counts; between two marks of a run
    lies all that one step of it needs: the teacher's part, the student's, those of its peers.
    """
    marks: dict[str, list[float]] = {}
    genuine = Session.step

    def step(self: Session, *arguments: Any) -> None:
        genuine(self, *arguments)
        marks.setdefault(self.run.id, []).append(time.process_time())

    with mock.patch.object(Session, "step", step):
        yield marks


def code_version() -> str:
    """Git's hash of the engine's folder, which tells what a cell was computed with; or empty."""
    command = ["git", "rev-parse", "--short", "HEAD:kdcore"]
    answer = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def planned(only: list[str], students: list[str], seeds: tuple[int, ...]) -> Iterator[Any]:
    """(student, way, seed), a whole seed before the next one."""
    for seed in seeds:
        for way, entry in WAYS.items():
            for student in entry.students:
                if way in only and student in students:
                    yield student, way, seed


def computed(study: Study, only: list[str], students: list[str]) -> None:
    """Compute every cell that is missing."""
    for student, way, seed in planned(only, students, study.seeds):
        path = study.cell_path(student, way, seed)
        if not path.exists():
            began = time.monotonic()
            figures = measure.apart(cell, study, student, way, seed)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json_atomic(path, figures)
            took = time.monotonic() - began
            print(f"{path.stem}: {took:.0f} s", file=sys.stderr, flush=True)


def collected(study: Study) -> list[dict[str, Any]]:
    """All cells of the plan that are finished."""
    paths = (study.cell_path(*each) for each in planned(list(WAYS), list(STUDENTS), study.seeds))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def about(study: Study) -> dict[str, Any]:
    """What the table is of."""
    return {
        "data": study.data,
        "pairs": study.pairs,
        "epochs": study.epochs,
        "seeds": list(study.seeds),
        "students": {key: asdict(student) for key, student in STUDENTS.items()},
        "methods": {key: asdict(way) for key, way in WAYS.items()},
        "misfits": [{"student": s, "method": m, "reason": r} for (s, m), r in MISFITS.items()],
    }


def main() -> None:
    """Compute what is missing, judge all that is there, print and write it."""
    arguments = _arguments()
    study = Study(arguments.home, WORLD, arguments.pairs, arguments.epochs, tuple(arguments.seeds))
    if arguments.quick:
        study = Study(arguments.home, SMALL_WORLD, 200, 3, (0,))
    computed(study, arguments.only, arguments.students)
    if arguments.cells:
        return
    asset = asset_of(about(study), collected(study), bundled_teacher(), study.workspace)
    print(text_of(asset))
    if arguments.asset:
        write_json_atomic(arguments.asset, asset)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True, help="cells and runs are kept here")
    parser.add_argument("--only", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--students", nargs="+", choices=list(STUDENTS), default=list(STUDENTS))
    parser.add_argument("--pairs", type=int, default=2000, help="labelled pairs learned from")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cells", action="store_true", help="no table: only what is missing")
    parser.add_argument("--asset", type=Path, help="also write the figures here")
    parser.add_argument("--quick", action="store_true", help="tiny; its figures mean nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
