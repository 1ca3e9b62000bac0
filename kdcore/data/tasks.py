"""The tasks that pairs have labels for beside relevance: columns of labels, and their classes.

A column may hold whole numbers or texts. An empty cell, a negative number and a class that no pair
learned from has are no label.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.pairs import COLUMNS, ID_COLUMNS, PAIR_ID, TRUTH_PREFIX, UNLABELLED, PairTable
from kdcore.data.splits import transfer_set
from kdcore.data.world import tasks as world_tasks
from kdcore.errors import DataError
from kdcore.labels import RELEVANCE, TASK_PREFIX

MOST_CLASSES = 1000
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """A task beside relevance: its column of labels and the classes that its head tells apart.

    codes: the values of the column, as texts, in the order of the classes; names: those of the
    classes, where they are known by other names than their values.
    """

    name: str
    column: str
    codes: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.names or self.codes

    def labels(self, pairs: PairTable) -> Labels:
        """(pairs,) the class of each pair, -1 where it has no label of this task."""
        if self.column not in pairs.frame.columns:
            return np.full(len(pairs), UNLABELLED, dtype=np.int64)
        rows, texts = _coded(pairs.frame[self.column])
        places = {code: place for place, code in enumerate(self.codes)}
        classes = [places.get(text, UNLABELLED) for text in texts]
        return np.array([*classes, UNLABELLED], dtype=np.int64)[rows]  # a missing one has row -1


@dataclass(frozen=True)
class TaskPairs:
    """Pairs to learn from, each with a grade or a label of a task; labels by the task's name.

    notes: a sentence for each column that teaches nothing and was left out.
    """

    pairs: PairTable
    tasks: tuple[Task, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def labels(self) -> dict[str, Labels]:
        """(pairs,) labels of each task, by its name."""
        return {task.name: task.labels(self.pairs) for task in self.tasks}


def task_pairs(pairs: PairTable, split: str, names: Sequence[str] | None) -> TaskPairs:
    """The pairs of `train` or `train+log` that have a label, and the tasks that they teach.

    names: tasks that must be there; None takes every column task_<name>. DataError for a named
    column that is missing, has no label, one class only, or too many of them to be classes, and
    where no pair has a grade.
    """
    learned = transfer_set(pairs, split)
    tasks, faults = [], []
    for name in _columns(learned) if names is None else names:
        task, fault = _read(learned, name)
        if fault:
            faults.append(f"task {name}: {fault}")
        else:
            tasks.append(task)
    if names is not None and faults:
        raise DataError(f"{pairs.name} does not have these tasks:", faults)
    if not (learned.grades != UNLABELLED).any():
        raise DataError(f"{pairs.name}: no pair to learn from has a grade, so relevance has none")
    labels = [learned.grades, *(task.labels(learned) for task in tasks)]
    labelled = np.flatnonzero((np.stack(labels) != UNLABELLED).any(axis=0))
    return TaskPairs(
        learned.take(labelled), tuple(tasks), tuple(f"{fault}; it is left out" for fault in faults)
    )


def _columns(pairs: PairTable) -> list[str]:
    """The names of the tasks whose columns need not be named, relevance left out."""
    names = [c.removeprefix(TASK_PREFIX) for c in pairs.frame.columns if c.startswith(TASK_PREFIX)]
    return [name for name in names if name and name != RELEVANCE]


def _read(learned: PairTable, name: str) -> tuple[Task, str]:
    """A task by its name, and why it cannot be learned; "" when it can."""
    columns = learned.frame.columns
    column = TASK_PREFIX + name if TASK_PREFIX + name in columns else name
    none = Task(name, column, ())
    of_pairs = {*COLUMNS, *ID_COLUMNS, PAIR_ID, *(c for c in columns if c.startswith(TRUTH_PREFIX))}
    if column not in columns or column in of_pairs:
        others = [c.removeprefix(TASK_PREFIX) for c in columns if c not in of_pairs]
        there = f"there is {', '.join(others)}" if others else "these data have none"
        return none, f"no column of labels is called {column!r}; {there}"
    values = {text for text in _coded(learned.frame[column])[1] if text}
    if len(values) < 2:
        kinds = f"all of one class, {next(iter(values))!r}" if values else "without a label"
        return none, f"the pairs learned from are {kinds}, so there is nothing to learn"
    if len(values) > MOST_CLASSES:
        return none, f"it has {len(values):,} values, and {MOST_CLASSES:,} at most can be classes"
    classes = world_tasks().get(name, ()) if learned.generated else ()
    codes = tuple(map(str, range(len(classes))))
    if not values <= set(codes):
        classes, codes = (), tuple(sorted(values, key=_order))
    return Task(name, column, codes, classes), ""


def _coded(column: "pd.Series[Any]") -> tuple[NDArray[np.int64], list[str]]:
    """(pairs,) the row of each cell's text in a list of texts, and that list.

    -1 for a missing cell; the text is "" where it stands for no label.
    """
    rows, values = pd.factorize(column)
    return rows.astype(np.int64), [_text(value) for value in values.tolist()]


def _text(value: Any) -> str:
    """A cell as a text, whole numbers without a point; "" for an empty one and below 0."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return "" if value < 0 else f"{value:.12g}"
    text = str(value).strip()
    return "" if text == str(UNLABELLED) else text


def _order(text: str) -> tuple[float, str]:
    """Numbers by size, then texts."""
    return (float(text), "") if text.replace(".", "", 1).isdigit() else (float("inf"), text)
