"""PairTable: checked at birth, cut by query, hashed by content, kept whole."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import DataError
from kdcore.labels import BINARY, FOUR_GRADES


def made(grades=(3, 0, -1, 1), splits=("train", "train", "test", "train"), queries="aabc"):
    titles = [f"ad {i}" for i in range(len(grades))]
    frame = make_frame(list(queries), titles, [""] * len(grades), list(grades), list(splits))
    return PairTable(frame, FOUR_GRADES, "made", "by hand", ("a note",))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda f: f.drop(columns="query"), "no column 'query'"),
        (lambda f: f.assign(title=[None, "b", "c", "d"]), "'title' has 1 missing values"),
        (lambda f: f.assign(grade=[0, 1, 2, 4]), "grades 0..4 do not fit"),
        (lambda f: f.assign(grade=[0, 1, 2, -2]), "grades -2..2 do not fit"),
        (lambda f: f.assign(grade=[0.5, 1, 2, 3]), "not whole numbers"),
        (lambda f: f.assign(split="tset"), "splits ['tset'] are unknown"),
    ],
)
def test_an_impossible_table_is_refused_at_birth(change, problem):
    with pytest.raises(DataError) as caught:
        PairTable(change(made().frame), FOUR_GRADES, "odd")
    assert problem in caught.value.problems[0]


def test_every_problem_of_a_table_is_told_at_once():
    frame = made().frame.assign(grade=9, split="x", query=None)
    with pytest.raises(DataError) as caught:
        PairTable(frame, FOUR_GRADES, "odd")
    assert len(caught.value.problems) == 3


def test_rows_are_numbered_from_zero_whatever_the_frame_was_cut_from():
    table = PairTable(made().frame.iloc[[2, 0]], FOUR_GRADES, "cut")
    assert table.frame.index.tolist() == [0, 1]
    assert table.frame["title"].tolist() == ["ad 2", "ad 0"]


def test_queries_are_numbered_by_first_appearance():
    assert made(queries="baca").query_ids.tolist() == [0, 1, 2, 1]


def test_splits_come_in_the_usual_order_and_an_absent_one_is_named():
    table = made(splits=("test", "log", "train", "test"))
    assert table.splits == ("train", "test", "log")
    assert table.split("test").frame["title"].tolist() == ["ad 0", "ad 3"]
    with pytest.raises(DataError, match="no split 'validation'; it has train, test, log"):
        table.split("validation")


def test_labelled_leaves_out_what_nobody_judged():
    assert made().labelled().grades.tolist() == [3, 0, 1]


def test_truth_is_there_only_when_every_class_has_its_column():
    table = made()
    assert table.truth is None
    soft = {f"truth_{k}": 0.25 for k in range(4)}
    whole = dataclasses.replace(table, frame=table.frame.assign(**soft))
    assert whole.truth.shape == (4, 4)
    part = dataclasses.replace(table, frame=table.frame.assign(truth_0=1.0))
    assert part.truth is None


CHANGES = {
    "a query": {"query": list("aabd")},
    "a boundary between texts": {"query": ["aa", "", "b", "c"]},
    "a grade": {"grade": [3, 0, -1, 2]},
    "a split": {"split": ["train", "train", "test", "validation"]},
    "a language": {"language": "fr"},
    "a description": {"description": ["", "", "", "x"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_hash_changes_with(change):
    table = made()
    other = dataclasses.replace(table, frame=table.frame.assign(**change))
    assert other.content_hash != table.content_hash


def test_the_hash_knows_the_order_and_the_scheme_and_not_the_name():
    table = made(grades=(1, 0, -1, 1))
    assert table.take(np.array([1, 0, 2, 3])).content_hash != table.content_hash
    assert dataclasses.replace(table, scheme=BINARY).content_hash != table.content_hash
    assert dataclasses.replace(table, name="other", notes=()).content_hash == table.content_hash


def test_the_hash_does_not_depend_on_how_pandas_keeps_text():
    table = made()
    plain = table.frame.astype({"query": object, "title": object})
    assert dataclasses.replace(table, frame=plain).content_hash == table.content_hash


def test_a_saved_table_loads_as_it_was(tmp_path):
    table = made()
    table.save(tmp_path / "kept")
    again = PairTable.load(tmp_path / "kept")
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert (again.name, again.source, again.notes) == ("made", "by hand", ("a note",))
    assert again.content_hash == table.content_hash


def test_a_saved_table_that_was_changed_is_refused(tmp_path):
    made().save(tmp_path)
    card = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(card | {"content_hash": "0" * 16}))
    with pytest.raises(DataError, match="changed after its import"):
        PairTable.load(tmp_path)


@pytest.mark.parametrize("name", ["dataset.json", "pairs.parquet"])
def test_a_damaged_folder_is_a_data_error(tmp_path, name):
    made().save(tmp_path)
    (tmp_path / name).write_bytes(b"{")
    with pytest.raises(DataError, match="import the source again"):
        PairTable.load(tmp_path)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    pairs=st.integers(1, 60),
    seed=st.integers(0, 9),
)
def test_a_limit_takes_whole_queries_and_no_more_pairs(sizes, pairs, seed):
    """Half a query's ads would change its nDCG."""
    queries = [f"q{i}" for i, n in enumerate(sizes) for _ in range(n)]
    blank = [""] * len(queries)
    table = PairTable(make_frame(queries, queries, blank, [0] * len(queries)), BINARY, "made")
    cut = table.limit(pairs, seed)
    kept = cut.frame["query"].value_counts()
    assert all(kept[q] == sizes[int(q[1:])] for q in kept.index)
    assert len(kept) == 1 or len(cut) <= pairs
    assert cut.frame["query"].tolist() == table.limit(pairs, seed).frame["query"].tolist()


def test_the_limit_holds_for_every_split():
    table = made(splits=("train", "train", "test", "train"))
    assert table.limit(1).splits == ("train", "test")
    assert table.limit(99).frame.equals(table.frame)


def test_a_split_named_whole_is_not_limited():
    frame = pd.concat(
        [
            make_frame(["a"] * 4 + ["b"] * 4, list("12345678"), [""] * 8, [0, 1] * 4, split)
            for split in ("train", "test")
        ]
    )
    limited = PairTable(frame, BINARY, "two").limit(4, whole=("test",))
    assert {split: len(limited.split(split)) for split in limited.splits} == {"train": 4, "test": 8}


def test_several_splits_are_taken_in_order_and_a_missing_one_is_named():
    frame = make_frame(list("abc"), list("xyz"), [""] * 3, [0, 1, 0], ["train", "test", "log"])
    pairs = PairTable(frame, BINARY, "three")
    assert pairs.only(("log", "train")).frame["query"].tolist() == ["a", "c"]
    with pytest.raises(DataError, match="no split 'validation'; it has train, test, log"):
        pairs.only(("train", "validation"))
