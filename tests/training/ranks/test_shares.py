"""Where a batch is cut, so that every rank has about as much to do."""

import numpy as np
import pytest

from kdcore.models.batches import Encoded, Rows
from kdcore.models.tokens.wordpiece import Ragged
from kdcore.training.ranks.group import Group
from kdcore.training.ranks.shares import shared_out

LENGTHS = [2, 1, 1, 6, 1, 1, 1, 3, 6]  # tokens of three queries, then of six ads
ROWS = np.arange(6)


def encoded(together: bool, query_of: list[int] | None = None) -> Encoded:
    """Six pairs, the first four of one query."""
    tokens = Ragged.from_rows([[0] * length for length in LENGTHS])
    queries = np.array([0, 0, 0, 0, 1, 2] if query_of is None else query_of)
    return Encoded(tokens, queries, np.arange(3, 9), together)


def sizes(cuts: Rows | None, rows: Rows = ROWS) -> list[int]:
    assert cuts is not None
    return [len(part) for part in np.array_split(rows, cuts)]


@pytest.mark.parametrize(("together", "expected"), [(True, [4, 2]), (False, [4, 2])])
def test_shares_hold_about_equally_many_tokens_and_the_first_the_shortest(
    together: bool, expected: list[int]
) -> None:
    """A cross-encoder reads 3, 3, 3, 4, 7 and 8 tokens; two towers 1, 1, 1, 3, 6, 6 of the ads.

    Cut elsewhere, one share would have more to do.
    """
    rows, cuts = shared_out(encoded(together), ROWS, 2, lists=False, by_work=True)
    assert rows.tolist() == ([1, 2, 3, 4, 5, 0] if together else [1, 2, 3, 4, 0, 5])
    assert sizes(cuts) == expected


@pytest.mark.parametrize(("shares", "lists"), [(1, True), (2, False)])
def test_one_rank_and_ranks_far_apart_have_the_batch_as_it_is(shares: int, lists: bool) -> None:
    shared = shared_out(encoded(False), ROWS, shares, lists, by_work=shares == 1)
    assert shared == (ROWS, None)


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        ([0, 0, 0, 1, 1, 1], [3, 3]),
        ([0, 0, 0, 0, 0, 0], [0, 6]),
        ([0, 0, 0, 0, 0, 1], [5, 1]),
        ([1, 0, 1, 0, 1, 0], [3, 3]),
    ],
)
def test_a_list_is_in_one_share(queries: list[int], expected: list[int]) -> None:
    tokens = encoded(False, queries)
    rows, cuts = shared_out(tokens, ROWS, 2, lists=True, by_work=True)
    assert sizes(cuts, rows) == expected
    parts = np.array_split(tokens.query_of[rows], cuts)
    assert not set(parts[0]) & set(parts[1])
    shares = [Group(rank, 2).share(rows, cuts) for rank in range(2)]
    assert [len(share) for share in shares] == [max(size, 1) for size in expected]
