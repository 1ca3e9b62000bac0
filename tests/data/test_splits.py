"""A query never stands on both sides of a cut."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.check.report import check
from kdcore.data.pairs import PairTable, make_frame
from kdcore.data.splits import query_keys, with_test_split
from kdcore.errors import DataError
from kdcore.labels import BINARY


def table(splits, queries=None):
    queries = queries or [f"query {i // 3}" for i in range(len(splits))]
    texts = [f"ad {i}" for i in range(len(splits))]
    grades = np.arange(len(splits)) % 2
    return PairTable(make_frame(queries, texts, texts, grades, splits), BINARY, "made")


def queries(pairs, split):
    return {q.casefold() for q in pairs.split(split).frame["query"]}


SHAPES = [
    ["train"] * 90, ["train"] * 90 + ["validation"] * 30, ["train"] * 90 + ["test"] * 30,
    ["validation"] * 30, ["train"] * 60 + ["log"] * 30,
]  # fmt: skip


@pytest.mark.parametrize("splits", SHAPES, ids=lambda s: "+".join(dict.fromkeys(s)))
def test_all_three_splits_come_out_and_share_no_query(splits):
    pairs = table(splits)
    cut = with_test_split(pairs)
    assert set(cut.splits) >= {"train", "validation", "test"}
    for a, b in combinations(("train", "validation", "test"), 2):
        assert not queries(cut, a) & queries(cut, b)
    assert len(cut.notes) == 1
    assert cut.frame["title"].equals(pairs.frame["title"])


def test_a_lone_table_is_cut_80_10_10_by_query():
    cut = with_test_split(table(["train"] * 300))
    assert [len(queries(cut, s)) for s in ("train", "validation", "test")] == [80, 10, 10]


def test_without_a_test_set_the_whole_validation_set_becomes_it():
    before = table(["train"] * 90 + ["validation"] * 30)
    cut = with_test_split(before)
    assert queries(cut, "test") == queries(before, "validation")
    assert len(queries(cut, "validation")) == 3


def test_a_given_test_set_stays_as_it_is():
    before = table(["train"] * 90 + ["test"] * 30)
    assert queries(with_test_split(before), "test") == queries(before, "test")


def test_a_whole_table_is_left_alone():
    whole = table(["train"] * 9 + ["validation"] * 9 + ["test"] * 9)
    assert with_test_split(whole) is whole


def test_the_seed_decides_and_the_order_of_rows_does_not():
    pairs = table(["train"] * 300)
    turned = pairs.take(np.arange(300)[::-1])
    assert queries(with_test_split(pairs, 1), "test") == queries(with_test_split(turned, 1), "test")
    assert queries(with_test_split(pairs, 1), "test") != queries(with_test_split(pairs, 2), "test")


def test_spellings_that_differ_in_case_or_blanks_stay_together():
    names = [f"{'Red' if i % 2 else 'red '} kettle {i // 2}" for i in range(60)]
    cut = with_test_split(table(["train"] * 60, names))
    splits = cut.frame["split"].to_numpy()
    assert (splits[::2] == splits[1::2]).all()


def test_validation_is_not_drawn_from_queries_that_the_test_set_knows():
    names = [f"query {i}" for i in range(40)] + [f"query {i}" for i in range(20)]
    cut = with_test_split(table(["train"] * 40 + ["test"] * 20, names))
    assert not queries(cut, "validation") & queries(cut, "test")


@pytest.mark.parametrize("splits", [["train"] * 3, ["train"] * 3 + ["test"]])
def test_too_few_queries_to_cut_is_said(splits):
    names = ["kettle"] * 3 + ["tent"] * (len(splits) - 3)
    with pytest.raises(DataError, match="1 different training queries"):
        with_test_split(table(splits, names))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["train", "test"]))))
def test_carving_splits_no_query(rows):
    rows = [("x", "train"), ("y", "train"), ("z", "train"), *rows]
    names, splits = map(list, zip(*rows, strict=True))
    pairs = table(splits, names)
    cut = with_test_split(pairs)
    assert not queries(cut, "train") & queries(cut, "validation")


def test_spellings_that_unicode_holds_for_equal_are_one_query():
    """café is written with five or with four characters; both stood in train and in test."""
    spelled = ["caf\u00e9", "cafe\u0301", "CAFE\u0301  ", "tea"]
    pairs = table(["train", "test", "test", "test"], spelled)
    keys = query_keys(pairs)
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    assert pairs.query_ids.tolist() == [0, 0, 1, 2]
    (shared,) = check(pairs).shared
    assert (shared.splits, shared.queries) == (("train", "test"), 1)
    cut = with_test_split(table(["train"] * 90, [spelled[i % 2] + str(i // 3) for i in range(90)]))
    held = [set(query_keys(cut)[(cut.frame["split"] == s).to_numpy()]) for s in cut.splits]
    assert not held[0] & held[1]
    assert not held[0] & held[2]


def test_data_kept_before_texts_were_composed_open_with_their_old_hash(tmp_path):
    pairs = table(["train", "test"], ["cafe\u0301", "caf\u00e9"])
    pairs.save(tmp_path)
    assert PairTable.load(tmp_path).content_hash == pairs.content_hash
    assert PairTable.load(tmp_path).frame["query"].tolist() == ["cafe\u0301", "caf\u00e9"]
