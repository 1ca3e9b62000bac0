"""The tutorial's five tasks in a row: teacher_ft, student_ft, teacher_inf, student_kd, eval.

One honest table at the end: ROC-AUC and PR-AUC of teacher and students with their intervals, the
gap recovered, and the verdict on the distilled student against its twin.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kdcore import lab
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
)
from kdcore.data.pairs import PairTable
from kdcore.data.splits import refuse_missing
from kdcore.errors import ConfigError
from kdcore.evaluation.comparison import Comparison, Difference, compare
from kdcore.evaluation.evaluate import Evaluation, evaluate
from kdcore.evaluation.exports import to_csv, to_json, write_qrels, write_trec_run
from kdcore.evaluation.gap import GapRecovered, gap_recovered
from kdcore.metrics.definitions import shown_in
from kdcore.metrics.significance import against
from kdcore.runs.resolve import settled
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace, write_json_atomic, write_text_atomic

TASKS = ("teacher_ft", "student_ft", "teacher_inf", "student_kd", "eval")
_FEW = 32  # pairs from which a model is built to see that it can be


@dataclass(frozen=True, kw_only=True)
class TutorialPlan:
    """What the tutorial trains; both students share model, seed and training settings.

    With transfer "train" they share pairs and steps, too; with another one the distilled student
    learns from other pairs, and the result notes how many.
    """

    data: str = "world"
    limit: int = 0
    seed: int = 0
    device: str = "auto"
    threads: int = 0
    teacher: ModelConfig = field(default_factory=lambda: ModelConfig.parse("bert_teacher"))
    student: ModelConfig = field(default_factory=lambda: ModelConfig(name="twinbert_cos"))
    teacher_training: TrainingConfig = field(default_factory=TrainingConfig)
    student_training: TrainingConfig = field(default_factory=TrainingConfig)
    method: MethodConfig = field(default_factory=MethodConfig)
    soft_weight: float = 1.0
    hard_weight: float = 0.1
    transfer: str = "train"  # what the distilled student learns from, see DistillConfig

    def __post_init__(self) -> None:
        """Refuse now what the last training would refuse after an hour of the first."""
        try:
            self.finetuning("teacher_ft")
            self.distillation("teacher_ft")
        except ConfigError as error:
            raise ConfigError("This tutorial cannot be done:", error.problems) from None

    def finetuning(self, task: str) -> FinetuneConfig:
        """The config of teacher_ft, or of student_ft, the student's twin without a teacher."""
        model, training = {
            "teacher_ft": (self.teacher, self.teacher_training),
            "student_ft": (self.student, self.student_training),
        }[task]
        return FinetuneConfig(model=model, training=training, **self.common())

    def distillation(self, teacher: str) -> DistillConfig:
        """The config of student_kd, with this run as its teacher."""
        return DistillConfig(
            teacher=teacher,
            student=self.student,
            training=self.student_training,
            method=self.method,
            soft_weight=self.soft_weight,
            hard_weight=self.hard_weight,
            transfer=self.transfer,
            **self.common(),
        )

    def common(self) -> dict[str, Any]:
        """The settings that all stages share."""
        names = ("data", "limit", "seed", "device", "threads")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class TutorialResult:
    """The table and what stands behind it."""

    plan: TutorialPlan
    runs: dict[str, Run]
    evaluations: dict[str, Evaluation]
    gap: GapRecovered
    distilled_against_twin: Comparison
    source: str  # of the data, one sentence
    notes: tuple[str, ...]
    splits: dict[str, int]
    seconds: dict[str, float]

    def rows(self) -> list[dict[str, Any]]:
        """A row per trained model, with its intervals."""
        return [self._row(task) for task in self.evaluations]

    def _row(self, task: str) -> dict[str, Any]:
        metrics = self.evaluations[task].metrics
        row: dict[str, Any] = {"task": task, "run": self.runs[task].id}
        for key in shown_in("tutorial"):
            if key in metrics:
                metric = metrics[key]
                row |= {key: metric.value, f"{key}_low": metric.low, f"{key}_high": metric.high}
        return row | {"n": metrics["roc_auc"].n, "seconds": round(self.seconds[task], 2)}

    def difference(self, key: str = "roc_auc") -> Difference:
        """The distilled student minus its twin in one metric."""
        return self.distilled_against_twin.differences[key]

    def sentence(self) -> str:
        """The finding in plain words."""
        d, gap = self.difference(), self.gap
        text = (
            f"The distilled student in ROC-AUC: {against(d.verdict, 'its twin')}, "
            f"{d.delta:+.4f} [{d.low:+.4f}, {d.high:+.4f}], p = {d.p:.3f}."
        )
        if d.verdict == "INCONCLUSIVE":
            text += (
                f" A true difference below {d.smallest_detectable:.4f} would mostly go "
                "undetected here."
            )
        return f"{text} {gap.sentence[0].upper()}{gap.sentence[1:]}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plan = self.plan
        return {
            "rows": self.rows(),
            "gap_recovered": self.gap.share if self.gap.trustworthy else None,
            "gap": asdict(self.gap),
            "difference": asdict(self.difference()),
            "verdict": self.difference().verdict,
            "sentence": self.sentence(),
            "data": plan.data,
            "source": self.source,
            "limit": plan.limit,
            "seed": plan.seed,
            "pairs": self.splits,
            "notes": list(self.notes),
            "runs": {task: run.id for task, run in self.runs.items()},
            "seconds": self.seconds,
        }


def tutorial(
    plan: TutorialPlan,
    *,
    out: Path | None = None,
    workspace: Workspace | None = None,
    tell: Callable[[str, Run | None], None] = lambda task, run: None,
) -> TutorialResult:
    """Carry the five tasks out; with `out`, runs and results are written there.

    tell: is given each task as it begins, with its run where it trains one.
    """
    workspace = workspace or Workspace.default()
    home = Workspace(out) if out else workspace
    pairs = lab.pairs_of(plan.finetuning("teacher_ft"), workspace)
    _refuse_avoidable(plan, pairs)
    runs, seconds = _train(plan, pairs, home, workspace, tell)
    tell("eval", None)
    test = pairs.split("test")
    began = time.monotonic()
    result = _judge(plan, pairs, test, runs, seconds)
    seconds["eval"] = time.monotonic() - began
    if out:
        _write(out, result, test)
    return result


def _refuse_avoidable(plan: TutorialPlan, pairs: PairTable) -> None:
    """Every error of the last stage that can be known before the first one trains."""
    from kdcore.models.build import new_model

    pairs.only(plan.transfer.split("+"))
    refuse_missing(pairs, "a tutorial")
    few = pairs.split("train").take(np.arange(min(_FEW, len(pairs.split("train")))))
    for model in (plan.teacher, plan.student):
        new_model(model, few, plan.seed)


def _train(
    plan: TutorialPlan,
    pairs: PairTable,
    home: Workspace,
    workspace: Workspace,
    tell: Callable[[str, Run | None], None],
) -> tuple[dict[str, Run], dict[str, float]]:
    store, runs, seconds = RunStore(home.runs), {}, {}

    def carry_out(task: str, config: FinetuneConfig | DistillConfig) -> None:
        began = time.monotonic()
        whole = to_dict(settled(config, workspace))
        runs[task] = store.create(whole, title=f"tutorial {task}")
        tell(task, runs[task])
        lab.execute(runs[task], home, pairs)
        seconds[task] = time.monotonic() - began

    carry_out("teacher_ft", plan.finetuning("teacher_ft"))
    carry_out("student_ft", plan.finetuning("student_ft"))
    tell("teacher_inf", None)
    began = time.monotonic()
    transfer = pairs.only(plan.transfer.split("+"))
    lab.answers(runs["teacher_ft"].id, transfer, home, plan.device)
    seconds["teacher_inf"] = time.monotonic() - began
    carry_out("student_kd", plan.distillation(runs["teacher_ft"].id))
    return runs, seconds


def _judge(
    plan: TutorialPlan,
    pairs: PairTable,
    test: PairTable,
    runs: dict[str, Run],
    seconds: dict[str, float],
) -> TutorialResult:
    answers = {task: lab.predictions(run) for task, run in runs.items()}
    teacher = answers["teacher_ft"]
    evaluations = {
        task: evaluate(test, a, teacher=None if task == "teacher_ft" else teacher)
        for task, a in answers.items()
    }
    for task, evaluation in evaluations.items():
        write_text_atomic(runs[task].evaluation_path("test"), to_json(evaluation))
    return TutorialResult(
        plan=plan,
        runs=runs,
        evaluations=evaluations,
        gap=gap_recovered(test, answers["student_ft"], answers["student_kd"], teacher),
        distilled_against_twin=compare(
            test, answers["student_kd"], answers["student_ft"], teacher=teacher
        ),
        source=pairs.source,
        notes=(*pairs.notes, *_other_pairs(plan, pairs, runs)),
        splits={split: len(pairs.split(split)) for split in pairs.splits},
        seconds=seconds,
    )


def _other_pairs(plan: TutorialPlan, pairs: PairTable, runs: dict[str, Run]) -> tuple[str, ...]:
    """What stood beside the teacher between the twins, where they learned from other pairs."""
    if plan.transfer == "train":
        return ()
    seen = len(pairs.only(plan.transfer.split("+"))), len(pairs.split("train").labelled())
    kd, ft = (int(runs[task].metrics()[-1]["step"]) for task in ("student_kd", "student_ft"))
    return (
        f"The distilled student saw other pairs than its twin: {seen[0]:,} of {plan.transfer} in "
        f"{kd:,} steps, the twin {seen[1]:,} labelled ones of train in {ft:,}; "
        "their difference is not the teacher's alone.",
    )


def _write(out: Path, result: TutorialResult, test: PairTable) -> None:
    write_json_atomic(out / "tutorial.json", result.to_dict())
    write_text_atomic(out / "comparison.csv", to_csv(result.distilled_against_twin))
    write_qrels(out / "test.qrels", test)
    for task, run in result.runs.items():
        write_trec_run(out / f"{task}.run", test, lab.predictions(run))
        write_text_atomic(out / f"{task}.csv", to_csv(result.evaluations[task]))
