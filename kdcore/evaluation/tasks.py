"""How well a run answers its tasks: the accuracy of each beside that of its commonest class."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.metrics.significance import Floats, Support, interval, resampled
from kdcore.workspace import write_json_atomic

FILE = "tasks.json"  # in the folder evaluation of a run
DEFINITION = (
    "Share of the pairs with a label of the task whose class the model finds; with its 95 % "
    "interval by bootstrap over queries. Beside it the majority share: what always answering the "
    "class that is commonest among the pairs learned from would find on the same pairs."
)
RESAMPLES = 1000
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class TaskAccuracy:
    """A task on a split: shares in 0..1, nan where no pair has a label.

    low, high: the 95 % interval of the accuracy. majority: the share of the class that is
    commonest among the pairs learned from; commonest: its name. n: pairs with a label. weight: of
    the task in the loss. Above or below the majority is a finding only where `gain_low` and
    `gain_high`, the interval of accuracy minus majority share, leave out 0.
    """

    task: str
    split: str
    accuracy: float
    low: float
    high: float
    majority: float
    gain_low: float
    gain_high: float
    commonest: str
    classes: int
    n: int
    queries: int
    weight: float


def accuracy_of(
    task: str,
    split: PairTable,
    labels: Labels,
    answers: Labels,
    learned: Labels,
    classes: Sequence[str],
    weight: float,
) -> TaskAccuracy:
    """Measure one task.

    Args:
        split: the pairs, all of one split.
        labels, answers: (pairs,) class of each pair and the model's answer; -1 has no label.
        learned: labels of the pairs that were learned from.
    """
    commonest = int(np.bincount(learned[learned >= 0], minlength=len(classes)).argmax())
    counted = labels >= 0
    right = np.stack([answers == labels, np.full(len(labels), commonest) == labels], axis=1)
    values, low, high, queries = _shares(split.query_ids[counted], right[counted])
    return TaskAccuracy(
        task=task,
        split=str(split.frame["split"].iloc[0]),
        accuracy=float(values[0]),
        low=float(low[0]),
        high=float(high[0]),
        majority=float(values[1]),
        gain_low=float(low[2]),
        gain_high=float(high[2]),
        commonest=classes[commonest],
        classes=len(classes),
        n=int(counted.sum()),
        queries=queries,
        weight=weight,
    )


def _shares(query_ids: Labels, right: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, int]:
    """The shares right of two columns (pairs, 2) and their difference, with their 95 % ends.

    Returns:
        (3,) values, (3,) low, (3,) high, and how many queries there are.
    """
    _, query = np.unique(query_ids, return_inverse=True)
    queries = int(query.max(initial=-1)) + 1
    # per query: pairs, and pairs that are right in each column
    columns = [np.ones(len(query)), *right.T.astype(np.float64)]
    per_query = np.stack([np.bincount(query, column, queries) for column in columns], axis=1)

    def shares(weights: Floats) -> Floats:
        pairs, *sides = (weights @ per_query).T
        with np.errstate(invalid="ignore"):  # no pair has a label
            return np.asarray(np.stack([*sides, sides[0] - sides[1]], axis=1) / pairs[:, None])

    values = shares(np.ones((1, queries)))[0]
    draws = resampled(shares, queries, RESAMPLES, 3)
    low, high = interval(draws, values, Support.whole(queries, 3))
    return values, np.maximum(low, (0, 0, -1)), np.minimum(high, 1), queries


def write_tasks(folder: Path, measured: Sequence[TaskAccuracy]) -> None:
    """Write the accuracies of a run into its folder."""
    rows = [asdict(each) for each in measured]
    write_json_atomic(folder / "evaluation" / FILE, {"definition": DEFINITION, "tasks": rows})


def read_tasks(folder: Path) -> tuple[TaskAccuracy, ...]:
    """The accuracies in a run's folder; none where it has none, or they cannot be read."""
    try:
        text = (folder / "evaluation" / FILE).read_text(encoding="utf-8")
        return tuple(TaskAccuracy(**_numbers(row)) for row in json.loads(text)["tasks"])
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float("nan") if value is None else value for key, value in row.items()}


def task_rows(measured: Sequence[TaskAccuracy]) -> list[dict[str, str]]:
    """The accuracies as rows of a table, for the command and the card."""
    return [
        {
            "task": each.task.replace("_", " "),
            "split": each.split,
            "accuracy [95 %]": f"{each.accuracy:.3f} [{each.low:.3f}, {each.high:.3f}]",
            "majority share": f"{each.majority:.3f} ({each.commonest})",
            "n": f"{each.n:,} pairs, {each.queries:,} queries",
        }
        for each in measured
    ]


def task_table(folder: Path) -> list[str]:
    """The accuracies of a run as the lines of a Markdown table; none where it has none."""
    rows = task_rows(read_tasks(folder))
    if not rows:
        return []
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return [DEFINITION, "", *(f"| {' | '.join(map(_cell, line))} |" for line in lines), ""]


def _cell(text: str) -> str:
    """A text of the data in a cell: no mark of Markdown or HTML in it has an effect."""
    for mark, instead in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("|", "\\|")):
        text = " ".join(text.split()).replace(mark, instead)
    return text
