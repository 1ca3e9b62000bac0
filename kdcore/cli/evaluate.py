"""`kdlab evaluate`: evaluate a run, compare it with another, write the files, print tables."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.progress import Progress
from kdcore.errors import ConfigError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import per_query_csv, to_csv, write_qrels, write_trec_run
from kdcore.lab import Evaluated
from kdcore.workspace import write_text_atomic


@dataclass(frozen=True)
class Request:
    """What to evaluate, and which files to write of it.

    run, teacher, against: ids of runs; temperature: at which the run and its teacher are compared.
    """

    run: str
    split: str
    teacher: str | None
    against: str | None
    temperature: float
    csv: Path | None
    per_query: Path | None
    trec: Path | None


def evaluate(request: Request, quiet: bool, as_json: bool) -> None:
    """Evaluate the run, compare it with the other run where one is named, and write the files."""
    check_targets(request.csv, request.per_query)
    with Progress(quiet, as_json) as progress:
        progress.tell("evaluate")
        lab.check_temperature(request.temperature)
        result = lab.evaluate(
            request.run,
            request.split,
            teacher=request.teacher,
            rivals=[request.against] if request.against else [],
            temperature=request.temperature,
        )
        comparison = None
        if result.rivals:
            comparison = compare(
                result.pairs,
                result.predictions,
                result.rivals[0],
                teacher=result.teacher,
                temperature=request.temperature,
            )
        written = write(result, comparison, request)
    print_result(result, comparison, written, as_json)


def write(result: Evaluated, comparison: Comparison | None, request: Request) -> tuple[Path, ...]:
    """Write the requested files and return their paths."""
    written: list[Path] = []
    if request.csv:
        write_text_atomic(request.csv, to_csv(comparison or result.evaluation))
        written.append(request.csv)
    if request.per_query:
        write_text_atomic(request.per_query, per_query_csv(result.evaluation, result.pairs))
        written.append(request.per_query)
    if request.trec:
        run = request.trec / f"{result.run.id}.run"
        qrels = request.trec / f"{result.split}.qrels"
        write_trec_run(run, result.pairs, result.predictions)
        write_qrels(qrels, result.pairs)
        written += [run, qrels]
    return tuple(written)


def check_targets(*paths: Path | None) -> None:
    """Raise ConfigError where a path is a folder, or lies in a folder that does not exist."""
    for path in paths:
        if path is not None and path.is_dir():
            example = path / "metrics.csv"
            raise ConfigError(f"{path} is a folder: name a file in it, such as {example}")
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}: make it, or name another place")


def print_result(
    result: Evaluated, comparison: Comparison | None, written: tuple[Path, ...], as_json: bool
) -> None:
    """Print the metrics, the differences to the other run, and the files that were written."""
    evaluation = result.evaluation
    data: dict[str, Any] = {
        "run": result.run.id,
        "split": result.split,
        **as_data(evaluation),
        "comparison": comparison,
        "run_notes": result.run.notes,
        "written": written,
    }
    counts = evaluation.counts
    parts: list[Any] = [
        f"{result.run.id} on {result.split} of {evaluation.data}: "
        f"{counts['labelled']:,} labelled pairs of {counts['queries']:,} queries",
        metric_table(evaluation),
    ]
    if comparison:
        parts += [
            f"{comparison.model_a} minus {comparison.model_b}:",
            difference_table(comparison),
        ]
        parts += [f"Note: {note}" for note in comparison.notes if note not in evaluation.notes]
    parts += [f"Note: {note}" for note in evaluation.notes]
    parts += [f"Note: {note}." for note in result.run.notes]
    parts += [f"Written: {path}" for path in written]
    show(as_json, data, *parts)


def as_data(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as plain data for JSON, without its columns per query."""
    names = [f for f in Evaluation.__dataclass_fields__ if f != "columns"]
    return {name: getattr(evaluation, name) for name in names}


def metric_table(evaluation: Evaluation, not_own: Collection[str] = ()) -> Table:
    """Metrics with their intervals, one per row; not_own: keys of those marked by a dagger."""
    rows = [
        {
            "metric": f"{m.name} †" if m.key in not_own else m.name,
            "value [95 %]": span(m.value, m.low, m.high),
            "n": m.n,
            "of": m.n_unit,
            "better": "higher" if m.higher_is_better else "lower",
        }
        for m in evaluation.metrics.values()
    ]
    return table(rows, right=("n",))


def difference_table(comparison: Comparison) -> Table:
    """Differences with interval, p and verdict, one per row."""
    rows = [
        {
            "metric": d.name,
            "difference": f"{d.delta:+.4f}" if d.delta == d.delta else cell(None),
            "95 %": f"[{cell(d.low)}, {cell(d.high)}]",
            "p": d.p,
            "detectable": d.smallest_detectable,
            f"against {comparison.model_b}": d.verdict,
        }
        for d in comparison.differences.values()
    ]
    return table(rows, right=("difference", "p", "detectable"))
