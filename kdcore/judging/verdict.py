"""judge(): a distilled student against its twin: verdict, interval and the whole finding."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal

from kdcore.data.pairs import PairTable
from kdcore.errors import lookup
from kdcore.evaluation.comparison import Comparison, Difference, compare
from kdcore.evaluation.gap import GapRecovered, gap_recovered
from kdcore.evaluation.texts import signed
from kdcore.metrics.definitions import CATALOG
from kdcore.metrics.significance import Verdict, against
from kdcore.predictions import Predictions

NO_TWIN: Literal["NO TWIN"] = "NO TWIN"


@dataclass(frozen=True)
class Judgement:
    """A distilled student compared with its twin, the same student trained without a teacher.

    verdict: of significance.verdict(), or NO TWIN when there is none to compare with.
    sentence: the whole finding. value: the student's own; delta: student - twin, with its paired
    95 % interval over queries, p, and the least true difference that 80 % of such tests would
    find. gap: the gap recovered; None without a teacher's answers.
    n counts n_unit ("pairs"); queries: how many the bootstrap draws from. caveats: how the two
    differ besides the teacher, a sentence each. Numbers that are not defined are nan.
    """

    verdict: Verdict | Literal["NO TWIN"]
    sentence: str
    metric: str
    value: float
    delta: float
    low: float
    high: float
    p: float
    smallest_detectable: float
    gap: GapRecovered | None
    n: int
    n_unit: str
    queries: int
    caveats: tuple[str, ...] = ()


def judge(
    pairs: PairTable,
    student: Predictions,
    twin: Predictions | None,
    teacher: Predictions | None,
    metric: str = "roc_auc",
    *,
    seeds: int = 1,
    caveats: Sequence[str] = (),
    comparison: Comparison | None = None,
    gap: GapRecovered | None = None,
) -> Judgement:
    """The verdict on a student, with everything that a reader needs to trust it.

    seeds: how many of this setting were run, this one included (see seeds.py).
    comparison (student against twin) and gap: when already worked out on these pairs and answers.
    """
    lookup(CATALOG, metric, "metric")
    if twin is None:
        return _without_twin(pairs, metric, caveats)
    if comparison is None:
        comparison = compare(pairs, student, twin, teacher=teacher)
    difference = lookup(comparison.differences, metric, "metric of these answers")
    if gap is None and teacher is not None:
        gap = gap_recovered(pairs, twin, student, teacher, metric)
    return Judgement(
        verdict=difference.verdict,
        sentence=_sentence(difference, gap, comparison.queries, seeds),
        metric=metric,
        value=difference.value_a,
        delta=difference.delta,
        low=difference.low,
        high=difference.high,
        p=difference.p,
        smallest_detectable=difference.smallest_detectable,
        gap=gap,
        n=difference.n,
        n_unit=difference.n_unit,
        queries=comparison.queries,
        caveats=tuple(caveats),
    )


def _without_twin(pairs: PairTable, metric: str, caveats: Sequence[str]) -> Judgement:
    unit = CATALOG[metric].unit
    queries = int(pairs.query_ids.max(initial=-1)) + 1
    return Judgement(
        verdict=NO_TWIN,
        sentence="NO TWIN: without the same student trained on the labels alone, nothing tells "
        "what the teacher gave from what training gave; train the twin.",
        metric=metric,
        **dict.fromkeys(("value", "delta", "low", "high", "p", "smallest_detectable"), nan),
        gap=None,
        n=queries if unit == "queries" else len(pairs),
        n_unit=unit,
        queries=queries,
        caveats=tuple(caveats),
    )


def _sentence(difference: Difference, gap: GapRecovered | None, queries: int, seeds: int) -> str:
    if not isfinite(difference.delta):
        return (
            f"INCONCLUSIVE: {difference.name} is not defined on these pairs (too few of them are "
            "labelled), so the student and its twin cannot be compared."
        )
    count = f"{difference.n:,} {difference.n_unit}"
    if difference.n_unit == "pairs":
        count += f" of {queries:,} {'query' if queries == 1 else 'queries'}"
    direction = "" if difference.higher_is_better else " (lower is better)"
    text = f"{against(difference.verdict, 'its twin')}: {difference.name}{direction} "
    text += f"{_change(difference)} on {count}, "
    text += "one seed" if seeds == 1 else f"one seed of {seeds}"
    parts = [f"{text}; {gap.sentence}." if gap else f"{text}."]
    if difference.verdict == "INCONCLUSIVE" and isfinite(difference.smallest_detectable):
        least = f"{difference.smallest_detectable:.3f}"
        parts.append(f"A true difference below {least} would mostly go unseen on these pairs.")
    if seeds == 1:
        parts.append("Seeds were not varied: another seed may move both students.")
    return " ".join(parts)


def _change(difference: Difference) -> str:
    if not isfinite(difference.low):
        return f"{signed(difference.delta)} (no interval: fewer than two queries)"
    return f"{signed(difference.delta)} [{signed(difference.low)}, {signed(difference.high)}]"
