"""Areas under ROC and precision-recall curves under many weights of the same queries.

A bootstrap weighs the same sorted pairs a thousand times, so all work is done for a block of
weights at once: the weights of a few hundred pairs are summed as one matrix, a column for each set
of weights, and the sums along the ranking come from products with a triangle of ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Columns = NDArray[Any]  # of single or double precision, a column for each set of weights
STEPS = 1024  # of the ranking, worked on at once; a multiple of _SHORT
CELLS = 1 << 17  # steps times sets of weights, worked on at once: 1 MB of float64
_SHORT = 16  # steps that one product sums
_EXACT = 1 << 24  # single precision holds every whole number below


@dataclass(frozen=True)
class WeightedAreas:
    """A ranking as steps: runs of equal scores that hold a relevant pair, best first.

    blocks: each holds, for some of the steps, three (steps, groups) matrices of counts: relevant
    pairs in the run, irrelevant pairs between the run before and this one, and irrelevant pairs in
    the run (None where no run has any).
    relevant, irrelevant: (groups,) how many pairs of each kind a group has.
    """

    blocks: Sequence[tuple[csr_array, csr_array, csr_array | None]]
    relevant: Floats
    irrelevant: Floats

    @classmethod
    def of(
        cls, hits: Ints, above: Ints, reach: Ints, groups: tuple[Ints, Ints], count: int
    ) -> "WeightedAreas":
        """Make the steps from what a ScoreOrder says of each relevant pair; count: of groups.

        groups: those of the relevant and of the irrelevant pairs, best score first.
        """
        good, bad = groups
        last = np.append(hits[1:] != hits[:-1], np.ones(min(len(hits), 1), dtype=bool))
        hits, above, reach = hits[last], above[last], reach[last]  # of each run
        steps, place = len(hits), np.arange(len(bad))
        step = np.searchsorted(reach, place, side="right")
        ranked = step < steps  # the others score less than every relevant pair
        inside = np.zeros(len(bad), dtype=bool)
        inside[ranked] = place[ranked] >= above[step[ranked]]
        before = ranked & ~inside
        shape = steps, count
        matrices = [
            _counts(np.repeat(np.arange(steps), np.diff(hits, prepend=0)), good, shape),
            _counts(step[before], bad[before], shape),
        ]
        if inside.any():
            matrices.append(_counts(step[inside], bad[inside], shape))
        blocks = []
        size = min(STEPS, -(-max(steps, 1) // _SHORT) * _SHORT)
        for start in range(0, steps, size):
            rows = np.arange(start, start + size).reshape(-1, _SHORT).T.ravel()  # see _run_up
            hit, missed, *tied = (_rows_of(matrix, rows) for matrix in matrices)
            blocks.append((hit, missed, tied[0] if tied else None))
        relevant, irrelevant = (np.bincount(each, minlength=count) for each in groups)
        return cls(blocks, relevant.astype(np.float64), irrelevant.astype(np.float64))

    def under(self, weights: Floats) -> tuple[Floats, Floats]:
        """Compute (resamples,) ROC-AUC and PR-AUC under (resamples, groups) weights.

        PR-AUC is the step-wise average precision. Without a relevant pair both are nan, without an
        irrelevant one ROC-AUC is. Memory is bounded.
        """
        relevant, irrelevant = weights @ self.relevant, weights @ self.irrelevant
        whole = bool((weights == np.floor(weights)).all())
        exact = whole and (relevant + irrelevant).max(initial=0) < _EXACT
        kind = np.float32 if exact else np.float64  # the faster one where it rounds nothing
        lost, precision = np.zeros((2, len(weights)))
        size = max(CELLS // self.blocks[0][0].shape[0], 1) if self.blocks else len(weights)
        for start in range(0, len(weights), size):
            lanes = slice(start, start + size)
            columns = np.ascontiguousarray(weights[lanes].T, dtype=kind)
            lost[lanes], precision[lanes] = _summed(self.blocks, columns)
        with np.errstate(invalid="ignore", divide="ignore"):
            roc = 1 - lost / (relevant * irrelevant)
            return np.where(irrelevant > 0, roc, np.nan), precision / relevant


def _counts(steps: Ints, groups: Ints, shape: tuple[int, int]) -> csr_array:
    """Return the matrix that counts (steps, groups); the steps never fall."""
    ends = np.append(0, np.cumsum(np.bincount(steps, minlength=shape[0])))
    return csr_array((np.ones(len(groups), np.float32), groups, ends), shape=shape)


def _rows_of(matrix: csr_array, rows: Ints) -> csr_array:
    """Return these rows of a matrix; those beyond its end are empty."""
    taken = matrix[rows[rows < matrix.shape[0]]]
    if len(rows) == taken.shape[0]:
        return taken
    ends = np.zeros(len(rows) + 1, dtype=taken.indptr.dtype)
    ends[1:][rows < matrix.shape[0]] = np.diff(taken.indptr)
    shape = (len(rows), matrix.shape[1])
    return csr_array((taken.data, taken.indices, np.cumsum(ends, dtype=ends.dtype)), shape=shape)


def _summed(blocks: Sequence[Sequence[Any]], weights: Columns) -> tuple[Floats, Floats]:
    """Sum, over relevant pairs, the irrelevant weight above each and the precision there.

    weights: (groups, lanes). Both results are (lanes,).
    """
    lanes, steps = weights.shape[1], blocks[0][0].shape[0] if blocks else 0
    lost, precision = np.zeros((2, lanes))
    hits_before, misses_before = np.zeros((2, lanes), dtype=weights.dtype)
    # used again for every block, so that they stay in the cache
    good, hit_sums, seen = np.empty((3, steps, lanes))
    earlier = np.tri(steps // _SHORT, k=-1, dtype=weights.dtype)
    for of_run, between, tied in blocks:
        gained, passed = of_run @ weights, between @ weights
        np.copyto(good, gained)
        if tied is not None:  # a relevant pair beats half of those that it ties with
            inside = tied @ weights
            passed += inside
            lost -= np.einsum("ij,ij->j", good, inside.astype(np.float64)) / 2
        hits_before = _run_up(gained, hits_before, earlier)
        misses_before = _run_up(passed, misses_before, earlier)
        np.copyto(hit_sums, gained)
        np.copyto(seen, passed)
        lost += np.einsum("ij,ij->j", good, seen)
        seen += hit_sums  # the weight of all pairs that score no less
        if not seen[0].all():  # the sums never fall, so only then can one be 0
            seen[seen == 0] = 1.0
        hit_sums /= seen
        precision += np.einsum("ij,ij->j", good, hit_sums)
    return lost, precision


def _run_up(rows: Columns, before: Columns, earlier: Columns) -> Columns:
    """Turn (rows, lanes), in place, into the sums of the first 1, 2, ... on top of `before`.

    Row i * n + k holds step k * _SHORT + i, of n * _SHORT in all, so that a row's predecessors lie
    in whole blocks. earlier: (n, n) ones below the diagonal. Returns the sum of all rows.
    """
    parts = rows.reshape(_SHORT, -1, rows.shape[1])
    for i in range(1, _SHORT):
        parts[i] += parts[i - 1]
    parts += earlier @ parts[-1] + before
    return np.array(parts[-1, -1])
