"""List the rows behind each card of the data check."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.check.cards import Standing
from kdcore.data.check.report import auc_step, word_counts
from kdcore.data.pairs import TEXT_COLUMNS, UNLABELLED, PairTable
from kdcore.data.splits import query_keys

_AD = list(TEXT_COLUMNS)


def _numbered(table: PairTable, rows: NDArray[np.int64]) -> pd.DataFrame:
    frame = table.frame.iloc[rows]
    names = np.array([*table.scheme.grades, "unlabelled"], dtype=object)
    out = frame[[*_AD, "language", "split"]].copy()
    out.insert(0, "row", np.asarray(rows))
    out.insert(4, "grade", names[frame["grade"].to_numpy()])
    return out.reset_index(drop=True)


def _by_query(on: Standing) -> pd.DataFrame:
    labelled = on.part.grades != UNLABELLED
    grouped = pd.DataFrame(
        {
            "query": on.part.frame["query"],
            "row": np.arange(len(on.part)),
            "ads": 1,
            "relevant": on.part.relevant.astype(int),
            "unlabelled": (~labelled).astype(int),
            "grade": np.where(labelled, on.part.grades, np.nan),
        }
    ).groupby("query", sort=False)
    table = grouped.agg(
        row=("row", "first"),
        ads=("ads", "sum"),
        relevant=("relevant", "sum"),
        unlabelled=("unlabelled", "sum"),
        grades=("grade", "nunique"),
    )
    return table.reset_index().sort_values("ads", ascending=False, kind="stable")


def _flat_queries(on: Standing) -> pd.DataFrame:
    table = _by_query(on)
    return table.sort_values("grades", kind="stable").rename(columns={"grades": "different grades"})


def _rarest_first(on: Standing, column: str) -> pd.DataFrame:
    values = on.part.frame[column]
    counts = values.map(values.value_counts()).to_numpy()
    return _numbered(on.part, np.argsort(counts, kind="stable"))


def _by_length(on: Standing) -> pd.DataFrame:
    words = np.sum([word_counts(on.part.frame[column]) for column in _AD], axis=0)
    order = np.argsort(-words, kind="stable")
    table = _numbered(on.part, order)
    table.insert(1, "words", words[order])
    return table


def _repeats(on: Standing) -> pd.DataFrame:
    frame = on.part.frame
    again = frame.duplicated([*_AD, "grade", "language"], keep=False)
    labelled = frame[frame["grade"] != UNLABELLED]
    mixed = labelled.groupby(_AD)["grade"].transform("nunique") > 1
    chosen = again | mixed.reindex(frame.index, fill_value=False)
    rows = np.flatnonzero(chosen.to_numpy())
    return _numbered(on.part, rows).sort_values(_AD, kind="stable")


def _shared(on: Standing) -> pd.DataFrame:
    keys = pd.Series(query_keys(on.whole))
    table = _numbered(on.whole, np.arange(len(on.whole)))
    several = table.groupby(keys)["split"].transform("nunique") > 1
    rows = table[several].assign(row=-1)  # a place in the whole table is none in the part
    return rows.sort_values(["query", "split"], kind="stable").drop(columns="row")


def _blank_rows(on: Standing) -> pd.DataFrame:
    frame = on.part.frame
    blank = (frame["grade"] == UNLABELLED) | (frame["description"] == "")
    first = np.argsort((frame["grade"] != UNLABELLED).to_numpy(), kind="stable")
    return _numbered(on.part, first[blank.to_numpy()[first]])


def _chance_table(on: Standing) -> pd.DataFrame:
    rows = [(c.gain, c.depth, c.random, c.worst) for c in on.seen.chance]
    return pd.DataFrame(rows, columns=["gain", "k", "nDCG of a random order", "of the worst order"])


def _sizes_needed(on: Standing) -> pd.DataFrame:
    relevant = int(on.part.relevant[on.part.grades != UNLABELLED].sum())
    other = on.seen.pairs - on.seen.unlabelled - relevant
    rows = []
    for times in (0.25, 0.5, 1, 2, 4, 10, 40):
        good, bad = int(relevant * times), int(other * times)
        rows.append((f"× {times:g}", good + bad, auc_step(good, bad)))
    return pd.DataFrame(
        rows, columns=["these labels", "labelled pairs", "detectable difference, unrelated models"]
    )


# key of a card -> the rows that it counts; column `row` is the place in the part that is shown
ROWS: dict[str, Callable[[Standing], pd.DataFrame]] = {
    "rows": lambda on: _numbered(on.part, np.arange(len(on.part))),
    "queries": _flat_queries,
    "ads": _by_query,
    "prior": lambda on: _rarest_first(on, "grade"),
    "lengths": _by_length,
    "languages": lambda on: _rarest_first(on, "language"),
    "duplicates": _repeats,
    "leaks": _shared,
    "rejected": lambda on: pd.DataFrame(columns=["line", "problem", "raw"]),
    "blanks": _blank_rows,
    "chance": _chance_table,
    "smallest": _sizes_needed,
}
