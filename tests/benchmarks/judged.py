"""Cells of families.py as a table: means over seeds, and differences with both intervals."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from table import environment

from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.evaluate import evaluate
from kdcore.evaluation.texts import signed
from kdcore.judging.seeds import over_seeds, spread
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.similarity import linear_cka, rsa
from kdcore.predictions import Predictions
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

METRICS = ("roc_auc", "ndcg@5", "ece_mass")
REFERENCES = ("labels", "response")
RSA_PAIRS = 2000  # time and memory of rsa grow with their square
Cells = dict[int, tuple[dict[str, Any], Predictions]]  # by seed


def asset_of(
    about: Mapping[str, Any],
    cells: Sequence[dict[str, Any]],
    teacher: Run,
    workspace: Workspace,
) -> dict[str, Any]:
    """Everything that the table says, as plain data; RESULTS.md tells how to read it.

    rows: one for each student and way, over the seeds that are finished. A row's `against` has
    the differences to labels only and to response alone with the same student.
    """
    runs = {cell["run"]: lab.store(workspace).get(cell["run"]) for cell in cells}
    test = lab.split_of(next(iter(runs.values())), "test", workspace)
    teachers, _ = lab.answers(teacher, test, workspace, "cpu", "fp32")
    groups: dict[tuple[str, str], Cells] = {}
    for cell in cells:
        group = groups.setdefault((cell["student"], cell["way"]), {})
        group[cell["seed"]] = cell, lab.predictions(runs[cell["run"]])
    figures = evaluate(test, teachers).metrics
    return {
        **about,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": environment(1),
        "test_pairs": len(test),
        "queries": len(np.unique(test.query_ids)),
        "metrics": {key: _definition(key) for key in METRICS},
        "teacher": {
            "title": teacher.title,
            "values": {key: _interval(figures[key]) for key in METRICS},
            "ceiling": _interval(figures["truth_auc"]),
        },
        "rows": [_row(key, group, groups, test, teachers) for key, group in groups.items()],
    }


def _definition(key: str) -> dict[str, Any]:
    entry = CATALOG[key]
    return {
        "name": entry.name,
        "definition": entry.sentence,
        "higher_is_better": entry.higher_is_better,
    }


def _interval(metric: Any) -> dict[str, float]:
    return {"value": metric.value, "low": metric.low, "high": metric.high}


def _row(
    key: tuple[str, str],
    group: Cells,
    groups: Mapping[tuple[str, str], Cells],
    test: PairTable,
    teacher: Predictions,
) -> dict[str, Any]:
    student, way = key
    seeds = sorted(group)
    cells = [group[seed][0] for seed in seeds]
    measured = [evaluate(test, group[seed][1], resamples=50).metrics for seed in seeds]
    before = REFERENCES[: REFERENCES.index(way)] if way in REFERENCES else REFERENCES
    references = [r for r in before if (student, r) in groups]
    return {
        "student": student,
        "method": way,
        "seeds": seeds,
        "steps": cells[0]["steps"],
        "ms_per_step": _mean([cell["ms_per_step"] for cell in cells]),
        "peak_mb": max(cell["peak_mb"] for cell in cells),
        "code": sorted({cell["code"] for cell in cells}),
        "values": {m: _over([each[m].value for each in measured]) for m in METRICS},
        "likeness": _likeness([group[seed][1] for seed in seeds], teacher),
        "against": {r: _against(group, groups[student, r], test) for r in references},
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _over(values: Sequence[float]) -> dict[str, Any]:
    """Mean over seeds, standard deviation (None below two), and each seed's value."""
    of_values = spread(values)
    return {"mean": of_values.mean, "deviation": of_values.deviation, "by_seed": list(values)}


def _likeness(answers: Sequence[Predictions], teacher: Predictions) -> dict[str, Any]:
    """Linear CKA on all test pairs and RSA on some of them, of student's and teacher's features."""
    sample = np.random.default_rng(0).permutation(len(teacher))[:RSA_PAIRS]
    theirs = _features(teacher)
    return {
        "cka": _over([linear_cka(_features(each), theirs) for each in answers]),
        "rsa": _over([rsa(_features(each)[sample], theirs[sample]) for each in answers]),
    }


def _features(predictions: Predictions) -> Any:
    assert predictions.features is not None, predictions.model
    return predictions.features


def _against(group: Cells, reference: Cells, test: PairTable) -> dict[str, Any]:
    """The difference in each metric, over the seeds that both have; no p of it is used."""
    compared = [
        compare(test, group[seed][1], reference[seed][1], permutations=20, area_permutations=20)
        for seed in sorted(group.keys() & reference.keys())
    ]
    return {metric: difference(metric, compared) for metric in METRICS if compared}


def difference(metric: str, compared: Sequence[Comparison]) -> dict[str, Any]:
    """Mean difference over seeds, with two intervals of it.

    queries: the mean of the seeds' paired bootstrap intervals over queries, how it would move with
    other test pairs. over_seeds: Student's t over the seeds, None below three. verdict: BETTER or
    WORSE where both lie on one side of 0.
    """
    each = [comparison.differences[metric] for comparison in compared]
    low, high, _ = over_seeds([d.delta for d in each])
    ends = [_mean([d.low for d in each]), _mean([d.high for d in each])]
    side = 0
    if np.isfinite(low):
        side = int(min(low, *ends) > 0) - int(max(high, *ends) < 0)
    sign = side if CATALOG[metric].higher_is_better else -side
    return {
        "mean": _mean([d.delta for d in each]),
        "by_seed": [d.delta for d in each],
        "queries": ends,
        "over_seeds": [low, high],
        "verdict": {1: "BETTER", 0: "INCONCLUSIVE", -1: "WORSE"}[sign],
    }


def text_of(asset: Mapping[str, Any]) -> str:
    """The tables as Markdown: quality and cost, differences, likeness of features."""
    parts = []
    for student, entry in asset["students"].items():
        if rows := [row for row in asset["rows"] if row["student"] == student]:
            parts += [f"### {entry['title']}", _quality(asset, rows)]
            parts += [_differences(asset, rows, reference) for reference in REFERENCES]
    return "\n\n".join([*parts, "### Features of student and teacher", _alike(asset)])


def _names(asset: Mapping[str, Any]) -> list[str]:
    return [asset["metrics"][metric]["name"] for metric in METRICS]


def _quality(asset: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["learned from", *_names(asset), "steps", "CPU ms a step", "peak MB"]
    lines = [
        [
            asset["methods"][row["method"]]["title"],
            *(_value(row["values"][metric]) for metric in METRICS),
            str(row["steps"]),
            f"{row['ms_per_step']:.0f}",
            f"{row['peak_mb']:,.0f}",
        ]
        for row in rows
    ]
    return _markdown(head, lines)


def _differences(
    asset: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], reference: str
) -> str:
    head = [f"minus {asset['methods'][reference]['title'].lower()}", *_names(asset)]
    lines = [
        [
            asset["methods"][row["method"]]["title"],
            *(_difference_text(row["against"][reference][metric]) for metric in METRICS),
        ]
        for row in rows
        if reference in row["against"]
    ]
    return _markdown(head, lines)


def _alike(asset: Mapping[str, Any]) -> str:
    head = ["student", "learned from", "CKA", "RSA"]
    lines = [
        [
            asset["students"][row["student"]]["title"],
            asset["methods"][row["method"]]["title"],
            _value(row["likeness"]["cka"]),
            _value(row["likeness"]["rsa"]),
        ]
        for row in asset["rows"]
    ]
    return _markdown(head, lines)


def _value(of_seeds: Mapping[str, Any]) -> str:
    if np.isnan(of_seeds["deviation"]):
        return f"{of_seeds['mean']:.3f}"
    return f"{of_seeds['mean']:.3f} ± {of_seeds['deviation']:.3f}"


def _difference_text(difference: Mapping[str, Any]) -> str:
    """Mean, interval over queries, interval over seeds, verdict."""
    intervals = [
        f"[{signed(low)}, {signed(high)}]"
        for low, high in (difference["queries"], difference["over_seeds"])
        if np.isfinite(low)
    ]
    return " ".join([signed(difference["mean"]), *intervals, difference["verdict"]])


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    table = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in table)
