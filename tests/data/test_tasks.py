"""Columns of labels become tasks: their classes, their missing labels, what teaches nothing."""

from dataclasses import replace

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.data.tasks import task_pairs
from kdcore.data.world import tasks, world
from kdcore.errors import DataError
from kdcore.labels import BINARY


@pytest.fixture
def pairs() -> PairTable:
    """Five pairs to learn from, of which the last two are of a log; some have labels of a task."""
    frame = make_frame(
        [f"q{i}" for i in range(6)],
        ["a"] * 6,
        [""] * 6,
        [0, 1, -1, -1, -1, 1],
        ["train", "train", "train", "log", "log", "test"],
    )
    return PairTable(
        frame.assign(
            task_intent=["buy", "", "rent", None, "buy", "learn"],
            task_click=[1.0, float("nan"), float("nan"), -1.0, 0.0, 1.0],
            task_one=["x"] * 6,
            task_none=[""] * 6,
            color=[10, 2, -1, -1, -1, 10],
        ),
        BINARY,
        "mine",
    )


def test_texts_and_numbers_become_classes_and_missing_cells_become_none(pairs: PairTable) -> None:
    learned = task_pairs(pairs, "train+log", ("intent", "click", "color"))
    intent, click, color = learned.tasks
    assert (intent.classes, click.classes) == (("buy", "rent"), ("0", "1"))
    assert color.classes == ("2", "10")  # by size, and not as texts
    assert intent.labels(pairs).tolist() == [0, -1, 1, -1, 0, -1]  # "learn" was never learned
    assert click.labels(pairs).tolist() == [1, -1, -1, -1, 0, 1]
    assert color.labels(pairs).tolist() == [1, 0, -1, -1, -1, 1]


def test_pairs_without_any_label_are_left_out(pairs: PairTable) -> None:
    learned = task_pairs(pairs, "train+log", ("color",))
    assert learned.pairs.frame["query"].tolist() == ["q0", "q1"]
    assert learned.labels["color"].tolist() == [1, 0]


def test_a_column_that_teaches_nothing_is_left_out_with_a_note_and_refused_by_name(
    pairs: PairTable,
) -> None:
    learned = task_pairs(pairs, "train+log", None)
    assert [task.name for task in learned.tasks] == ["intent", "click"]
    assert len(learned.notes) == 2
    assert "all of one class, 'x'" in learned.notes[0]
    assert "without a label" in learned.notes[1]
    with pytest.raises(DataError, match=r"(?s)one: .*one class.*none: .*without a label.*clik"):
        task_pairs(pairs, "train+log", ("one", "none", "clik"))


def test_columns_of_a_table_of_pairs_are_no_tasks(pairs: PairTable) -> None:
    with pytest.raises(DataError, match="no column of labels is called 'query'"):
        task_pairs(pairs, "train", ("query",))


def test_without_a_grade_there_is_no_relevance_to_learn(pairs: PairTable) -> None:
    frame = pairs.frame.assign(grade=np.where(pairs.frame["split"] == "train", -1, 0))
    with pytest.raises(DataError, match="no pair to learn from has a grade"):
        task_pairs(replace(pairs, frame=frame.assign(grade=-1)), "train+log", ())


def test_the_world_has_seven_tasks_beside_relevance_with_their_names() -> None:
    learned = task_pairs(world(train=200, validation=0, test=20, log=50), "train+log", None)
    named = {task.name: task.classes for task in learned.tasks}
    assert named == {name: c for name, c in tasks().items() if name != "relevance"}
    assert len(learned.pairs) == 250  # a pair of the log has no grade, but the other labels
