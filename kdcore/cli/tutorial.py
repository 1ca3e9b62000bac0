"""`kdlab tutorial`: the five tasks in a row and the table at their end."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kdcore.cli.kit.answer import show, span, table
from kdcore.cli.kit.options import (
    Given,
    Setting,
    configured,
    knob_setting,
    knob_settings,
    model_setting,
)
from kdcore.cli.kit.progress import Progress
from kdcore.config import to_dict
from kdcore.experiments import options
from kdcore.experiments.command_line import model_of
from kdcore.tutorial import TutorialPlan
from kdcore.tutorial import tutorial as run_tutorial

Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="DIR", help="write runs and results here")
]


def _epochs(role: str, whose: str) -> Setting:
    """An option for the epochs of the teacher or of the students alone."""
    help = f"epochs of the {whose} alone; else --epochs"
    declared = typer.Option(f"--{role}-epochs", help=help, rich_help_panel="Training")
    return Setting((f"{role}_training.epochs",), Annotated[int | None, declared])


SETTINGS = {
    **knob_settings(options.COMMON),
    **{
        name: knob_setting(
            name, option, tuple(f"{role}_training.{name}" for role in ("teacher", "student"))
        )
        for name, option in options.TRAINING.items()
    },
    "teacher_epochs": _epochs("teacher", "teacher"),
    "student_epochs": _epochs("student", "students"),
    "teacher": model_setting("teacher", "the teacher", "bert_teacher"),
    "student": model_setting("student", "the student", "twinbert_cos"),
    **knob_settings(options.DISTILLATION),
}


@configured(
    "data limit out seed device threads teacher student epochs teacher_epochs student_epochs "
    "batch_size learning_rate method loss temperature soft_weight hard_weight transfer config sets",
    SETTINGS,
)
def tutorial(given: Given, out: Out = None) -> None:
    """Train a teacher and a student, distill, and compare them in one table.

    The five tasks are teacher_ft, student_ft, teacher_inf, student_kd and eval.
    """
    plan = given.settings(TutorialPlan, to_dict(TutorialPlan())).build()
    if given.printed(plan):
        return
    with Progress(given.quiet, given.as_json) as progress:
        result = run_tutorial(plan, out=out.absolute() if out else None, tell=progress.tell)
    sizes = ", ".join(f"{split} {pairs:,}" for split, pairs in result.splits.items())
    took = ", ".join(f"{task} {result.seconds[task]:.1f} s" for task in ("teacher_inf", "eval"))
    where = out or next(iter(result.runs.values())).folder.parent
    lines = [
        result.sentence(),
        f"Data: {plan.data} ({result.source}); pairs: {sizes}.",
        *(f"Note: {note}" for note in result.notes),
        f"Also: {took}. Runs and results are in {where}.",
    ]
    rows = table([_row(row, plan) for row in result.rows()], right=("n pairs", "seconds"))
    show(given.as_json, result.to_dict() | {"out": out}, rows, *lines)


def _row(row: dict[str, Any], plan: TutorialPlan) -> dict[str, Any]:
    """A row of the result as the table shows it."""
    model = plan.teacher if row["task"] == "teacher_ft" else plan.student
    roc, pr = (
        span(row.get(key), row.get(f"{key}_low"), row.get(f"{key}_high"))
        for key in ("roc_auc", "pr_auc")
    )
    return {
        "task": row["task"],
        "model": model_of(to_dict(model)),
        "ROC-AUC [95 %]": roc,
        "PR-AUC [95 %]": pr,
        "nDCG@5": row.get("ndcg@5"),
        "n pairs": row["n"],
        "seconds": f"{row['seconds']:.1f}",
    }
