"""Each card's number is the number of rows that it opens, and what is odd is marked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kdcore.data.check.cards import data_cards, histogram, standing
from kdcore.data.check.rows import ROWS
from kdcore.data.pairs import ALL, PairTable


def card(pairs: PairTable, key: str, split: str = ALL, rejected: int = 0):
    return next(c for c in data_cards(standing(pairs, split, rejected)) if c.key == key)


@pytest.mark.parametrize("split", ["train", "test", ALL])
def test_every_card_opens_rows_and_every_opening_has_a_card(pairs4: PairTable, split: str) -> None:
    on = standing(pairs4, split)
    assert [c.key for c in data_cards(on)] == list(ROWS)
    for open_rows in ROWS.values():
        open_rows(on)
    assert len(ROWS["rows"](on)) == int(card(pairs4, "rows", split).value)
    assert len(ROWS["queries"](on)) == int(card(pairs4, "queries", split).value)


def test_a_row_number_points_at_its_pair_in_the_part_that_is_looked_at(pairs4: PairTable) -> None:
    on = standing(pairs4, "train")
    for key in ("rows", "prior", "lengths", "languages", "blanks"):
        table = ROWS[key](on)
        assert (on.part.frame["title"].to_numpy()[table["row"]] == table["title"]).all(), key


def test_doubled_and_contradicting_rows_are_counted_and_shown(pairs2: PairTable) -> None:
    again = np.r_[np.arange(len(pairs2)), 0, 5, 5]
    frame = pairs2.frame.iloc[again].reset_index(drop=True)
    frame.loc[len(frame) - 1, "grade"] = 1 - frame["grade"].iloc[5]
    dirty = replace(pairs2, frame=frame.assign(split="train"))
    seen = card(dirty, "duplicates", "train")
    assert (seen.value, seen.odd) == ("2", True)
    assert seen.detail.endswith("1 ads carry two grades")
    rows = ROWS["duplicates"](standing(dirty, "train"))
    assert sorted(rows["row"]) == [0, 5, 16, 17, 18]


def test_a_query_in_two_splits_is_a_leak_and_its_rows_are_shown(pairs2: PairTable) -> None:
    splits = pairs2.frame["split"].to_numpy(dtype=object).copy()
    splits[0] = "test"
    leaky = pairs2.with_splits(splits)
    seen = card(leaky, "leaks", "test")
    assert (seen.value, seen.odd) == ("1", True)
    rows = ROWS["leaks"](standing(leaky, "test"))
    assert set(rows["query"]) == {"red running shoes"}
    assert set(rows["split"]) == {"train", "test"}
    assert not card(pairs2, "leaks", "test").odd


def test_a_small_sample_is_marked_with_what_it_can_show(
    make_pairs: Callable[[int, int], PairTable],
) -> None:
    small, large = make_pairs(20, 4), make_pairs(8000, 4)
    assert card(small, "smallest", "train").odd
    assert not card(large, "smallest", "train").odd
    table = ROWS["smallest"](standing(small, "train"))
    assert table["detectable difference, unrelated models"].is_monotonic_decreasing


def test_pairs_without_grades_get_cards_that_say_so(pairs2: PairTable) -> None:
    blank = replace(pairs2, frame=pairs2.frame.assign(grade=-1))
    for key in ("prior", "chance", "smallest"):
        assert card(blank, key, "train").odd
        assert card(blank, key, "train").value == "–"
    assert card(blank, "blanks").value == "16"


def test_a_histogram_counts_every_number_once_and_has_few_bars() -> None:
    counts = np.r_[np.ones(50, int), np.arange(1, 100), 5000]
    bars = histogram(counts)
    assert sum(height for _, height in bars) == len(counts)
    assert len(bars) <= 13
    assert bars[-1][0].endswith("+")
    assert histogram(np.array([2, 2, 3])) == (("2", 2.0), ("3", 1.0))
