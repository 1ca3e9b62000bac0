"""Write results for other tools: JSON, CSV, and the run and qrels files of trec_eval."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdcore.data.pairs import PAIR_ID, UNLABELLED, PairTable, pair_ids
from kdcore.errors import DataError
from kdcore.evaluation.comparison import Comparison, DensityDifference, Difference
from kdcore.evaluation.curves import DensityCurve, NdcgCurve
from kdcore.evaluation.evaluate import Evaluation, Metric
from kdcore.evaluation.gap import GapRecovered
from kdcore.evaluation.measures import checked
from kdcore.labels import GainKind
from kdcore.metrics.ranking import RankedLists
from kdcore.predictions import Predictions
from kdcore.scores import Scores
from kdcore.workspace import plain_json

_EARLIER = {"BEATS": "BETTER", "NO BEATS": "WORSE"}  # verdicts in files of earlier versions
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MOST_DIGITS = 6  # behind the point of a gain


def to_json(result: Evaluation | Comparison | GapRecovered, indent: int | None = 1) -> str:
    """Write standard JSON; nan and infinity become null, so that every reader accepts it."""
    return json.dumps(plain_json(result), indent=indent, allow_nan=False, ensure_ascii=False)


def evaluation_from_json(text: str) -> Evaluation:
    """Read an evaluation that to_json wrote; DataError when the text is something else."""
    try:
        data = json.loads(text)
        density = {k: _tuples(v) for k, v in data["density"].items()}
        columns = {k: np.array(_tuples(v), dtype=np.float64) for k, v in data["columns"].items()}
        curves = {
            k: _of(NdcgCurve, {n: _tuples(v) for n, v in c.items()})
            for k, c in data["ndcg"].items()
        }
        return Evaluation(
            **{
                "version": 1,  # of a file that does not say
                **data,
                "grades": tuple(data["grades"]),
                "notes": tuple(data["notes"]),
                "metrics": {k: _of(Metric, m) for k, m in data["metrics"].items()},
                "ndcg": curves,
                "density": _of(DensityCurve, density),
                "columns": columns,
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise DataError(f"This is not an evaluation ({cause}); evaluate the run again") from cause


def comparison_from_json(text: str) -> Comparison:
    """Read a comparison that to_json wrote; DataError when the text is something else."""
    try:
        data = json.loads(text)
        return Comparison(
            **{
                **data,
                "differences": differences_of(data["differences"]),
                "density": tuple(_tested(DensityDifference, d) for d in data["density"]),
                "notes": tuple(data["notes"]),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise DataError(f"This is not a comparison ({cause}); compare the models again") from cause


def differences_of(data: Mapping[str, dict[str, Any]]) -> dict[str, Difference]:
    """Read the differences of a comparison from what to_json made of them."""
    return {metric: _tested(Difference, values) for metric, values in data.items()}


def gap_from_json(text: str) -> GapRecovered:
    """Read a gap that to_json wrote; DataError when the text is something else."""
    try:
        gap: GapRecovered = _of(GapRecovered, json.loads(text))
        return gap
    except (TypeError, ValueError, AttributeError) as cause:
        raise DataError(f"This is no gap ({cause}); compute it again") from cause


def to_csv(result: Evaluation | Comparison) -> str:
    """Write the table of metrics (or of differences), one per row, with a header."""
    rows = result.metrics if isinstance(result, Evaluation) else result.differences
    table = [plain_json(row) for row in rows.values()]
    subject = {"data": result.data, "data_hash": result.data_hash}
    if isinstance(result, Evaluation):
        subject |= {"model": result.model}
    else:
        subject |= {"model_a": result.model_a, "model_b": result.model_b}
    return _csv([{**subject, **row} for row in table])


def per_query_csv(evaluation: Evaluation, pairs: PairTable) -> str:
    """Write one row per query with its text and its part of each metric."""
    if evaluation.data_hash != pairs.content_hash:
        raise DataError(
            f"the evaluation is of data {evaluation.data_hash}, the pairs are "
            f"{pairs.content_hash}; evaluate these pairs first"
        )
    first = np.unique(pairs.query_ids, return_index=True)[1]
    texts = pairs.frame["query"].to_numpy()[first]
    rows = evaluation.per_query().to_dict("records")
    return _csv([{"query": text, **plain_json(row)} for text, row in zip(texts, rows, strict=True)])


def pairs_csv(pairs: PairTable, columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> str:
    """Write one row per pair: its id, texts, the grade's name, then named (pairs,) columns."""
    ids = {"id": pairs.frame[PAIR_ID].tolist()} if PAIR_ID in pairs.frame else {}
    names = [*pairs.scheme.grades, ""]  # an unlabelled pair has grade -1, hence no name
    texts = (pairs.frame[c].tolist() for c in ("query", "title", "description"))
    grades = [names[g] for g in pairs.grades]
    values = (np.asarray(c).tolist() for c in columns.values())
    header = (*ids, "query", "title", "description", "grade", *columns)
    rows = zip(*ids.values(), *texts, grades, *values, strict=True)
    return _csv([dict(zip(header, plain_json(row), strict=True)) for row in rows])


def safe_cell(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    if not isinstance(value, str):
        return value
    runs = value.lstrip().startswith(FORMULA_STARTS) or value.startswith(("\t", "\r", "\n"))
    return f"'{value}" if runs else value


def write_trec_run(path: Path, pairs: PairTable, predictions: Predictions) -> None:
    """Write `query Q0 ad rank score tag` lines with the ids of `pair_ids`, best ad first.

    trec_eval ignores the rank, reads scores in single precision and breaks ties by id: the score
    (length - rank + 1) makes its order ours. A run shows one order: ties are ordered by a hash of
    their texts, where the lab's metrics take the mean over all orders of them. Unlabelled ads are
    in the run: give trec_eval its -J option, as the lab leaves them out.
    """
    ranking = Scores.of(checked(pairs, predictions), pairs.scheme).ranking
    index = pairs.query_ids
    lists = RankedLists.of(ranking, index, int(index.max(initial=-1)) + 1, pairs.tiebreaks)
    tag = re.sub(r"\s+", "_", predictions.model.strip()) or "model"
    scores = lists.sizes[lists.group] - lists.rank
    queries, ads = pair_ids(pairs)
    columns = (column.tolist() for column in (lists.order, lists.rank, scores))
    lines = (
        f"{queries[row]} Q0 {ads[row]} {rank + 1} {score} {tag}\n"
        for row, rank, score in zip(*columns, strict=True)
    )
    _write(path, "".join(lines))


def write_qrels(path: Path, pairs: PairTable, gain: GainKind = "linear") -> None:
    """Write `query 0 ad gain` lines of the labelled pairs, with the ids of write_trec_run.

    trec_eval takes the number as the gain: write "exp2" to get the lab's ndcg@k, "linear" to get
    ndcg_linear@k, "own" to get ndcg_own@k. Own gains are multiplied until they are whole numbers,
    as qrels must be; nDCG does not change when all gains are multiplied by one number.
    """
    rows = np.flatnonzero(pairs.grades != UNLABELLED)
    gains = whole_gains(pairs.scheme.gains(gain))[pairs.grades[rows]]
    queries, ads = pair_ids(pairs)
    lines = (
        f"{queries[row]} 0 {ads[row]} {worth}\n"
        for row, worth in zip(rows.tolist(), gains.tolist(), strict=True)
    )
    _write(path, "".join(lines))


def whole_gains(gains: NDArray[np.float64]) -> NDArray[np.int64]:
    """Multiply gains by the smallest power of 10, at most 10^6, that makes them whole numbers."""
    for power in range(_MOST_DIGITS + 1):
        scaled = gains * 10.0**power
        if np.allclose(scaled, np.rint(scaled), rtol=0, atol=1e-9):
            break
    return np.rint(scaled).astype(np.int64)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _csv(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([safe_cell(name) for name in rows[0]])
    writer.writerows([safe_cell(cell) for cell in row.values()] for row in rows)
    return text.getvalue()


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(entry) for entry in value)
    return math.nan if value is None else value


def _tested(kind: type[Any], data: dict[str, Any]) -> Any:
    return _of(kind, {**data, "verdict": _EARLIER.get(data["verdict"], data["verdict"])})


def _of(kind: type[Any], data: dict[str, Any]) -> Any:
    return kind(**{key: math.nan if value is None else value for key, value in data.items()})
