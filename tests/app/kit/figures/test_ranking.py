"""The pictures of nDCG: fixed axes, reference lines that are the metric's, tables that agree."""

import numpy as np
import pytest

from app.kit.figures import ranking as figures
from kdcore.data.pairs import PairTable, make_frame
from kdcore.evaluation.evaluate import evaluate
from kdcore.labels import FOUR_GRADES
from kdcore.metrics.ranking import ndcg_random, ndcg_worst
from kdcore.predictions import Predictions

LAST = 6


@pytest.fixture(scope="module")
def pairs() -> PairTable:
    rng = np.random.default_rng(1)
    query = [f"q{q}" for q in range(25) for _ in range(LAST)]
    grades = rng.integers(0, 4, len(query))
    frame = make_frame(query, [f"t{i}" for i in range(len(query))], [""] * len(query), grades)
    return PairTable(frame, FOUR_GRADES, "invented")


@pytest.fixture(scope="module")
def lines(pairs):
    def line(role: str, seed: int) -> figures.Line:
        logits = np.random.default_rng(seed).normal(size=(len(pairs), 4)).astype(np.float32)
        evaluation = evaluate(pairs, Predictions(logits, pairs.content_hash, role), resamples=50)
        return figures.Line(role, f"{role} <b>", evaluation.ndcg["exp2"])

    return [line("teacher", 0), line("student", 1)]


def by_name(figure):
    return {trace.name: trace for trace in figure.data}


def test_the_random_and_worst_lines_are_the_metric_of_those_orders(pairs, lines):
    drawn = by_name(figures.ndcg_over_depth(lines, "exp2", 3, LAST, skilled=False))
    gains = pairs.scheme.gains("exp2")[pairs.grades]
    for name, metric in (("Random", ndcg_random), ("Worst", ndcg_worst)):
        expected = np.nanmean(metric(gains, pairs.query_ids, LAST), axis=0)
        np.testing.assert_allclose(drawn[name].y, expected)
    assert set(drawn["Ideal"].y) == {1.0}


@pytest.mark.parametrize("skilled", [False, True])
def test_the_axis_is_the_datas_and_moves_with_neither_model_nor_depth(lines, skilled):
    ranges = {
        figures.ndcg_over_depth(some, "exp2", k, LAST, skilled).layout.yaxis.range
        for some in (lines, lines[:1], lines[1:])
        for k in (1, 6)
    }
    assert len(ranges) == 1


def test_the_skill_score_puts_a_random_order_at_0_and_the_ideal_at_1(lines):
    drawn = by_name(figures.ndcg_over_depth(lines, "exp2", 3, LAST, skilled=True))
    np.testing.assert_allclose(drawn["Random"].y, 0, atol=1e-12)
    assert set(drawn["Ideal"].y) == {1.0}
    assert max(drawn["Worst"].y) < 0
    np.testing.assert_allclose(drawn["student &lt;b&gt;"].y, lines[1].curve.skill[:LAST])


def test_the_band_encloses_the_curve_in_both_readings(lines):
    for skilled in (False, True):
        low, value, high = map(np.array, figures.band(lines[0].curve, skilled))
        assert ((low <= value) & (value <= high)).all()


def test_a_single_order_of_ads_has_no_skill_and_still_an_axis(lines):
    nothing = figures.NdcgCurve(*[(float("nan"),) * 20] * 6)
    figure = figures.ndcg_over_depth([figures.Line("student", "s", nothing)], "exp2", 1, 2, True)
    assert figure.layout.yaxis.range == (-1.0, 1.04)


def test_the_table_holds_the_drawn_numbers(lines):
    drawn = by_name(figures.ndcg_over_depth(lines, "exp2", 3, LAST, skilled=False))
    table = figures.ndcg_table(lines, LAST)
    np.testing.assert_allclose(table["student <b>"], drawn["student &lt;b&gt;"].y)
    np.testing.assert_allclose(table["random"], drawn["Random"].y)


def test_each_variant_ranks_the_models_from_1_and_equals_share_a_place():
    values = {"a": {("exp2", 1): 0.5}, "b": {("exp2", 1): 0.7}, "c": {("exp2", 1): 0.5}}
    places = {name: own["exp2", 1] for name, own in figures.ranks(values).items()}
    assert places == {"a": 2, "b": 1, "c": 2}


def test_names_from_data_stay_text_in_the_rank_moves():
    values = {"<a href='x'>m</a>": {("exp2", 1): 0.5, ("linear", 1): 0.4}}
    figure = figures.rank_moves(values, {}, ("exp2", 1))
    assert figure.layout.annotations[0].text.startswith("&lt;a")
    assert figures.rank_table(values).shape == (1, 5)


def test_models_without_a_role_differ_by_dash_or_mark():
    values = {f"m{i}": {("exp2", 1): i / 10} for i in range(7)}
    looks = {(t.line.dash, t.marker.symbol) for t in figures.rank_moves(values, {}, ("x", 1)).data}
    assert len(looks) == 7


def test_names_of_models_stand_before_the_first_variant_and_over_no_line():
    values = {"A": {("exp2", 1): 0.5, ("exp2", 5): 0.7}, "B": {("exp2", 1): 0.6, ("exp2", 5): 0.6}}
    drawn = figures.rank_moves(values, {}, ("exp2", 1))
    assert len(drawn.layout.annotations) == 2
    assert drawn.layout.xaxis.range[0] <= drawn.layout.annotations[0].x <= -2  # the first is at 0
