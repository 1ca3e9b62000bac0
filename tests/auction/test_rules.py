"""The auction by hand, by property, and what the frontier may claim."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.auction.frontier import Frontier, frontier, price_of_distillation
from kdcore.auction.rules import (
    BELOW_RESERVE,
    NEGATIVE,
    NO_SLOT,
    SHOWN,
    Auction,
    Rules,
    simulated_market,
)
from kdcore.errors import ConfigError, DataError
from kdcore.metrics.ranking import compact

ALL = Rules(weight=0.0, slots=99)


def made(seed: int, queries: int = 12, ads: int = 8) -> Auction:
    rng = np.random.default_rng(seed)
    n = queries * ads
    bids, p_click = np.round(rng.lognormal(0, 0.6, n), 2), np.round(rng.uniform(0.01, 0.3, n), 3)
    return Auction(bids, p_click, np.round(rng.random(n), 2), rng.integers(0, queries, n))


auctions = st.integers(0, 10_000).map(made)
rules = st.builds(
    Rules,
    weight=st.sampled_from([0.0, 0.05, 0.2, 1.0]),
    slots=st.integers(1, 6),
    reserve=st.sampled_from([0.0, 0.02, 0.1]),
    pricing=st.sampled_from(["first", "second"]),
)
quick = settings(max_examples=40, deadline=None)


@pytest.fixture
def three() -> Auction:
    """One query; RankScores at w = 1 are 0.4, 0.15 and -0.2."""
    return Auction([1.0, 2.0, 3.0], [0.5, 0.2, 0.1], [0.1, 0.25, 0.5], np.zeros(3, int))


def test_two_slots_priced_by_hand(three):
    held = three.hold(Rules(weight=1.0, slots=1, attention=1.0))
    assert held.scores == pytest.approx([0.4, 0.15, -0.2])
    assert held.states.tolist() == [SHOWN, NO_SLOT, NEGATIVE]
    assert held.prices[0] == pytest.approx((0.15 + 1.0 * 0.1) / 0.5)  # keeps 0.15 by a hair
    assert held.revenue.sum() == pytest.approx(0.25)


def test_the_last_ad_shown_pays_for_the_reserve_and_its_own_defect(three):
    held = three.hold(Rules(weight=1.0, slots=3, reserve=0.1))
    assert held.states.tolist() == [SHOWN, SHOWN, NEGATIVE]
    assert held.prices[1] == pytest.approx((0.1 + 0.25) / 0.2)
    assert held.per_query(held.shown).tolist() == [2]


def test_an_ad_below_the_reserve_is_not_shown_though_a_slot_is_empty(three):
    held = three.hold(Rules(weight=1.0, slots=3, reserve=0.2))
    assert held.states.tolist() == [SHOWN, BELOW_RESERVE, NEGATIVE]
    assert held.prices[1] == 0
    assert held.mean_defect() == pytest.approx(0.1)


def test_clicks_fall_with_the_slot(three):
    held = three.hold(Rules(weight=0.0, slots=3, attention=0.5))
    assert held.clicks == pytest.approx([0.5, 0.1, 0.025])


def test_equal_scores_go_by_their_tiebreaks():
    tied = Auction(
        [1.0, 2.0, 1.0], [0.2, 0.1, 0.2], [0.5] * 3, np.zeros(3, int), np.array([2, 0, 1])
    )
    held = tied.hold(Rules(slots=2))
    assert held.places.tolist() == [2, 0, 1]
    assert held.prices[1] == pytest.approx(2.0)  # a tie is paid in full
    assert replace(tied, tiebreaks=None).hold(Rules(slots=2)).places.tolist() == [0, 1, 2]


@pytest.mark.parametrize("pricing", ["second", "first"])
def test_with_tiebreaks_of_the_ads_no_money_depends_on_the_order_of_the_rows(pricing):
    """All ads of equal RankScore, their clicks and prices not: who is shown decides the money."""
    rng = np.random.default_rng(3)
    click = rng.choice([0.1, 0.2, 0.4], 60)
    auction = Auction(0.1 / click, click, np.zeros(60), np.repeat(np.arange(6), 10), np.arange(60))
    rule = Rules(slots=3, pricing=pricing)
    rows = rng.permutation(60)
    other = Auction(
        *(each[rows] for each in (auction.bids, click, np.zeros(60))), auction.query_ids[rows], rows
    )
    one, two = auction.hold(rule), other.hold(rule)
    np.testing.assert_array_equal(one.revenue[rows], two.revenue)
    assert one.revenue.sum() > 0
    weights = np.array([0.0, 0.3])
    ends = [frontier(each, weights, rule).revenue for each in (auction, other)]
    np.testing.assert_array_equal(*ends)


def test_an_ad_that_nobody_clicks_pays_nothing():
    dead = Auction([5.0], [0.0], [0.0], np.zeros(1, int))
    held = dead.hold(Rules())
    assert held.states.tolist() == [SHOWN]
    assert held.revenue.sum() == 0


def test_no_pair_at_all_holds_an_empty_auction():
    none = Auction(*(np.zeros(0) for _ in range(3)), np.zeros(0, int))
    held = none.hold(Rules())
    assert len(held.prices) == 0
    assert np.isnan(held.mean_defect())


@quick
@given(auctions)
def test_without_a_weight_the_order_is_that_of_bid_times_click(auction):
    held = auction.hold(ALL)
    value = auction.bids * auction.p_click
    for query in np.unique(auction.query_ids):
        mine = auction.query_ids == query
        assert (np.diff(value[mine][np.argsort(held.places[mine])]) <= 0).all()


@quick
@given(auctions)
def test_a_huge_weight_orders_by_relevance(auction):
    held = auction.hold(replace(ALL, weight=1e9))
    for query in np.unique(auction.query_ids):
        mine = auction.query_ids == query
        assert (np.diff(auction.p_defect[mine][np.argsort(held.places[mine])]) >= 0).all()


@quick
@given(auctions, rules)
def test_nobody_pays_more_than_the_bid_or_less_than_nothing(auction, rule):
    held = auction.hold(rule)
    assert (held.prices <= auction.bids).all()
    assert (held.prices >= 0).all()
    assert (held.prices[~held.shown] == 0).all()


@quick
@given(auctions, rules)
def test_the_price_is_the_least_bid_that_keeps_the_slot(auction, rule):
    """A bid a hair above the price still wins the same place; a hair below loses it."""
    held = auction.hold(replace(rule, pricing="second"))
    row = int(np.argmax(held.shown * held.prices))
    if not held.shown[row] or held.prices[row] < 0.01:
        return
    for factor, keeps in ((1 + 1e-6, True), (1 - 1e-6, False)):
        bids = auction.bids.copy()
        bids[row] = held.prices[row] * factor
        again = replace(auction, bids=bids).hold(rule)
        same = bool(again.shown[row] and again.places[row] == held.places[row])
        assert same == keeps


@quick
@given(auctions, rules)
def test_money_in_another_currency_changes_nothing_but_the_money(auction, rule):
    held = auction.hold(rule)
    cents = replace(auction, bids=auction.bids * 128).hold(  # a power of two: exact
        replace(rule, weight=rule.weight * 128, reserve=rule.reserve * 128)
    )
    np.testing.assert_array_equal(held.states, cents.states)
    np.testing.assert_allclose(held.revenue * 128, cents.revenue)


@quick
@given(auctions, rules)
def test_no_query_shows_more_ads_than_it_has_or_than_there_are_slots(auction, rule):
    held = auction.hold(rule)
    sizes = np.bincount(compact(auction.query_ids)[0])
    assert (held.per_query(held.shown) <= np.minimum(sizes, rule.slots)).all()


@quick
@given(auctions, st.integers(1, 6))
def test_at_first_price_a_heavier_weight_never_earns_more(auction, slots):
    """The shown ads are the best for value minus w times defect, so value can only fall."""
    weights = np.array([0.0, 0.01, 0.05, 0.1, 0.3, 1.0, 3.0])
    found = frontier(auction, weights, Rules(slots=slots, pricing="first"))
    assert (np.diff(found.mean_revenue) <= 1e-12).all()
    assert (np.diff(found.defects.sum(axis=1)) <= 1e-9).all() or found.counts.sum() == 0


@quick
@given(st.integers(0, 10_000), st.integers(1, 40), rules)
def test_the_frontier_is_the_auction_held_at_each_weight(seed, queries, rule):
    """Lists of like size are sorted together there; these have 1 to about 20 ads, with ties."""
    auction = made(seed, queries=queries)
    judge = np.random.default_rng(seed).random(len(auction.bids))
    judge[::7] = np.nan
    auction = replace(auction, p_click=np.round(auction.p_click, 1))
    found = frontier(auction, np.array([0.3, 0.0]), rule, judge)
    assert found.weights.tolist() == [0.0, 0.3]
    for row, weight in enumerate(found.weights):
        held = auction.hold(replace(rule, weight=weight))
        np.testing.assert_allclose(found.revenue[row], held.per_query(held.revenue), atol=1e-12)
        np.testing.assert_allclose(found.mean_defect[row], held.mean_defect(judge))
        assert found.empty[row] == pytest.approx((rule.slots - held.per_query(held.shown)).mean())


def test_no_query_has_an_empty_frontier():
    none = Auction(*(np.zeros(0) for _ in range(3)), np.zeros(0, int))
    found = frontier(none, np.array([0.0, 1.0]))
    assert found.revenue.shape == (2, 0)
    assert np.isnan(found.mean_defect).all()


def curve(revenue: list[float], defect: list[float], queries: int = 40) -> Frontier:
    """Every query alike, so that the interval has no width."""
    each = np.ones(queries)
    money, seen = np.outer(revenue, each), np.outer(defect, each)
    weights = np.arange(len(revenue), dtype=float)
    return Frontier(weights, money, seen, np.ones_like(seen), np.zeros(len(revenue)))


def test_the_price_of_distillation_is_read_at_the_teachers_defect():
    teacher, student = curve([10, 8, 6], [0.5, 0.3, 0.1]), curve([10, 6, 2], [0.5, 0.3, 0.1])
    price = price_of_distillation(teacher, student, weight=0.5, resamples=20)
    assert (price.defect, price.teacher, price.student) == pytest.approx((0.4, 9, 8))
    assert (price.change, price.low, price.high) == pytest.approx((-1 / 9, -1 / 9, -1 / 9))
    assert price.conclusive


def test_a_model_costs_nothing_against_itself():
    held = frontier(made(1), np.linspace(0, 1, 9))
    price = price_of_distillation(held, held, weight=0.33)
    assert (price.change, price.low, price.high) == (0, 0, 0)
    assert not price.conclusive


def test_a_student_that_never_gets_so_few_defects_has_no_price():
    teacher, student = curve([10, 8], [0.5, 0.1]), curve([10, 8], [0.5, 0.4])
    price = price_of_distillation(teacher, student, weight=1.0, resamples=5)
    assert np.isnan([price.student, price.change, price.low, price.high]).all()
    assert not price.conclusive


def test_samples_in_which_the_student_never_comes_down_count_as_all_revenue_lost():
    """Left out as unknown, a third of the samples would vanish and the interval end near -20 %."""
    own = np.random.default_rng(1).normal(0, 0.1, 100)
    teacher = curve([10, 10], [0.305, 0.305], 100)
    student = curve([8, 8], [0.3, 0.3], 100)
    student = replace(student, defects=student.defects + own - own.mean())
    price = price_of_distillation(teacher, student, weight=0.0)
    assert price.change == pytest.approx(-0.2)
    assert price.low == -1
    assert price.high == pytest.approx(-0.2)


def test_one_query_has_no_interval():
    teacher, student = curve([10, 8], [0.5, 0.1], 1), curve([9, 7], [0.5, 0.1], 1)
    price = price_of_distillation(teacher, student, weight=0.0)
    assert price.change == pytest.approx(-0.1)
    assert np.isnan(price.low)


def test_a_worse_model_is_seen_to_cost_revenue():
    """Defects by the truth: noise in a student's relevance must show as a loss, beyond chance."""
    rng = np.random.default_rng(5)
    n, ads = 4000, 10
    truth = rng.random(n)
    bids, p_click = simulated_market(np.digitize(-truth, [-0.75, -0.5, -0.25]), 4, seed=2)
    query_ids = np.repeat(np.arange(n // ads), ads)
    teacher = Auction(bids, p_click, truth, query_ids)
    student = replace(teacher, p_defect=np.clip(truth + rng.normal(0, 0.2, n), 0, 1))
    weights = 2 * np.linspace(0, 1, 40) ** 3
    ends = [frontier(each, weights, judge=truth) for each in (teacher, student)]
    price = price_of_distillation(*ends, weight=0.1, resamples=300)
    assert price.high < 0


def test_the_simulated_market_repeats_and_clicks_rise_with_the_grade():
    grades = np.tile([-1, 0, 1, 2, 3], 400)
    bids, p_click = simulated_market(grades, 4, seed=9)
    again = simulated_market(grades, 4, seed=9)
    np.testing.assert_array_equal(bids, again[0])
    means = [p_click[grades == g].mean() for g in (0, 1, 2, 3)]
    assert means == sorted(means)
    assert means[0] < p_click[grades == -1].mean() < means[-1]
    assert np.median(bids) == pytest.approx(0.8, abs=0.05)


def test_every_impossible_value_is_named_at_once():
    with pytest.raises(DataError) as told:
        Auction([-1.0], [2.0], [np.nan], np.zeros(1, int))
    assert all(name in str(told.value) for name in ("bids", "p_click", "p_defect"))
    with pytest.raises(ConfigError) as told:
        Rules(weight=-1, slots=0, reserve=float("nan"), pricing="third", attention=0)  # type: ignore[arg-type]
    for name in ("weight", "slots", "reserve", "pricing", "attention"):
        assert f"{name}:" in str(told.value)
