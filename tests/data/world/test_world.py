"""The bundled world: what a visitor may rely on."""

import subprocess
import sys

import numpy as np
import pytest

from kdcore.data.pairs import PairTable
from kdcore.data.world import CANDIDATES, tasks, world
from kdcore.errors import ConfigError


@pytest.fixture(scope="module")
def small() -> PairTable:
    return world(0, train=2000, validation=400, test=1000, log=500)


def test_every_split_has_the_size_asked_for(small: PairTable) -> None:
    sizes = small.frame["split"].value_counts().to_dict()
    assert sizes == {"train": 2000, "validation": 400, "test": 1000, "log": 500}


def test_the_same_seed_gives_the_same_bytes_on_every_machine(small: PairTable) -> None:
    assert small.content_hash == "28c6fc8b2163de1f"


def test_another_seed_gives_another_world(small: PairTable) -> None:
    assert world(1, train=10, validation=0, test=0).frame["query"][0] != small.frame["query"][0]


def test_a_bigger_log_changes_no_other_split(small: PairTable) -> None:
    bigger = world(0, train=2000, validation=400, test=1000, log=800)
    assert bigger.frame.iloc[: len(small)].equals(small.frame)


def test_a_larger_split_begins_with_the_smaller_one(small: PairTable) -> None:
    shorter = world(0, train=300, validation=40, test=20)
    for split in shorter.splits:
        pairs = shorter.split(split).frame
        assert small.split(split).frame.iloc[: len(pairs)].equals(pairs)


def test_no_query_occurs_in_two_splits(small: PairTable) -> None:
    assert (small.frame.groupby("query")["split"].nunique() == 1).all()


def test_every_query_of_test_has_two_grades_or_more(small: PairTable) -> None:
    assert (small.split("test").frame.groupby("query")["grade"].nunique() >= 2).all()


def test_the_truth_is_a_distribution_on_every_row_and_the_log_has_no_grades(
    small: PairTable,
) -> None:
    assert small.truth is not None
    assert np.allclose(small.truth.sum(axis=1), 1.0, atol=1e-9)
    assert (small.truth >= 0).all()
    assert (small.split("log").grades == -1).all()
    assert (small.labelled().grades >= 0).all()


def test_labels_are_samples_of_the_truth(small: PairTable) -> None:
    judged = small.split("train")
    assert judged.truth is not None
    shares = np.bincount(judged.grades, minlength=4) / len(judged)
    assert np.abs(shares - judged.truth.mean(axis=0)).max() < 0.03


def test_eight_tasks_have_targets_within_their_classes(small: PairTable) -> None:
    assert len(tasks()) == 8
    judged = small.labelled().frame
    for name, classes in tasks().items():
        assert judged[f"task_{name}"].between(0, len(classes) - 1).all(), name


def test_every_way_of_choosing_an_ad_occurs_and_money_is_positive(small: PairTable) -> None:
    assert set(small.frame["candidate"]) == set(CANDIDATES)
    assert (small.frame["bid"] > 0).all()
    assert small.frame["p_click"].between(0, 1).all()


def test_the_source_says_that_it_is_generated_free_and_simulated(small: PairTable) -> None:
    assert all(word in small.source for word in ("Generated", "free to share", "simulated"))


def test_impossible_sizes_are_all_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        world(-1, train=-5, test=-1)
    assert len(caught.value.problems) == 3


def test_importing_the_world_costs_no_torch() -> None:
    code = "import sys, kdcore.data.world; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
