"""The data check says what a person would find by reading every row."""

from itertools import permutations

import numpy as np
import pytest

from kdcore.data.check.report import auc_step, check
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import BINARY, FOUR_GRADES
from kdcore.workspace import write_json_atomic


def table(*rows, scheme=FOUR_GRADES):
    """Rows of query, title, grade, split; the description repeats the title."""
    queries, titles, grades, splits = zip(*rows, strict=True)
    return PairTable(make_frame(queries, titles, titles, grades, splits), scheme, "made")


SMALL = table(
    ("red kettle", "Kettles", 3, "train"),
    ("red kettle", "Kettles now", 0, "train"),
    ("red kettle", "Tents", 1, "train"),
    ("tent", "Tents", 2, "train"),
    ("tent", "Sofas", -1, "train"),
    ("Red  Kettle", "Kettles", 2, "test"),
)


def test_a_split_is_counted_by_hand():
    train = check(SMALL).splits[0]
    assert (train.pairs, train.queries, train.unlabelled) == (5, 2, 1)
    spread = train.ads_per_query
    assert (spread.low, spread.median, spread.high) == (2, 2.5, 3)
    assert train.label_shares == {"bad": 0.25, "fair": 0.25, "good": 0.25, "excellent": 0.25}
    assert train.prior == 0.5
    assert train.words["query"].mean == pytest.approx((2 * 3 + 1 * 2) / 5)
    assert train.languages == {"en": 5}
    assert train.rankable == 1


def test_a_query_in_two_splits_is_found_under_another_spelling():
    (shared,) = check(SMALL).shared
    assert (shared.splits, shared.queries) == (("train", "test"), 1)
    assert shared.examples == ("red kettle",)
    assert "1 queries are in both train and test" in check(SMALL).findings[0]


def test_only_three_shared_queries_are_shown():
    rows = [(f"q{i}", "ad", i % 2, split) for i in range(9) for split in ("train", "test")]
    (shared,) = check(table(*rows)).shared
    assert shared.queries == 9
    assert shared.examples == ("q0", "q1", "q2")


def test_repeated_rows_and_conflicting_grades_are_told_apart():
    split = check(
        table(
            ("a", "x", 1, "train"), ("a", "x", 1, "train"), ("a", "x", 1, "train"),
            ("b", "x", 1, "train"), ("b", "x", 2, "train"), ("b", "x", -1, "train"),
        )
    ).splits[0]  # fmt: skip
    assert (split.duplicates, split.conflicts) == (2, 1)


def test_chance_is_the_mean_over_all_orders_and_the_worst_of_them():
    """Counted out: all 24 orders of one query, by the definition of nDCG."""
    grades = [3, 0, 1, 2]
    report = check(table(*((("q", f"ad {i}", g, "test")) for i, g in enumerate(grades))))
    for line in report.splits[0].chance:
        gains = FOUR_GRADES.gains(line.gain)[grades]
        discount = 1 / np.log2(np.arange(2, 2 + min(line.depth, 4)))
        all_dcg = [gains[list(p)][: line.depth] @ discount for p in permutations(range(4))]
        assert line.random == pytest.approx(np.mean(all_dcg) / max(all_dcg))
        assert line.worst == pytest.approx(min(all_dcg) / max(all_dcg))


def test_a_detectable_step_shrinks_with_the_root_of_the_pairs():
    assert auc_step(4000, 4000) == pytest.approx(auc_step(1000, 1000) / 2, rel=0.01)
    # their formula by hand at 0.8 with 50 of each: sqrt((0.16 + 1.3067 + 3.4844) / 2500)
    assert auc_step(50, 50) / 2.8 == pytest.approx(0.0445, abs=0.0005)
    assert np.isnan(auc_step(0, 10))


def test_oddities_are_said_in_sentences():
    blank = PairTable(make_frame(["a"], ["x"], [""], [1]), BINARY, "made")
    findings = check(blank).findings
    assert any("every description is empty" in f for f in findings)
    assert any("only one kind of label" in f for f in findings)
    assert any("no query has two different grades" in f for f in findings)


def test_an_unlabelled_table_is_checked_without_a_crash(tmp_path):
    report = check(table(("a", "x", -1, "train"), ("b", "y", -1, "log")))
    assert np.isnan(report.splits[0].prior)
    assert report.findings == ("train: no pair has a grade",)
    write_json_atomic(tmp_path / "x.json", report)


def test_clean_data_have_no_findings():
    rows = [(f"q{i}", f"ad {k}", k, split) for i, split in enumerate(("train", "test"))
            for k in range(4)]  # fmt: skip
    assert check(table(*rows)).findings == ()


def test_pairs_without_a_grade_among_others_are_a_finding():
    rows = [(f"q{i}", f"ad {k}", k, "test") for i in range(10) for k in (0, 1, 2, -1)]
    log = [(f"log {k}", "ad", k, "log") for k in (1, -1)]
    findings = check(table(*rows, *log)).findings
    assert "test: 10 of 40 pairs have no grade" in findings
    assert not any(f.startswith("log") and "no grade" in f for f in findings)
