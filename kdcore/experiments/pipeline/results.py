"""results(): the table at the end of a pipeline: what the model of each stage reaches and gains.

AUC gain kept = (AUC(student) - AUC(its twin)) / (AUC(teacher) - AUC(twin)); the twin is the same
student on labels alone, which is our baseline: the tutorial's slide does not define its own.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.evaluation.comparison import Difference
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.gap import GapRecovered, gap_recovered
from kdcore.experiments.pipeline.folder import Pipeline
from kdcore.experiments.pipeline.stages import Stage, Variant
from kdcore.judging.caveats import early
from kdcore.judging.results import answered_pairs, compare_runs, evaluate_run, teacher_answers
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.runs.twins import steps_of
from kdcore.workspace import Workspace

METRIC = "roc_auc"
CLAIMED = "cdssm"  # the student of the tutorial's sentence
CLAIM = (
    "The tutorial's slide says that C-DSSM kept 70 % of the AUC gain of AdsBERT; it does not "
    "define its baseline. Ours is the same student on labels alone."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """ROC-AUC of a stage's model on test with its 95 % interval, and its difference from another.

    n: pairs. delta: its value minus that of the stage `before`, with its paired 95 % interval, p
    and verdict; nan and "" where there is none. steps: of the training.
    """

    stage: str
    title: str
    role: str
    student: str
    run: str
    value: float
    low: float
    high: float
    n: int
    steps: int
    before: str = ""
    delta: float = math.nan
    delta_low: float = math.nan
    delta_high: float = math.nan
    p: float = math.nan
    verdict: str = ""


@dataclass(frozen=True, kw_only=True)
class Gain:
    """The share of the teacher's gain that a student kept; see the head of this module."""

    student: str
    stage: str
    gap: GapRecovered

    @property
    def text(self) -> str:
        """The share with its interval, or n/a with the reason."""
        gap = self.gap
        if not gap.trustworthy:
            return f"AUC gain kept n/a: the teacher does not clearly beat it; {gap.reason}"
        share, low, high = (f"{100 * x:.0f}" for x in (gap.value, gap.low, gap.high))
        return f"AUC gain kept {share} % [{low}, {high}]".replace("-", "−")


@dataclass(frozen=True, kw_only=True)
class Results:
    """The table of a pipeline, or of its finished stages while others are not finished.

    variants: of an ablation, each student's last model without one part; its `before` is the last
    model of the whole recipe, from which delta is measured. data_hash: content of the test pairs.
    """

    rows: tuple[Row, ...]
    gains: tuple[Gain, ...]
    variants: tuple[Row, ...]
    notes: tuple[str, ...]
    data_hash: str = ""


def results(pipeline: Pipeline) -> Results:
    """Measure the finished models that are not measured yet, and build the table."""
    finished = {n: r for n, r in pipeline.runs().items() if r.status().state == "finished"}
    plan = pipeline.plan
    whole, *others = plan.variants
    models = [stage for stage in plan.stages if stage.role and stage.name in finished]
    if not models:
        return Results(rows=(), gains=(), variants=(), notes=plan.left_out)
    table = _Table(pipeline, finished, answered_pairs(finished[models[0].name]))
    names = _stages_of(whole, plan.stages)
    rows = tuple(table.row(stage, stage.before) for stage in models if stage.name in names)
    return Results(
        rows=rows,
        gains=tuple(table.gains(whole)),
        variants=tuple(row for variant in others for row in table.variant(variant, whole)),
        notes=(*plan.left_out, *table.unequal_steps(whole), *_notes(models, finished)),
        data_hash=table.pairs.content_hash,
    )


def _stages_of(variant: Variant, stages: Iterable[Stage]) -> set[str]:
    """The stages that a variant's last models, and their twins, need."""
    names = {variant.teacher, *variant.finals.values(), *variant.twins.values()}
    for stage in reversed(list(stages)):
        if stage.name in names:
            names |= {*stage.needs}
    return names


class _Table:
    """Measures the finished runs of a pipeline on their common test pairs."""

    def __init__(self, pipeline: Pipeline, runs: Mapping[str, Run], pairs: PairTable) -> None:
        bundled, own = Workspace.bundled(), pipeline.workspace
        self.plan = pipeline.plan
        # nothing is written into the bundled demo
        self.workspace = Workspace.default() if own == bundled else own
        self.runs, self.pairs = runs, pairs

    def row(self, stage: Stage, before: str, title: str = "") -> Row:
        """A stage's model, beside that of another stage where that one is finished."""
        run = self.runs[stage.name]
        measured = self._evaluation(run).metrics[METRIC]
        row: dict[str, Any] = {
            "stage": stage.name,
            "title": title or stage.title,
            "role": stage.role,
            "student": stage.student,
            "run": run.id,
            "value": measured.value,
            "low": measured.low,
            "high": measured.high,
            "n": measured.n,
            "steps": steps_of(run),
        }
        difference = self._difference(run, before)
        if difference is None:
            return Row(**row)
        return Row(
            **row,
            before=before,
            delta=difference.delta,
            delta_low=difference.low,
            delta_high=difference.high,
            p=difference.p,
            verdict=difference.verdict,
        )

    def gains(self, variant: Variant) -> Iterable[Gain]:
        """What each student kept after the log and at its end."""
        for student, twin in variant.twins.items():
            for stage in self._models_of(student, variant.finals[student]):
                names = (twin, stage, variant.teacher)
                if {*names} <= set(self.runs):
                    twin_s, own, teacher = map(self._answers, names)
                    gap = gap_recovered(self.pairs, twin_s, own, teacher, METRIC)
                    yield Gain(student=student, stage=stage, gap=gap)

    def unequal_steps(self, variant: Variant) -> Iterable[str]:
        """A sentence for each student that took other steps in all than its twin."""
        for student, twin in variant.twins.items():
            chain = self._models_of(student, variant.finals[student])
            if {twin, *chain} <= set(self.runs):
                own, base = sum(steps_of(self.runs[name]) for name in chain), self.runs[twin]
                if own != steps_of(base):
                    titles = [self.plan.stage(name).title for name in chain]
                    yield (
                        f"{' and '.join(titles)} took {own:,} steps in all, their baseline "
                        f"{steps_of(base):,}, which saw the labelled pairs alone."
                    )

    def variant(self, variant: Variant, whole: Variant) -> Iterable[Row]:
        """The last model of each student without a part, beside that with all parts."""
        for student, name in variant.finals.items():
            if name in self.runs:
                stage, last = self.plan.stage(name), whole.finals[student]
                yield self.row(stage, last, f"{stage.title} ({variant.title})")

    def _models_of(self, student: str, final: str) -> list[str]:
        """The stages of a student that lead to its last model, which is among them."""
        chain = {final, *self.plan.stage(final).needs}
        stages = (s for s in self.plan.stages if s.student == student and s.role == "student")
        return [stage.name for stage in stages if stage.name in chain]

    def _answers(self, name: str) -> Predictions:
        return lab.predictions(self.runs[name])

    def _evaluation(self, run: Run) -> Evaluation:
        stored = lab.stored_evaluation(run)
        if stored is not None and stored.data_hash == self.pairs.content_hash:
            return stored
        return evaluate_run(run, self.pairs, teacher_answers(run, self.pairs))

    def _difference(self, run: Run, before: str) -> Difference | None:
        base = self.runs.get(before)
        if base is None or base.id == run.id:
            return None
        return compare_runs(run, base, self.pairs, self.workspace).differences[METRIC]


def _notes(models: Iterable[Stage], runs: Mapping[str, Run]) -> Iterable[str]:
    """Sentences that a reader of the table must know."""
    for stage in models:
        if text := early(runs[stage.name]):
            yield f"{stage.title} was ended early, {text}."
    if any(stage.student == CLAIMED for stage in models):
        yield CLAIM


def results_csv(table: Results) -> str:
    """The rows of the table, of the ablation and of the gain kept as CSV."""
    file = io.StringIO()
    names = [*Row.__dataclass_fields__]
    writer = csv.DictWriter(file, ["table", *names, "kept", "kept_low", "kept_high"])
    writer.writeheader()
    shares = {each.stage: each.gap for each in table.gains if each.gap.trustworthy}
    for kind, rows in (("stages", table.rows), ("ablation", table.variants)):
        for row in rows:
            values = {"table": kind, **{name: getattr(row, name) for name in names}}
            if kind == "stages" and row.stage in shares:
                gap = shares[row.stage]
                values |= {"kept": gap.value, "kept_low": gap.low, "kept_high": gap.high}
            writer.writerow({k: "" if v != v else v for k, v in values.items()})
    return file.getvalue()
