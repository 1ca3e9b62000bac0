"""`kdlab evaluate` behind its options: what is measured, compared, written and told."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from kdcore import lab
from kdcore.cli.kit.answer import cell, show, span, table
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import Evaluation
from kdcore.evaluation.exports import per_query_csv, to_csv, write_qrels, write_trec_run
from kdcore.runs.store import Run
from kdcore.workspace import write_text_atomic


@dataclass(frozen=True)
class Asked:
    """What to measure: runs by id, and the temperature at which teacher and run are compared."""

    run: str
    split: str
    teacher: str | None
    against: str | None
    temperature: float


@dataclass(frozen=True)
class Found:
    """What was measured, and on which pairs."""

    run: Run
    split: str
    pairs: PairTable
    evaluation: Evaluation
    comparison: Comparison | None


def measure(asked: Asked) -> Found:
    """Evaluate the run, and compare it with the other one where there is one."""
    lab.check_temperature(asked.temperature)
    runs = lab.store()
    run = runs.get(asked.run)
    teacher, other = (runs.get(name) if name else None for name in (asked.teacher, asked.against))
    evaluation = lab.evaluate(run, asked.split, teacher=teacher, temperature=asked.temperature)
    pairs = lab.split_of(run, asked.split)
    comparison = None
    if other is not None:
        comparison = compare(
            pairs,
            lab.predictions(run, asked.split),
            lab.predictions(other, asked.split),
            teacher=lab.predictions(teacher, asked.split) if teacher else None,
            temperature=asked.temperature,
        )
    return Found(run, asked.split, pairs, evaluation, comparison)


def write(
    found: Found, csv: Path | None, per_query: Path | None, trec: Path | None
) -> tuple[Path, ...]:
    """The files that were requested; returns those written."""
    written: list[Path] = []
    if csv:
        write_text_atomic(csv, to_csv(found.comparison or found.evaluation))
        written.append(csv)
    if per_query:
        write_text_atomic(per_query, per_query_csv(found.evaluation, found.pairs))
        written.append(per_query)
    if trec:
        run, qrels = trec / f"{found.run.id}.run", trec / f"{found.split}.qrels"
        write_trec_run(run, found.pairs, lab.predictions(found.run, found.split))
        write_qrels(qrels, found.pairs)
        written += [run, qrels]
    return tuple(written)


def check_targets(*paths: Path | None) -> None:
    """ConfigError where a file cannot be written: its name is a folder, or its folder is none."""
    for path in paths:
        if path is not None and path.is_dir():
            example = path / "metrics.csv"
            raise ConfigError(f"{path} is a folder: name a file in it, such as {example}")
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}: make it, or name another place")


def tell(found: Found, written: tuple[Path, ...], as_json: bool) -> None:
    """The table of metrics, or of differences, and where files were written."""
    evaluation, comparison = found.evaluation, found.comparison
    data: dict[str, Any] = {
        "run": found.run.id,
        "split": found.split,
        **as_data(evaluation),
        "comparison": comparison,
        "run_notes": found.run.notes,
        "written": written,
    }
    counts = evaluation.counts
    parts: list[Any] = [
        f"{found.run.id} on {found.split} of {evaluation.data}: "
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
    parts += [f"Note: {note}." for note in found.run.notes]
    parts += [f"Written: {path}" for path in written]
    show(as_json, data, *parts)


def as_data(evaluation: Evaluation) -> dict[str, Any]:
    """What the JSON answer says of an evaluation: all but its parts query by query."""
    names = [f for f in Evaluation.__dataclass_fields__ if f != "columns"]
    return {name: getattr(evaluation, name) for name in names}


def metric_table(evaluation: Evaluation, not_own: Collection[str] = ()) -> Table:
    """Every metric with its interval, a row each; not_own: keys of those marked by a dagger."""
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
    """Every difference with interval, p and verdict, a row each."""
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
