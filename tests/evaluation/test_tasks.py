"""The accuracy of each task, beside what the commonest class would find."""

from pathlib import Path

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.tasks import TaskAccuracy, accuracy_of, read_tasks, task_table, write_tasks
from kdcore.labels import BINARY


def measured(labels: list[int], answers: list[int], learned: list[int]) -> TaskAccuracy:
    """Two pairs per query."""
    queries = [f"q{i // 2}" for i in range(len(labels))]
    frame = make_frame(queries, ["a"] * len(labels), [""] * len(labels), [0] * len(labels), "test")
    pairs = PairTable(frame, BINARY, "mine")
    arrays = [np.array(each) for each in (labels, answers, learned)]
    return accuracy_of("intent", pairs, *arrays, ("buy", "r|nt"), 1.0)


def test_only_labelled_pairs_count_and_the_majority_is_that_of_the_pairs_learned_from() -> None:
    found = measured([0, 1, 1, -1, 1, 0], [0, 1, 0, 0, 1, 1], [1, 1, 0, -1])
    assert found.accuracy == pytest.approx(3 / 5)
    assert (found.n, found.queries, found.commonest) == (5, 3, "r|nt")
    assert found.majority == pytest.approx(3 / 5)
    assert found.low < found.accuracy < found.high
    assert found.gain_low < 0 < found.gain_high


def test_a_task_that_no_pair_of_a_split_has_is_not_a_number() -> None:
    found = measured([-1, -1], [0, 1], [0, 1])
    assert found.n == 0
    assert np.isnan([found.accuracy, found.low, found.high, found.majority]).all()


def test_the_accuracies_come_back_from_the_folder_and_stand_in_a_table(tmp_path: Path) -> None:
    assert read_tasks(tmp_path) == ()
    assert task_table(tmp_path) == []
    found = measured([0, 1, 1, 0], [0, 1, 0, 0], [1])
    write_tasks(tmp_path, [found])
    assert read_tasks(tmp_path) == (found,)
    row = task_table(tmp_path)[-2]
    assert row.startswith("| intent | test | 0.750 [")
    assert r"0.500 (r\|nt) | 4 pairs, 2 queries |" in row
    (tmp_path / "evaluation" / "tasks.json").write_text("{")
    assert read_tasks(tmp_path) == ()
