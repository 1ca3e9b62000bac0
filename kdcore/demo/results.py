"""Evaluate the runs of a demo: what the app would compute first, and the table of the card."""

from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any

from kdcore.data.pairs import PairTable
from kdcore.demo import CARD
from kdcore.demo.check import digests, files, read_card
from kdcore.demo.plan import TEACHER, DemoPlan, Pupil
from kdcore.errors import DataError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import CEILING, Evaluation, evaluate
from kdcore.evaluation.exports import to_json
from kdcore.evaluation.gap import gap_file, gap_recovered
from kdcore.evaluation.result_files import result_file, write_result
from kdcore.metrics.definitions import shown_in
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import write_json_atomic, write_text_atomic

METRICS = shown_in("headline")
DEPTH, AREA_PERMUTATIONS = 5, 1000  # as the app computes a comparison
_RESULTS = "evaluation"  # the folder of a run's results


def write_results(
    plan: DemoPlan, folder: Path, test: PairTable, predictions: Mapping[str, Predictions]
) -> dict[str, Any]:
    """Evaluate every run of a demo; compare each student with its twin, all with the best's twin.

    Returns the figures of the card: teacher, students (both twins, verdict, gap recovered, and
    label_aware where a run of it is there), truth.
    """
    runs = {name: Run.load(folder / "runs" / name) for name in predictions}
    evaluations = {
        name: evaluate(test, answers, teacher=predictions[TEACHER], temperature=plan.temperature)
        for name, answers in predictions.items()
    }
    for name, evaluation in evaluations.items():
        write_text_atomic(runs[name].evaluation_path("test"), to_json(evaluation, indent=None))
    rows = {name: _figures(run, evaluations[name]) for name, run in runs.items()}
    students = [
        {
            "name": pupil.name,
            "title": pupil.title,
            "hard": rows[pupil.hard],
            "distilled": rows[pupil.distilled],
            **_compare_twins(pupil, runs[pupil.distilled], test, predictions),
            **_label_aware(pupil, runs, rows, test, predictions),
        }
        for pupil in plan.pupils
    ]
    best = max(plan.pupils, key=lambda pupil: rows[pupil.distilled]["roc_auc"]["value"])
    for run in runs.values():  # the page Runs opens on these differences
        if run.id not in (best.hard, best.distilled):
            answers = (predictions[run.id], predictions[best.hard])
            _compare(run, test, *answers, predictions[TEACHER] if run.is_distilled else None)
    top = evaluations[TEACHER].metrics.get(CEILING)
    truth = None if top is None else {"roc_auc": top.value, "low": top.low, "high": top.high}
    return {"teacher": rows[TEACHER], "students": students, "truth": truth}


def _compare_twins(
    pupil: Pupil, student: Run, test: PairTable, predictions: Mapping[str, Predictions]
) -> dict[str, Any]:
    """Store a student's gaps and its comparison with its twin; return its verdict and its gap."""
    folder = student.folder / _RESULTS
    hard, distilled, teacher = (
        predictions[name] for name in (pupil.hard, pupil.distilled, TEACHER)
    )
    gaps = {metric: gap_recovered(test, hard, distilled, teacher, metric) for metric in METRICS}
    for metric, gap in gaps.items():
        write_result(gap_file(folder, test, hard, distilled, teacher, metric), gap)
    comparison = _compare(student, test, distilled, hard, teacher)
    gap = gaps["roc_auc"]
    return {
        "verdict": comparison.differences["roc_auc"].verdict,
        "gap_recovered": {
            key: getattr(gap, key) if gap.trustworthy else nan for key in ("value", "low", "high")
        },
    }


def _label_aware(
    pupil: Pupil,
    runs: Mapping[str, Run],
    rows: Mapping[str, Any],
    test: PairTable,
    predictions: Mapping[str, Predictions],
) -> dict[str, Any]:
    """The figures of a student's label-aware run, compared with the run that it went on from."""
    name = pupil.label_aware
    if name not in runs:
        return {}
    answers = (predictions[each] for each in (name, pupil.distilled, TEACHER))
    comparison = _compare(runs[name], test, *answers)
    verdict = comparison.differences["roc_auc"].verdict
    return {"label_aware": {**rows[name], "verdict": verdict}}


def _compare(
    run: Run, test: PairTable, own: Predictions, base: Predictions, teacher: Predictions | None
) -> Comparison:
    """The comparison of a run with another, stored in its folder where pages find it."""
    comparison = compare(test, own, base, teacher=teacher, depth=DEPTH)
    how = ("comparison", DEPTH, AREA_PERMUTATIONS)
    folder = run.folder / _RESULTS
    write_result(result_file(folder, test, (own, base, teacher), *how), comparison)
    return comparison


def results_of(student: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of each run of a student, from its entry on the card."""
    return [student[kind] for kind in ("hard", "distilled", "label_aware") if kind in student]


def _figures(run: Run, evaluation: Evaluation) -> dict[str, Any]:
    """A run's metrics with their intervals, its training pairs, steps and seconds."""
    lines = run.metrics()
    metrics = {key: evaluation.metrics[key] for key in METRICS if key in evaluation.metrics}
    return {
        "run": run.id,
        **{key: {"value": m.value, "low": m.low, "high": m.high} for key, m in metrics.items()},
        "pairs": sum(run.splits[split].pairs for split in run.transfer.split("+")),
        "steps": int(max(line["step"] for line in lines)),
        "seconds": round(sum(line.get("seconds", 0.0) for line in lines), 1),
    }


def measure_again(folder: Path, plan: DemoPlan) -> dict[str, Any]:
    """Rewrite every evaluation, gap and comparison of a demo and return its new card.

    For a demo whose metrics were redefined: models, predictions and pairs stay as they are.
    DataError when the folder is not a demo of this plan, or when another file was changed.
    """
    card = read_card(folder)
    names = [stage.id for stage in plan.models]
    if sorted(card["runs"]) != sorted(names):
        raise DataError(f"{folder} has the runs {', '.join(card['runs'])}, not {', '.join(names)}")
    shipped = {name: digest for name, digest in card["files"].items() if not _is_result(name)}
    if broken := files(folder, {**card, "files": shipped}):
        raise DataError(f"{folder} is not as it was built:", broken)
    for result in (folder / "runs").glob(f"*/{_RESULTS}/*.json"):
        result.unlink()
    test = PairTable.load(folder / "data" / card["data"]["name"])
    paths = {name: folder / "runs" / name / "predictions" / "test.parquet" for name in names}
    predictions = {name: Predictions.load(path) for name, path in paths.items()}
    card["figures"] = write_results(plan, folder, test, predictions)
    card["files"] = dict(sorted((shipped | digests(folder, f"runs/*/{_RESULTS}/*")).items()))
    write_json_atomic(folder / CARD, card)
    return card


def _is_result(name: str) -> bool:
    """Whether a shipped file lies in the folder of a run's results."""
    return name.startswith("runs/") and name.split("/")[2:-1] == [_RESULTS]
