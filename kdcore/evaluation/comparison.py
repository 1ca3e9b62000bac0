"""compare(): test whether one model is better than another, metric by metric.

Both models are measured on the same draws of queries, so what the draws have in common cancels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.evaluation.intervals import difference_ends, reach_of
from kdcore.evaluation.measures import AREAS, UNITS, Floats, Measured, measure
from kdcore.labels import LabelScheme
from kdcore.metrics.classification import ScoreOrder, mid_ranks
from kdcore.metrics.definitions import CATALOG, Unit
from kdcore.metrics.ranking import DEPTH, share
from kdcore.metrics.significance import (
    THE_SAME,
    Direction,
    Support,
    Verdict,
    exceed,
    few,
    graded,
    interval,
    p_value,
    resampled,
    smallest_detectable,
    swaps,
    verdict,
)
from kdcore.predictions import Predictions


@dataclass(frozen=True)
class Difference:
    """One metric of two models: delta = a - b, its paired 95 % interval, p and verdict.

    smallest_detectable: the least true difference that 80 % of such tests would find at 5 %.
    verdict: BETTER or WORSE for a against b, else INCONCLUSIVE.
    """

    key: str
    name: str
    value_a: float
    value_b: float
    delta: float
    low: float
    high: float
    p: float
    permutations: int
    smallest_detectable: float
    verdict: Verdict
    n: int
    n_unit: Unit
    higher_is_better: bool
    definition: str


@dataclass(frozen=True)
class DensityDifference:
    """One grade's share of the labelled pairs in the top k, pooled over queries.

    points: 100 (share_a - share_b), the delta that is tested; relative: share_a / share_b - 1.
    verdict: of the best grade, of which more is better, and of the worst, of which less is; of a
    grade between them, "more", "fewer" or "no clear difference", since its share also rises where
    better ads are missing. "the same ads" where the top k holds the whole list of every query: the
    difference is 0 by construction, and so are both ends of its interval.
    """

    grade: str
    share_a: float
    share_b: float
    points: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    p: float
    smallest_detectable: float
    verdict: Verdict | Direction
    n_a: int
    n_b: int


@dataclass(frozen=True)
class Comparison:
    """Model a against model b on one table; plain data, ready for JSON."""

    model_a: str
    model_b: str
    teacher: str | None
    data: str
    data_hash: str
    temperature: float
    resamples: int
    seed: int
    queries: int
    depth: int
    differences: Mapping[str, Difference]
    density: tuple[DensityDifference, ...]
    notes: tuple[str, ...]


def compare(
    pairs: PairTable,
    a: Predictions,
    b: Predictions,
    *,
    teacher: Predictions | None = None,
    temperature: float = 2.0,
    resamples: int = 1000,
    permutations: int = 10_000,
    area_permutations: int = 1000,
    depth: int = 5,
    seed: int = 0,
) -> Comparison:
    """Test every metric of a minus b: interval, p, detectability and verdict.

    p: the two models swap whole queries at random, `permutations` times; area_permutations times
    for areas, which are computed anew each time on rank-normalized scores. depth: k of the label
    density. Raises ConfigError for a depth out of range, DataError for other pairs.
    """
    if not 1 <= depth <= DEPTH:
        raise ConfigError(f"depth: {depth} is not in 1..{DEPTH}, the k of the label density")
    one, other = (measure(pairs, x, teacher, temperature) for x in (a, b))
    p = _linear_p(one.table, other.table, one.finish, permutations, seed)
    counts = [permutations] * len(p) + [area_permutations] * len(AREAS)
    p = np.concatenate([p, _area_p(one, other, area_permutations, seed)])
    return Comparison(
        model_a=a.model,
        model_b=b.model,
        teacher=teacher.model if teacher else None,
        data=pairs.name,
        data_hash=pairs.content_hash,
        temperature=temperature,
        resamples=resamples,
        seed=seed,
        queries=one.queries,
        depth=depth,
        differences=_differences(one, other, resamples, seed, p, counts),
        density=density_differences(
            pairs.scheme, one, other, depth, (resamples, permutations, seed)
        ),
        notes=(
            *one.tied_notes("" if one.equal else f"{a.model}: "),
            *other.tied_notes("" if other.equal else f"{b.model}: "),
            *_notes(one),
            *filter(None, (a.caveat, b.caveat)),
        ),
    )


def _differences(
    one: Measured, other: Measured, resamples: int, seed: int, p: Floats, counts: list[int]
) -> dict[str, Difference]:
    draws = one.drawn_values(resamples, seed) - other.drawn_values(resamples, seed)
    values_a, values_b = one.values()[0], other.values()[0]
    low, high, detectable = difference_ends(one, other, draws)
    differences = {}
    for key in (k for k in CATALOG if k in one.keys):
        i, definition = one.keys.index(key), CATALOG[key]
        defined = np.isfinite(values_a[i]) and np.isfinite(values_b[i])
        p_of = float(p[i]) if defined else float("nan")
        differences[key] = Difference(
            key=key,
            name=definition.name,
            value_a=float(values_a[i]),
            value_b=float(values_b[i]),
            delta=float(values_a[i] - values_b[i]),
            low=float(low[i]),
            high=float(high[i]),
            p=p_of,
            permutations=counts[i],
            smallest_detectable=float(detectable[i]),
            verdict=verdict(float(low[i]), float(high[i]), p_of, definition.higher_is_better),
            n=one.count(key),
            n_unit=definition.unit,
            higher_is_better=definition.higher_is_better,
            definition=definition.sentence,
        )
    return differences


def _linear_p(
    a: Floats, b: Floats, finish: Callable[[Floats], Floats], permutations: int, seed: int
) -> Floats:
    """Return p of metrics that are functions of summed (queries, columns) tables."""
    total_a, total_b, move = a.sum(axis=0), b.sum(axis=0), b - a
    observed = (finish(total_a[None]) - finish(total_b[None]))[0]
    exceeding = np.zeros(len(observed), dtype=np.int64)
    for chunk in swaps(len(a), permutations, seed):
        shift = chunk @ move
        exceeding += exceed(observed, finish(total_a + shift) - finish(total_b - shift))
    return p_value(exceeding, permutations)


def _area_p(one: Measured, other: Measured, permutations: int, seed: int) -> Floats:
    """Return p of the areas: both models' ranks are sorted once, then weights swap the models."""
    ranks = np.concatenate([mid_ranks(one.log_odds), mid_ranks(other.log_odds)])
    order = ScoreOrder.of(np.concatenate([one.relevant, other.relevant]), ranks)
    groups = np.concatenate([one.groups, one.groups + one.queries])
    areas = order.weighted(groups, 2 * one.queries)
    observed = (one.values() - other.values())[0, -len(AREAS) :]
    exceeding = np.zeros(len(AREAS), dtype=np.int64)
    for swapped in swaps(one.queries, permutations, seed):
        own = 1 - swapped
        a = np.column_stack(areas.under(np.concatenate([own, swapped], axis=1)))
        b = np.column_stack(areas.under(np.concatenate([swapped, own], axis=1)))
        exceeding += exceed(observed, a - b)
    return p_value(exceeding, permutations)


def density_differences(
    scheme: LabelScheme, one: Measured, other: Measured, depth: int, effort: tuple[int, int, int]
) -> tuple[DensityDifference, ...]:
    """Test the label density alone, as compare() does; effort: resamples, permutations, seed."""
    resamples, permutations, seed = effort
    a, b = (x.labels[:, depth - 1, :-1] for x in (one, other))
    # where no query has more pairs, every order shows the same ads
    whole = bool((one.counts[:, UNITS.index("pairs")] <= depth).all())
    b = a if whole else b  # what still differs is rounding
    drawn_a, drawn_b = np.hsplit(_drawn_shares(a, b, resamples, seed), 2)
    share_a, share_b = (_shares(x.sum(axis=0)[None])[0] for x in (a, b))
    points = 100 * (share_a - share_b)
    support = Support.of(_shares(a) - _shares(b))
    reach = 0.0 if whole else reach_of(one, other)
    draws, relative = 100 * (drawn_a - drawn_b), share(share_a, share_b) - 1
    low, high = interval(draws, points, support, 100 * reach)
    relative_low, relative_high = interval(share(drawn_a, drawn_b) - 1, relative, support, reach)
    p = np.where(np.isfinite(points), _linear_p(a, b, _shares, permutations, seed), np.nan)
    numbers = {
        "share_a": share_a,
        "share_b": share_b,
        "points": points,
        "low": np.maximum(low, -100.0),
        "high": np.minimum(high, 100.0),
        "relative": relative,
        "relative_low": relative_low,
        "relative_high": relative_high,
        "p": p,
        "smallest_detectable": smallest_detectable(draws, support, 100 * reach),
    }
    return tuple(
        DensityDifference(
            grade=name,
            **{key: float(value[grade]) for key, value in numbers.items()},
            verdict=THE_SAME if whole else graded(grade, len(scheme), low, high, p),
            n_a=round(float(a.sum())),
            n_b=round(float(b.sum())),
        )
        for grade, name in enumerate(scheme.grades)
    )


def _drawn_shares(a: Floats, b: Floats, resamples: int, seed: int) -> Floats:
    """Return (resamples, 2 classes) shares of both models on the same draws of queries."""

    def both(weights: Floats) -> Floats:
        return np.hstack([_shares(weights @ a), _shares(weights @ b)])

    return resampled(both, len(a), resamples, 2 * a.shape[1], seed)


def _shares(counts: Floats) -> Floats:
    return share(counts, counts.sum(axis=1, keepdims=True))


def _notes(one: Measured) -> tuple[str, ...]:
    notes = []
    if one.queries < 2:
        notes.append("There are fewer than two queries to draw from, so nothing is conclusive.")
    if sentence := few(one.queries):
        notes.append(sentence)
    undefined = [k for k, v in zip(one.keys, one.values()[0], strict=True) if np.isnan(v)]
    if undefined:
        notes.append(f"Not defined on these pairs: {', '.join(undefined)}.")
    return tuple(notes)
