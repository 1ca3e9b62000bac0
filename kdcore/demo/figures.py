"""Compute the demo's table: each model's metrics, verdict and gap recovered."""

from collections.abc import Mapping
from math import nan
from typing import Any

from kdcore.data.pairs import PairTable
from kdcore.demo.plan import TEACHER, DemoPlan, Pupil
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import CEILING, Evaluation
from kdcore.evaluation.gap import gap_recovered
from kdcore.metrics.definitions import shown_in
from kdcore.predictions import Predictions
from kdcore.runs.store import Run

KEYS = shown_in("headline")


def figures(
    plan: DemoPlan,
    test: PairTable,
    runs: Mapping[str, Run],
    predictions: Mapping[str, Predictions],
    evaluations: Mapping[str, Evaluation],
) -> dict[str, Any]:
    """Return teacher, students (both twins, verdict, gap recovered) and truth, ready for JSON."""
    rows = {name: _figures(runs[name], evaluations[name]) for name in runs}
    top = evaluations[TEACHER].metrics.get(CEILING)
    return {
        "teacher": rows[TEACHER],
        "students": [_student(pupil, test, rows, predictions) for pupil in plan.pupils],
        "truth": None if top is None else {"roc_auc": top.value, "low": top.low, "high": top.high},
    }


def _student(
    pupil: Pupil,
    test: PairTable,
    rows: Mapping[str, dict[str, Any]],
    predictions: Mapping[str, Predictions],
) -> dict[str, Any]:
    hard, distilled, teacher = (
        predictions[name] for name in (pupil.hard, pupil.distilled, TEACHER)
    )
    gap = gap_recovered(test, hard, distilled, teacher)
    difference = compare(test, distilled, hard, teacher=teacher).differences["roc_auc"]
    return {
        "name": pupil.name,
        "title": pupil.title,
        "hard": rows[pupil.hard],
        "distilled": rows[pupil.distilled],
        "verdict": difference.verdict,
        "gap_recovered": {
            key: getattr(gap, key) if gap.trustworthy else nan for key in ("value", "low", "high")
        },
    }


def _figures(run: Run, evaluation: Evaluation) -> dict[str, Any]:
    """Return a run's metrics with their intervals, its training pairs, steps and seconds."""
    lines = run.metrics()
    metrics = {key: evaluation.metrics[key] for key in KEYS if key in evaluation.metrics}
    return {
        "run": run.id,
        **{key: {"value": m.value, "low": m.low, "high": m.high} for key, m in metrics.items()},
        "pairs": run.splits["train"].pairs,
        "steps": int(max(line["step"] for line in lines)),
        "seconds": round(sum(line.get("seconds", 0.0) for line in lines), 1),
    }
