"""retention(): what a student keeps of its teacher, and what it costs, each with its conditions.

The DistilBERT paper reports a student this way (97 % of the score, 40 % fewer weights, 60 %
faster). Here the share is counted from what a model that knows nothing reaches: an ROC-AUC of 0.5.
"""

from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import numpy as np

from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.errors import ConfigError, lookup
from kdcore.evaluation.intervals import draws_of
from kdcore.evaluation.measures import Floats, measure
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import Support, interval
from kdcore.predictions import Predictions
from kdcore.runs.sizes import ModelSize, megabytes
from kdcore.runs.speed import Latency

Sizes = tuple[ModelSize | None, ModelSize | None]  # of student and teacher


@dataclass(frozen=True)
class Reference:
    """A published student against its teacher; speedup is quoted by others, see conditions."""

    name: str
    paper: str
    share: float  # of the teacher's score that the student keeps
    floor: str  # what that share is counted from
    parameters_share: float
    speedup: float
    conditions: str


DISTILBERT = Reference(
    name="DistilBERT",
    paper="Sanh et al. 2019, arXiv:1910.01108",
    share=77.0 / 79.5,
    floor="the GLUE dev macro score of its authors' README, 77.0 against BERT-base's 79.5, "
    "counted from 0",
    parameters_share=66 / 110,
    speedup=668 / 410,
    conditions="668 against 410 seconds for a full pass over STS-B dev on a CPU, one text at a "
    "time. Others quote these times from the paper; they were neither read there nor measured here",
)


@dataclass(frozen=True)
class Retention:
    """The share of a teacher's quality that a student keeps, and the price of both.

    share: (student - floor) / (teacher - floor), of what lies above chance; raw:
    student / teacher; both with a 95 % interval on common draws of queries. twin_share: the twin's
    share of the same. share and twin_share are nan, and reason says why, unless the teacher is
    clearly better than chance and than the twin. Shares of size are student / teacher; speedup is
    the teacher's p50 over the student's. Unknown numbers are nan; conditions and reason say why.
    """

    metric: str
    floor: float
    floor_name: str
    student: float
    teacher: float
    share: float
    share_low: float
    share_high: float
    raw: float
    raw_low: float
    raw_high: float
    twin_share: float
    n: int
    n_unit: str
    queries: int
    reason: str = ""
    parameters: int = 0
    parameters_share: float = nan
    megabytes: float = nan
    megabytes_share: float = nan
    p50_ms: float = nan
    p95_ms: float = nan
    teacher_p50_ms: float = nan
    teacher_p95_ms: float = nan
    speedup: float = nan
    speedup_one_thread: float = nan
    throughput: float = nan  # pairs per second in batches
    throughput_share: float = nan
    conditions: str = "Speed was not measured on this machine."


def retention(
    pairs: PairTable,
    student: Predictions,
    teacher: Predictions,
    latency: Latency | None = None,
    twin: Predictions | None = None,
    metric: str = "roc_auc",
    *,
    sizes: Sizes = (None, None),
    resamples: int = 1000,
    seed: int = 0,
) -> Retention:
    """What share of the teacher's quality the student keeps on these pairs, with size and speed.

    sizes: of student and teacher, for a run whose latency was not measured.
    """
    floor, floor_name = floor_of(pairs, metric)
    models = [measure(pairs, x) for x in (student, teacher, twin) if x is not None]
    values = np.array([[float(m.value_of(metric)[0]) for m in models]])
    draws = draws_of(models, metric, resamples, seed)
    shares = [_share(values, floor), _share(values, 0.0), *_leads(values, floor)]
    low, high = interval(
        np.column_stack([_share(draws, floor), _share(draws, 0.0), *_leads(draws, floor)]),
        np.concatenate(shares),
        Support.whole(models[0].queries, len(shares)),
        reach=0.0,
    )
    reason = _no_share(metric, values[0], floor, floor_name, low[2:])
    retained = [nan if reason else float(x) for x in (shares[0][0], low[0], high[0])]
    return Retention(
        metric=metric,
        floor=floor,
        floor_name=floor_name,
        student=values[0, 0],
        teacher=values[0, 1],
        share=retained[0],
        share_low=retained[1],
        share_high=retained[2],
        raw=float(shares[1][0]),
        raw_low=float(low[1]),
        raw_high=float(high[1]),
        twin_share=float(_share(values[:, [-1, 1]], floor)[0]) if twin and not reason else nan,
        n=models[0].count(metric),
        n_unit=CATALOG[metric].unit,
        queries=models[0].queries,
        reason=reason,
        **_costs(latency, sizes),
    )


def _leads(values: Floats, floor: float) -> list[Floats]:
    """The teacher's leads over chance and over the twin; values: (rows, models) of all three."""
    leads = [values[:, 1] - floor]
    return leads if values.shape[1] < 3 else [*leads, values[:, 1] - values[:, 2]]


def costing(quality: Retention, latency: Latency | None, sizes: Sizes = (None, None)) -> Retention:
    """The same quality at the cost of this measurement."""
    return replace(quality, **_costs(latency, sizes))


def floor_of(pairs: PairTable, metric: str) -> tuple[float, str]:
    """What a model that knows nothing reaches, and its name; ConfigError where nothing is known."""
    if metric == "roc_auc":
        return 0.5, "chance, 0.5"
    labelled = pairs.relevant[pairs.grades != UNLABELLED]
    share = float(labelled.mean()) if len(labelled) else nan
    if metric == "pr_auc":
        return share, f"chance, the share of relevant pairs, {share:.3f}"
    if metric == "accuracy":
        share = max(share, 1 - share)
        return share, f"always the more frequent answer, {share:.3f}"
    name = lookup(CATALOG, metric, "metric").name
    raise ConfigError(f"{name} has no floor here; roc_auc, pr_auc and accuracy have one")


def _share(values: Floats, floor: float) -> Floats:
    """(rows,) of (rows, 2) student and teacher: the share above the floor; nan without a lead."""
    above = values - floor
    blank = np.full(len(values), np.nan)
    return np.asarray(np.divide(above[:, 0], above[:, 1], out=blank, where=above[:, 1] > 0))


def _no_share(metric: str, values: Floats, floor: float, floor_name: str, least: Floats) -> str:
    """Why a share of the teacher's quality means nothing; an empty text when it means something.

    values: of student, teacher and twin. least: the lower ends of the intervals of `_leads`.
    """
    name = CATALOG[metric].name
    if not isfinite(values[1]):
        return f"{name} is not defined on these pairs: too few of them are labelled."
    if not values[1] > floor:
        return f"The teacher's {name}, {values[1]:.3f}, is not above {floor_name}."
    if isfinite(least[0]) and not least[0] > 0:
        return f"The teacher's {name}, {values[1]:.3f}, is not clearly above {floor_name}."
    if len(values) > 2 and not least[1] > 0:
        return (
            f"The teacher's {name}, {values[1]:.3f}, is not clearly above that of the twin, "
            f"{values[2]:.3f}, so no share of its lead can be given."
        )
    return ""


def _costs(latency: Latency | None, sizes: Sizes) -> dict[str, Any]:
    """The known fields of size and speed: from a measurement, else from the sizes alone."""
    if latency is None:
        size, teacher_size = sizes
        if size is None:
            return {}
        sized: dict[str, Any] = {"parameters": size.parameters, "megabytes": size.megabytes}
        if teacher_size is not None:
            sized["parameters_share"] = size.parameters / max(teacher_size.parameters, 1)
            sized["megabytes_share"] = size.megabytes / max(teacher_size.megabytes, 1e-9)
        return sized
    student, teacher = latency.student, latency.teacher
    costs = {
        "parameters": student.parameters,
        "megabytes": megabytes(student.parameters),
        "p50_ms": student.configured.p50_ms,
        "p95_ms": student.configured.p95_ms,
        "throughput": student.pairs_per_second,
        "conditions": conditions(latency),
    }
    if teacher is None:
        return costs
    share = student.parameters / max(teacher.parameters, 1)
    one_thread, configured = student.one_thread.p50_ms, student.configured.p50_ms
    return costs | {
        "parameters_share": share,
        "megabytes_share": share,
        "teacher_p50_ms": teacher.configured.p50_ms,
        "teacher_p95_ms": teacher.configured.p95_ms,
        "speedup": teacher.configured.p50_ms / max(configured, 1e-9),
        "speedup_one_thread": teacher.one_thread.p50_ms / max(one_thread, 1e-9),
        "throughput_share": student.pairs_per_second / max(teacher.pairs_per_second, 1e-9),
    }


def conditions(latency: Latency) -> str:
    """How the latency was measured, in one sentence."""
    own = latency.student
    threads = f"{latency.threads} thread{'' if latency.threads == 1 else 's'}"
    where = f"{latency.device} ({latency.machine})"
    busy = f"with a load of {latency.load:.1f} on {latency.cores} cores"
    if latency.load > latency.cores > 0:
        busy += " (the machine was busy: trust the ratio more than the milliseconds)"
    turns = ", teacher and student in turns in one process" if latency.teacher else ""
    return (
        f"Batch 1, token ids to logits, query and ad both read, after warm-up{turns}: "
        f"n = {own.configured.n} pairs of {latency.drawn_from} of {own.tokens_p50:.0f} tokens "
        f"(p95 {own.tokens_p95:.0f}) on {where}, {threads}, {latency.products}, "
        f"{busy}."
    )
