"""What the app would work out first, kept beside each distilled student: gaps and its verdict."""

from pathlib import Path

from kdcore.data.pairs import PairTable
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.gap import gap_file, gap_recovered, keep_gap
from kdcore.evaluation.stored import result_file, write_result
from kdcore.predictions import Predictions

GAPS = ("roc_auc", "ndcg@5", "nll")
DEPTH, AREA_PERMUTATIONS = 5, 1000  # as the app asks


def keep_beside(
    folder: Path, pairs: PairTable, hard: Predictions, distilled: Predictions, teacher: Predictions
) -> None:
    """Write a student's gaps and its comparison with its twin into its evaluation folder."""
    for metric in GAPS:
        found = gap_recovered(pairs, hard, distilled, teacher, metric)
        keep_gap(gap_file(folder, pairs, hard, distilled, teacher, metric), found)
    path = result_file(
        folder, pairs, (distilled, hard, teacher), "comparison", DEPTH, AREA_PERMUTATIONS
    )
    write_result(path, compare(pairs, distilled, hard, teacher=teacher, depth=DEPTH))
