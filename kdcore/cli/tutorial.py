"""`kdlab tutorial`: the five tasks in a row and the table at their end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kdcore.cli.kit import settings as s
from kdcore.cli.kit.answer import show, span, table
from kdcore.cli.kit.progress import Progress
from kdcore.config import to_dict
from kdcore.experiments.command_line import model_of

if TYPE_CHECKING:
    from kdcore.tutorial import TutorialPlan, TutorialResult

TeacherModel = Annotated[str | None, s.model_option("--teacher", "the teacher", "bert_teacher")]
StudentModel = Annotated[str | None, s.model_option("--student", "the student", "twinbert_cos")]
Role = "epochs of the {} alone; else --epochs"
TeacherEpochs = Annotated[
    int | None,
    typer.Option("--teacher-epochs", help=Role.format("teacher"), rich_help_panel="Training"),
]
StudentEpochs = Annotated[
    int | None,
    typer.Option("--student-epochs", help=Role.format("students"), rich_help_panel="Training"),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="write runs and results here")
]

_BOTH = {
    name: tuple(f"{role}_training.{name}" for role in ("teacher", "student")) for name in s.TRAINING
}
PLACES = {
    **s.COMMON,
    **_BOTH,
    "teacher_epochs": ("teacher_training.epochs",),
    "student_epochs": ("student_training.epochs",),
    "teacher": ("teacher",),
    "student": ("student",),
    **s.DISTILLING,
}


def tutorial(
    context: typer.Context,
    data: s.Data = None,
    limit: s.Limit = None,
    out: Out = None,
    seed: s.Seed = None,
    device: s.Device = None,
    threads: s.Threads = None,
    teacher: TeacherModel = None,
    student: StudentModel = None,
    epochs: s.Epochs = None,
    teacher_epochs: TeacherEpochs = None,
    student_epochs: StudentEpochs = None,
    batch_size: s.BatchSize = None,
    learning_rate: s.LearningRate = None,
    method: s.MethodName = None,
    loss: s.SoftLoss = None,
    temperature: s.Temperature = None,
    soft_weight: s.SoftWeight = None,
    hard_weight: s.HardWeight = None,
    transfer: s.Transfer = None,
    config: s.ConfigFile = None,
    sets: s.Sets = None,
    print_config: s.PrintConfig = False,
    quiet: s.Quiet = False,
    as_json: s.Json = False,
) -> None:
    """Train a teacher and a student, distill, and compare them in one table.

    The five tasks are teacher_ft, student_ft, teacher_inf, student_kd and eval.
    """
    from kdcore.tutorial import TutorialPlan
    from kdcore.tutorial import tutorial as carry_out

    plan = s.Settings.gather(TutorialPlan, to_dict(TutorialPlan()), context, PLACES).build()
    if s.printed(plan, print_config, as_json):
        return
    with Progress(quiet, as_json) as progress:
        result = carry_out(plan, out=out.absolute() if out else None, tell=progress.tell)
    show(as_json, result.to_dict() | {"out": out}, *_told(result, out))


def _told(result: "TutorialResult", out: Path | None) -> list[Any]:
    sizes = ", ".join(f"{split} {pairs:,}" for split, pairs in result.splits.items())
    took = ", ".join(f"{task} {result.seconds[task]:.1f} s" for task in ("teacher_inf", "eval"))
    where = out or next(iter(result.runs.values())).folder.parent
    lines = [
        f"Data: {result.plan.data} ({result.source}); pairs: {sizes}.",
        *(f"Note: {note}" for note in result.notes),
        f"Also: {took}. Runs and results are in {where}.",
    ]
    return [table(_rows(result), right=("n pairs", "seconds")), result.sentence(), *lines]


def _rows(result: "TutorialResult") -> list[dict[str, Any]]:
    return [
        {
            "task": row["task"],
            "model": _model(result.plan, row["task"]),
            "ROC-AUC [95 %]": _span(row, "roc_auc"),
            "PR-AUC [95 %]": _span(row, "pr_auc"),
            "nDCG@5": row.get("ndcg@5"),
            "n pairs": row["n"],
            "seconds": f"{row['seconds']:.1f}",
        }
        for row in result.rows()
    ]


def _span(row: dict[str, Any], key: str) -> str:
    return span(row.get(key), row.get(f"{key}_low"), row.get(f"{key}_high"))


def _model(plan: "TutorialPlan", task: str) -> str:
    return model_of(to_dict(plan.teacher if task == "teacher_ft" else plan.student))
