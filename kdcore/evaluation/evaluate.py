"""evaluate(): measure predictions on a table of pairs in every metric, each with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError
from kdcore.evaluation.curves import DensityCurve, NdcgCurve, density_curve, mean_draws, ndcg_curves
from kdcore.evaluation.intervals import metric_ends
from kdcore.evaluation.measures import AREAS, UNITS, Floats, Measured, measure
from kdcore.evaluation.table import TableFacts
from kdcore.metrics.classification import ScoreOrder
from kdcore.metrics.definitions import CATALOG, VERSION, Unit, of_kind
from kdcore.metrics.ranking import ranked_mean
from kdcore.metrics.significance import Support, few, interval
from kdcore.predictions import Predictions

(CEILING,) = of_kind("ceiling")


@dataclass(frozen=True)
class Metric:
    """One number with its 95 % interval, how many it is over, and the variant in a sentence.

    value is nan when the pairs do not define it; the evaluation's notes say why.
    """

    key: str
    name: str
    value: float
    low: float
    high: float
    n: int
    n_unit: Unit
    higher_is_better: bool
    definition: str


@dataclass(frozen=True)
class Evaluation:
    """Every measurement of one model on one table; plain data, ready for JSON.

    metrics: by key, in the order of the catalog. ndcg: a curve by gain ("exp2", "linear", and "own"
    where the data set states gains).
    counts: pairs, labelled, unlabelled, queries, ranked_queries, queries_without_ideal.
    notes: a sentence for each metric that is not defined, and why, and one on few queries.
    version: of the metrics' definitions; 1 where a stored file has none. columns: see per_query().
    """

    version: int
    model: str
    teacher: str | None
    data: str
    data_hash: str
    grades: tuple[str, ...]
    temperature: float
    resamples: int
    seed: int
    metrics: Mapping[str, Metric]
    ndcg: Mapping[str, NdcgCurve]
    density: DensityCurve
    counts: Mapping[str, int]
    notes: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]] = field(repr=False, compare=False)

    def per_query(self) -> pd.DataFrame:
        """Return one row per query: query_id, pairs, labelled, and its part of each mean."""
        whole = ("query_id", "pairs", "labelled")
        return pd.DataFrame(
            {k: np.asarray(c, np.int64 if k in whole else float) for k, c in self.columns.items()}
        )


def evaluate(
    pairs: PairTable,
    predictions: Predictions,
    *,
    teacher: Predictions | None = None,
    temperature: float = 2.0,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Measure a model on pairs; intervals are bootstrapped over queries.

    temperature: where teacher and model are compared; no other metric has one. resamples 0 leaves
    the intervals nan. Raises DataError when the predictions belong to other pairs or grades.
    """
    if resamples < 0:
        raise ConfigError(f"resamples: {resamples} is negative; use 0 for no intervals, or 1000")
    measured = measure(pairs, predictions, teacher, temperature)
    facts = TableFacts.of(pairs.canonical)
    draws, curve_draws = _draws(measured, facts, resamples, seed)
    return Evaluation(
        version=VERSION,
        model=predictions.model,
        teacher=teacher.model if teacher else None,
        data=pairs.name,
        data_hash=pairs.content_hash,
        grades=pairs.scheme.grades,
        temperature=temperature,
        resamples=resamples,
        seed=seed,
        metrics=_metrics(measured, facts.ceiling, draws),
        ndcg=ndcg_curves(pairs.canonical, _curves(measured, curve_draws)),
        density=density_curve(measured),
        counts=_counts(pairs, measured),
        notes=(*_notes(pairs, measured, resamples), *filter(None, [predictions.caveat])),
        columns=_columns(measured),
    )


def _draws(
    measured: Measured, facts: TableFacts, resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """Draw (resamples, metrics) values and (resamples, gains * depth) nDCG."""
    each = np.concatenate(list(measured.curves.values()), axis=1)
    values = measured.drawn_values(resamples, seed)
    if facts.ceiling is not None:
        ceiling = facts.drawn_ceiling(resamples if measured.queries > 1 else 0, seed)
        values = np.column_stack([values, ceiling])
    return values, mean_draws(each, resamples, seed)


def _curves(measured: Measured, draws: Floats) -> dict[str, tuple[Floats, ...]]:
    """Return the nDCG of each gain: (20,) means, and low and high ends of their intervals."""
    each = np.concatenate(list(measured.curves.values()), axis=1)
    model = ranked_mean(each)
    support = Support.of(each) if len(draws) else Support.whole(0, each.shape[1])
    low, high = np.clip(interval(draws, model, support), 0.0, 1.0)
    lines = (np.split(line, len(measured.curves)) for line in (model, low, high))
    return dict(zip(measured.curves, zip(*lines, strict=True), strict=True))


def _metrics(measured: Measured, ceiling: ScoreOrder | None, draws: Floats) -> dict[str, Metric]:
    keys = measured.keys
    rows = zip(
        keys, measured.values()[0], *metric_ends(measured, draws[:, : len(keys)]), strict=True
    )
    metrics = {key: _metric(measured, key, *numbers) for key, *numbers in rows}
    if ceiling is not None:
        top = np.array(ceiling.whole()[:1])
        ends = interval(draws[:, len(keys) :], top, Support.whole(measured.queries))
        metrics[CEILING] = _metric(measured, CEILING, top[0], ends[0][0], ends[1][0])
    return {key: metrics[key] for key in CATALOG if key in metrics}


def _metric(measured: Measured, key: str, value: float, low: float, high: float) -> Metric:
    definition = CATALOG[key]
    return Metric(
        key=key,
        name=definition.name,
        value=float(value),
        low=float(np.clip(low, *definition.bounds)),
        high=float(np.clip(high, *definition.bounds)),
        n=measured.count(key),
        n_unit=definition.unit,
        higher_is_better=definition.higher_is_better,
        definition=definition.sentence,
    )


def _counts(pairs: PairTable, measured: Measured) -> dict[str, int]:
    ranked, labelled, total = (int(n) for n in measured.counts.sum(axis=0)[:3])
    return {
        "pairs": total,
        "labelled": labelled,
        "unlabelled": total - labelled,
        "queries": measured.queries,
        "ranked_queries": ranked,
        "queries_without_ideal": measured.queries - ranked,
    }


def _notes(pairs: PairTable, measured: Measured, resamples: int) -> tuple[str, ...]:
    relevant, labelled = int(measured.relevant.sum()), len(measured.relevant)
    counts = dict(zip(UNITS, measured.counts.sum(axis=0), strict=True))
    notes = [*measured.tied_notes()]
    if not labelled:
        notes.append("No pair is labelled, so no metric that reads a label is defined.")
    elif relevant in (0, labelled):
        kind = "relevant" if relevant else "irrelevant"
        notes.append(
            f"{', '.join(AREAS)} and {CEILING} are not defined: all {labelled} labelled pairs are "
            f"{kind}, and they need both kinds."
        )
    if labelled and not counts["ranked"]:
        notes.append("nDCG is not defined: no query has a pair above the worst grade.")
    correlations = [key for key in measured.means if CATALOG[key].over == "correlated"]
    if not counts["correlated"]:
        notes += [f"{key} is not defined: the teacher orders no query." for key in correlations]
    if labelled < len(pairs):
        notes.append(
            f"{len(pairs) - labelled} of {len(pairs)} pairs are unlabelled and left out of every "
            "metric that reads a label."
        )
    if resamples and measured.queries < 2:
        notes.append("There are no intervals: they need at least two queries to draw from.")
    if resamples and labelled and (sentence := few(measured.queries)):
        notes.append(sentence)
    return tuple(notes)


def _columns(measured: Measured) -> dict[str, Floats]:
    columns = {
        "query_id": np.arange(measured.queries, dtype=np.float64),
        "pairs": measured.counts[:, UNITS.index("pairs")],
        "labelled": measured.counts[:, UNITS.index("labelled")],
    }
    columns |= {k: measured.parts[:, i] for i, k in enumerate(measured.means)}
    return {k: c if k == "query_id" else measured.by_number(c) for k, c in columns.items()}
