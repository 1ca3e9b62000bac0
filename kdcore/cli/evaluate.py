"""`kdlab evaluate`: evaluate a run, compare it with another, write the files, print tables."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.cli.kit.options import Json, Quiet, RunId
from kdcore.cli.kit.progress import Progress
from kdcore.errors import ConfigError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import per_query_csv, to_csv, write_qrels, write_trec_run
from kdcore.lab import Evaluated
from kdcore.labels import OWN
from kdcore.softlabels import check_temperature
from kdcore.workspace import write_text_atomic


def evaluate(
    run: RunId,
    split: Annotated[str, typer.Option("--split", help="the pairs to measure on")] = "test",
    teacher: Annotated[
        str | None,
        typer.Option("--teacher", metavar="RUN", help="measure the agreement with this run, too"),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RUN", help="is RUN better than this one?")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="where the run and the teacher are compared")
    ] = 2.0,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="write the table as CSV")
    ] = None,
    per_query: Annotated[
        Path | None, typer.Option("--per-query", metavar="FILE", help="write a CSV row a query")
    ] = None,
    trec: Annotated[
        Path | None,
        typer.Option("--trec", metavar="DIR", help="write run and qrels for trec_eval"),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure a run on a split: every metric with its interval and what it is over."""
    _check_targets(csv, per_query)
    with Progress(quiet, as_json) as progress:
        progress.tell("evaluate")
        check_temperature(temperature)
        rivals = [against] if against else []
        result = lab.evaluate(run, split, teacher=teacher, rivals=rivals, temperature=temperature)
        comparison = None
        if result.rivals:
            comparison = compare(
                result.pairs,
                result.predictions,
                result.rivals[0],
                teacher=result.teacher,
                temperature=temperature,
            )
        written: list[Path] = []
        if csv:
            write_text_atomic(csv, to_csv(comparison or result.evaluation))
            written.append(csv)
        if per_query:
            write_text_atomic(per_query, per_query_csv(result.evaluation, result.pairs))
            written.append(per_query)
        if trec:
            ranking, judgments = trec / f"{result.run.id}.run", trec / f"{result.split}.qrels"
            write_trec_run(ranking, result.pairs, result.predictions)
            write_qrels(judgments, result.pairs)
            written += [ranking, judgments]
            if result.pairs.scheme.own_gains:
                written.append(trec / f"{result.split}.own.qrels")
                write_qrels(written[-1], result.pairs, OWN)
    _print(result, comparison, written, as_json)


def _check_targets(*paths: Path | None) -> None:
    """Raise ConfigError where a path is a folder, or lies in a folder that does not exist."""
    for path in paths:
        if path is not None and path.is_dir():
            example = path / "metrics.csv"
            raise ConfigError(f"{path} is a folder: name a file in it, such as {example}")
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}: make it, or name another place")


def _print(
    result: Evaluated, comparison: Comparison | None, written: list[Path], as_json: bool
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
