"""What distillation brought to a student that was trained outside: teacher, student and twin."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kdcore.data.answers.stored import brought_to, twin_among
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.evaluation.comparison import Comparison, compare
from kdcore.evaluation.gap import GapRecovered, gap_recovered
from kdcore.metrics.definitions import CATALOG, shown_in
from kdcore.predictions import Predictions, common_rows
from kdcore.workspace import Workspace

# the gap recovered is a share of a lead, so more of the metric has to be better
METRICS = [key for key in shown_in("headline") if CATALOG[key].higher_is_better]


@dataclass(frozen=True)
class Trio:
    """A brought student against its brought twin, and the gap recovered of their teacher's lead.

    teacher: its model's name. pairs: how many all three answered. gaps: by metric.
    """

    teacher: str
    pairs: int
    comparison: Comparison
    gaps: Mapping[str, GapRecovered]


def trio_with(
    answers: Predictions, split: PairTable, workspace: Workspace, data: str
) -> Trio | None:
    """Measure the trio that these brought answers complete; None while a role is missing.

    split: the pairs of a whole split. Of several teachers, students or twins the newest count; a
    twin brought for one student is compared with that one.
    """
    offered = brought_to(workspace, data, split.content_hash)
    own = next((k for k in offered if k.model == answers.model), None)
    if own is None or own.origin is None or own.origin.role not in ("teacher", "student", "twin"):
        return None
    of_role = {
        role: [k for k in offered if k.origin is not None and k.origin.role == role]
        for role in ("teacher", "student")
    }
    of_role |= {own.origin.role: [own]} if own.origin.role in of_role else {}
    couples = [(s, t) for s in of_role["student"] if (t := twin_among(s, offered)) is not None]
    if own.origin.role == "twin":
        couples = [(s, t) for s, t in couples if t.path == own.path]
    if not couples or not of_role["teacher"]:
        return None
    student, twin = couples[0]
    predictions = [Predictions.load(k.path) for k in (of_role["teacher"][0], student, twin)]
    rows = common_rows(predictions)
    pairs = split if rows is None else split.take(rows)
    if not (pairs.grades != UNLABELLED).any():
        return None
    every = np.arange(len(split)) if rows is None else rows
    teacher, distilled, twin_answers = (each.on(every, pairs.content_hash) for each in predictions)
    gaps = {
        metric: gap_recovered(pairs, twin_answers, distilled, teacher, metric) for metric in METRICS
    }
    comparison = compare(pairs, distilled, twin_answers, teacher=teacher)
    return Trio(teacher.model, len(pairs), comparison, gaps)
