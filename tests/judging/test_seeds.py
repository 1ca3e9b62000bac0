"""Seeds folded into a row: what is one setting, what is the spread, and when a side is taken."""

from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kdcore.judging.seeds import TOO_FEW, Seeded, fold, over_seeds
from kdcore.runs.facts import RunFacts


def run(seed: int, value: float = 0.8, delta: float = 0.02, **more: object) -> Seeded:
    config = {"stage": "distill", "seed": seed, "method": {"name": "response"}} | more
    return Seeded(f"run-{seed}", RunFacts(Path(), config).settings_but_seed, seed, value, delta)


def test_runs_equal_but_for_the_seed_are_one_row_and_others_are_not():
    runs = [run(2), run(0), run(0, hard_weight=0.5), run(1)]
    rows = fold(runs)
    assert [row.seeds for row in rows] == [(0, 1, 2), (0,)]
    assert rows[0].run_ids == ("run-0", "run-1", "run-2")


def test_where_a_run_was_computed_does_not_part_it_from_the_others():
    rows = fold([run(0, device="cpu"), run(1, device="cuda", threads=4)])
    assert len(rows) == 1


def test_a_seed_that_was_run_twice_counts_once():
    assert fold([run(0, 0.7), run(0, 0.9), run(1, 0.8)])[0].value.n == 2


def test_mean_deviation_and_range_are_those_of_the_values():
    row = fold([run(0, 0.70, 0.01), run(1, 0.80, 0.02), run(2, 0.75, 0.06)])[0]
    assert (row.value.mean, row.value.least, row.value.most) == (pytest.approx(0.75), 0.70, 0.80)
    assert row.value.deviation == pytest.approx(0.05)
    assert row.delta.mean == pytest.approx(0.03)


def test_the_interval_and_p_are_those_of_the_t_test():
    deltas = [0.010, 0.031, 0.022, 0.017]
    low, high, p = over_seeds(deltas)
    known = stats.ttest_1samp(deltas, 0)
    assert p == pytest.approx(known.pvalue)
    assert (low, high) == pytest.approx(tuple(known.confidence_interval(0.95)))


def test_fewer_than_three_seeds_take_no_side_however_alike_they_are():
    row = fold([run(0), run(1)])[0]
    assert row.verdict == TOO_FEW
    assert isnan(row.low)
    assert "2 seeds with a twin: at least 3" in row.sentence


def test_seeds_without_a_twin_do_not_count():
    row = fold([run(0), run(1), run(2, delta=nan)])[0]
    assert (row.value.n, row.delta.n, row.verdict) == (3, 2, TOO_FEW)


@pytest.mark.parametrize(
    ("deltas", "metric", "said"),
    [
        ((0.021, 0.020, 0.022), "roc_auc", "BETTER"),
        ((-0.021, -0.020, -0.022), "roc_auc", "WORSE"),
        ((-0.021, -0.020, -0.022), "nll", "BETTER"),
        ((0.03, -0.02, 0.01), "roc_auc", "INCONCLUSIVE"),
        ((0.02, 0.02, 0.02), "roc_auc", "BETTER"),
        ((0.0, 0.0, 0.0), "roc_auc", "INCONCLUSIVE"),
    ],
)
def test_the_verdict_follows_the_seeds_and_which_way_is_better(deltas, metric, said):
    row = fold([run(seed, delta=d) for seed, d in enumerate(deltas)], metric)[0]
    assert row.verdict == said
    assert "Student's t over 3 seeds on the same test pairs" in row.sentence


def test_seeds_of_pure_chance_take_a_side_in_about_one_of_twenty():
    draw = np.random.default_rng(0)
    sides = sum(
        fold([run(s, delta=d) for s, d in enumerate(draw.normal(0, 0.01, 4))])[0].verdict
        != "INCONCLUSIVE"
        for _ in range(1000)
    )
    assert 30 <= sides <= 70
