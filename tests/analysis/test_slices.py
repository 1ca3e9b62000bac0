"""Slices of a loss difference: planted ones are found, chance ones are not, names are links."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from kdcore.analysis.attributes import CIRCULAR, Condition, attributes, describe, join, parse
from kdcore.analysis.slices import benjamini_hochberg, effect_of, find
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError
from kdcore.labels import FOUR_GRADES

QUERIES, ADS = 120, 8
WORDS = np.array([f"word{i}" for i in range(12)])


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    query = [" ".join([f"q{i}", *rng.choice(WORDS[:4], 2, replace=False)]) for i in range(QUERIES)]
    title = [" ".join(rng.choice(WORDS, rng.integers(2, 9))) for _ in range(QUERIES * ADS)]
    grade = rng.integers(0, 4, QUERIES * ADS)
    frame = make_frame(np.repeat(query, ADS), title, [""] * len(title), grade, split="test")
    return PairTable(frame, FOUR_GRADES, "toy")


@pytest.fixture(scope="module")
def about(pairs):
    confidence = np.random.default_rng(1).uniform(0.25, 1, len(pairs))
    return attributes(pairs, confidence)


def clustered_noise(rng, skewed=True):
    """Differences that hang together within a query, with a long tail."""
    own = rng.exponential(1.0, QUERIES * ADS) if skewed else rng.normal(size=QUERIES * ADS)
    return np.repeat(rng.normal(0, 0.7, QUERIES), ADS) + own


def test_on_null_data_at_most_one_search_in_twenty_reports_anything(about):
    """Pairs counted as independent, or no correction, fail this by a wide margin."""
    rng = np.random.default_rng(2)
    reporting = [bool(find(about, clustered_noise(rng), 40).slices) for _ in range(100)]
    assert np.mean(reporting) <= 0.05


@pytest.mark.parametrize("cost", [1.5, -1.5])
def test_a_planted_slice_is_found_with_its_effect_in_the_interval(about, cost):
    planted = about.mask("grade=2&title=word3")
    noise = clustered_noise(np.random.default_rng(3), skewed=False)
    found = find(about, noise + cost * planted, fewest_pairs=40)
    largest = max(found.slices, key=lambda s: abs(s.effect))
    assert largest.name == "grade=2&title=word3"
    assert largest.low < cost < largest.high
    assert largest.pairs == planted.sum()
    assert largest.q <= found.rate


def test_intervals_of_the_slices_listed_hold_the_truth_although_they_were_chosen(about):
    """A weak effect is listed when chance raised it: plain 95 % intervals miss far more often."""
    planted = 0.7 * about.mask("grade=2&title=word3")
    rng = np.random.default_rng(9)
    missed, missed_inside = [], []
    for _ in range(150):
        found = find(about, clustered_noise(rng, skewed=False) + planted, fewest_pairs=40)
        for each in found.slices:
            inside = about.mask(each.name)
            truth = planted[inside].mean() - planted[~inside].mean()
            missed.append(not each.low <= truth <= each.high)
            assert each.low > 0 or each.high < 0  # what is reported is told from 0
            mean = planted[inside].mean()  # the noise has a mean of 0
            missed_inside.append(not each.inside_low <= mean <= each.inside_high)
    assert len(missed) > 90
    assert np.mean(missed) <= 0.05
    assert np.mean(missed_inside) <= 0.05


def test_the_error_of_an_effect_counts_queries_not_pairs(about):
    """A difference that is one number a query says far less than its pairs suggest."""
    shared = np.repeat(np.random.default_rng(4).normal(size=QUERIES), ADS)
    inside = about.mask("query=word1")
    made = effect_of(inside, shared, about.query_ids)
    by_query = [shared[::ADS][inside[::ADS]], shared[::ADS][~inside[::ADS]]]
    error = np.sqrt(sum(x.var(ddof=1) / len(x) for x in by_query))
    assert (made.high - made.low) / 2 == pytest.approx(1.98 * error, rel=0.05)


def test_pairs_without_a_label_count_nowhere(about):
    noise = clustered_noise(np.random.default_rng(5))
    holes = np.where(np.arange(len(noise)) % 3 == 0, np.nan, noise)
    found = find(about, holes, fewest_pairs=40)
    assert found.pairs == np.isfinite(holes).sum()
    assert find(about, np.full(len(noise), np.nan)).tried == 0


def test_small_slices_are_never_tried(about):
    few = find(about, clustered_noise(np.random.default_rng(6)), fewest_pairs=40).tried
    assert 0 < find(about, clustered_noise(np.random.default_rng(6)), fewest_pairs=200).tried < few


def test_slices_of_nearly_the_same_pairs_are_folded_into_one(pairs):
    """The words that always come together would else fill the table."""
    twice = pairs.frame.assign(title=pairs.frame["title"].str.replace("word3", "word3 echo3"))
    about = attributes(PairTable(twice, FOUR_GRADES, "toy"))
    planted = about.mask("title=word3")
    found = find(about, clustered_noise(np.random.default_rng(7), False) + 2.0 * planted, 40)
    first = found.slices[0]
    assert {first.name, *first.also} >= {"title=word3", "title=echo3", "title=echo3&title=word3"}
    assert first.name in ("title=word3", "title=echo3")


def test_benjamini_hochberg_agrees_with_scipy():
    p = np.random.default_rng(8).uniform(size=200) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))


def test_benjamini_hochberg_by_hand():
    q = benjamini_hochberg(np.array([0.04, 0.01, 0.03, 0.5]))
    np.testing.assert_allclose(q, [0.16 / 3, 0.04, 0.16 / 3, 0.5])


@pytest.mark.parametrize("text", ["a&b", "50%", "=1+1", "ü", "5+", "<script>", "a b"])
def test_a_name_says_its_conditions_whatever_letters_they_hold(text):
    given = (Condition("language", text), Condition("title", "x"))
    assert parse(join(reversed(given))) == given


@pytest.mark.parametrize("name", ["", "grade", "grade=", "nothing=1", "grade=1&"])
def test_a_name_that_says_no_slice_is_refused(name):
    with pytest.raises(ConfigError):
        parse(name)


def test_a_slice_that_holds_nothing_here_is_empty_not_an_error(about):
    assert not about.mask("language=xx").any()


def test_a_name_reads_as_a_sentence():
    name = "grade=0&overlap=0&query=parkas"
    assert describe(name, FOUR_GRADES) == (
        "the grade is bad and 0 % of the query's words are in the ad and the query says “parkas”"
    )


def test_tags_that_are_made_of_the_losses_are_left_out(pairs):
    tags = {name: np.ones(len(pairs), dtype=bool) for name in (*CIRCULAR, "short_text")}
    kinds = [c.value for c in attributes(pairs, tags=tags).conditions if c.kind == "tag"]
    assert kinds == ["short_text"]


def test_bands_hold_every_pair_once(about, pairs):
    for kind in ("query_words", "title_words", "overlap", "teacher", "grade"):
        names = [c.name for c in about.conditions if c.kind == kind]
        assert sum(about.mask(name).sum() for name in names) == len(pairs)
