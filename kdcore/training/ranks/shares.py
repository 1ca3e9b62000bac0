"""Where a batch is cut into the shares of several ranks, so that none waits long for another."""

import numpy as np

from kdcore.models.batches import Encoded, Rows


def shared_out(
    encoded: Encoded, rows: Rows, shares: int, lists: bool, by_work: bool
) -> tuple[Rows, Rows | None]:
    """A batch in the order in which it is shared out, and where to cut it; None for even shares.

    lists: the ads of a query stay in one share, since the loss compares them. by_work: else shares
    have about equally many tokens, and the first the shortest pairs, so that each has only some of
    the lengths, which a model computes one after the other.
    """
    if shares == 1:
        return rows, None
    if lists:
        queries = encoded.query_of[rows]
        rows = rows[np.argsort(queries, kind="stable")]
        return rows, cuts_between(encoded.query_of[rows], shares)
    if by_work:
        rows = rows[np.argsort(_work(encoded, rows), kind="stable")]
        return rows, cuts_by_work(_work(encoded, rows), shares)
    return rows, None


def _work(encoded: Encoded, rows: Rows) -> Rows:
    """(pairs,) tokens of each pair; of its ad alone for two towers, which encode few queries."""
    lengths = encoded.tokens.lengths
    work: Rows = lengths[encoded.ad_of[rows]]
    return work + lengths[encoded.query_of[rows]] if encoded.together else work


def cuts_by_work(work: Rows, shares: int) -> Rows:
    """Where to cut a batch into shares of about equally much work."""
    even = np.arange(1, shares) * work.sum() / shares
    done = np.concatenate([[0], work.cumsum()])
    cuts: Rows = np.abs(done[:, None] - even).argmin(axis=0)
    return cuts


def cuts_between(keys: Rows, shares: int) -> Rows:
    """Where to cut a batch into about even shares, with equal neighbors of keys in one share."""
    even = np.arange(1, shares) * len(keys) / shares
    borders = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1, [len(keys)]])
    cuts: Rows = borders[np.abs(borders[:, None] - even).argmin(axis=0)]
    return cuts
