"""Store what the app would compute first beside each distilled student: gaps and its verdict."""

from pathlib import Path

from kdcore.data.pairs import PairTable
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.gap import gap_file, gap_recovered, keep_gap
from kdcore.evaluation.stored import result_file, write_result
from kdcore.metrics.definitions import shown_in
from kdcore.predictions import Predictions

GAPS = shown_in("headline")
DEPTH, AREA_PERMUTATIONS = 5, 1000  # as the app computes them


def keep_beside(
    folder: Path, pairs: PairTable, hard: Predictions, distilled: Predictions, teacher: Predictions
) -> None:
    """Write a student's gaps and its comparison with its twin into its evaluation folder."""
    for metric in GAPS:
        gap = gap_recovered(pairs, hard, distilled, teacher, metric)
        keep_gap(gap_file(folder, pairs, hard, distilled, teacher, metric), gap)
    path = result_file(
        folder, pairs, (distilled, hard, teacher), "comparison", DEPTH, AREA_PERMUTATIONS
    )
    write_result(path, compare(pairs, distilled, hard, teacher=teacher, depth=DEPTH))
