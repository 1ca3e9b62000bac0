"""Generate splits: blocks of needs, ads shown for them, and grades; blocks are independent."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.data.pairs import TRUTH_PREFIX, UNLABELLED, make_frame
from kdcore.data.world.ads import write_ads
from kdcore.data.world.catalogue import Ints
from kdcore.data.world.draws import Draws
from kdcore.data.world.market import bids, click_probabilities
from kdcore.data.world.needs import Needs, draw_needs, habits
from kdcore.data.world.offers import CANDIDATES, draw_candidates
from kdcore.data.world.queries import home_split, write_queries
from kdcore.data.world.tasks import targets
from kdcore.data.world.truth import grade_probabilities, sample_grades, utility

SPLITS = ("train", "validation", "test", "log")
BLOCK = 1000  # needs drawn at a time, before those at home in other splits are dropped
ROUNDS = 200  # most redraws of the grades of a query whose ads all have one grade
_CANDIDATES = np.array(CANDIDATES, dtype=object)


@dataclass(frozen=True)
class Searches:
    """Queries and the needs from which they were generated."""

    queries: list[str]
    needs: Needs


def searches(split: str, seed: int) -> Iterator[tuple[Searches, Draws]]:
    """Yield blocks of new queries of a split without end, each with the stream for its ads."""
    seen: set[str] = set()
    block = 0
    while True:
        draws = Draws(seed, SPLITS.index(split), block)
        needs = draw_needs(BLOCK, draws)
        queries = write_queries(needs, draws)
        rows = []
        for row, query in enumerate(queries):
            if query and query not in seen and home_split(query) == split:
                seen.add(query)
                rows.append(row)
        yield Searches([queries[r] for r in rows], needs.take(np.array(rows))), draws
        block += 1


def split_frame(split: str, pairs: int, seed: int) -> pd.DataFrame:
    """Return the first `pairs` pairs of a split as a frame, with every extra column."""
    return pd.concat(frames(split, pairs, seed), ignore_index=True)


def frames(split: str, pairs: int, seed: int, skip: int = 0) -> Iterator[pd.DataFrame]:
    """Yield the first `pairs` pairs of a split in frames of some thousand, all columns each.

    skip: so many pairs at the beginning are left out; frames that lie within them are not made,
    but their queries are written again, as no later query may repeat one.
    """
    ads, first = habits().numbers["ads_per_query"][split], 0
    for block, draws in searches(split, seed):
        last = min(first + ads * len(block.queries), pairs)
        if last > skip:
            frame = _block_frame(split, block, draws)
            yield frame.iloc[max(skip - first, 0) : last - first]
        if last >= pairs:
            return
        first = last


def first_searches(split: str, queries: int, seed: int) -> Searches:
    """Return the first queries of a split and their needs, in the order of its pairs."""
    texts: list[str] = []
    columns: list[Needs] = []
    for block, _ in searches(split, seed):
        texts += block.queries
        columns.append(block.needs)
        if len(texts) >= queries:
            break
    joined = {
        f.name: np.concatenate([getattr(c, f.name) for c in columns])[:queries]
        for f in fields(Needs)
    }
    return Searches(texts[:queries], Needs(**joined))


def _block_frame(split: str, block: Searches, draws: Draws) -> pd.DataFrame:
    ads = habits().numbers["ads_per_query"][split]
    rows = np.repeat(np.arange(len(block.needs)), ads)
    needs = block.needs.take(rows)
    offers, candidate = draw_candidates(needs, draws)
    titles, descriptions = write_ads(offers, draws)
    truth = grade_probabilities(utility(needs, offers))
    grades = _judge(truth, ads, split, draws)
    frame = make_frame(
        [block.queries[r] for r in rows.tolist()], titles, descriptions, grades, split
    )
    clicks = click_probabilities(needs, offers, truth)
    extra = {f"{TRUTH_PREFIX}{k}": truth[:, k] for k in range(truth.shape[1])}
    extra |= {"candidate": _CANDIDATES[candidate], "bid": bids(offers, draws), "p_click": clicks}
    clicked = draws.uniform(len(rows)) < clicks
    return frame.assign(**extra, **targets(needs, offers, grades, clicked))


def _judge(truth: NDArray[np.float64], ads: int, split: str, draws: Draws) -> Ints:
    """Draw one grade per pair; a test query is redrawn until two grades occur."""
    grades = sample_grades(truth, draws.uniform(len(truth)))
    if split == "log":
        return np.full(len(truth), UNLABELLED, dtype=np.int64)
    if split != "test":
        return grades
    grouped = grades.reshape(-1, ads)
    for _ in range(ROUNDS):
        flat = np.flatnonzero((grouped == grouped[:, :1]).all(axis=1))
        if not len(flat):
            break
        again = truth.reshape(-1, ads, truth.shape[1])[flat].reshape(-1, truth.shape[1])
        grouped[flat] = sample_grades(again, draws.uniform(len(again))).reshape(-1, ads)
    return grouped.reshape(-1)
