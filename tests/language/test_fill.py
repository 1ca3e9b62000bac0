import numpy as np
import pytest

from kdcore import language
from kdcore.errors import LabError
from kdcore.language import Filled

SNACKS = "Let's go to the [MASK] and buy some snacks!"
FILLED = Filled.of("m", SNACKS, ("a", "b", "c", "a"), np.array([0, 3, 1, -2], dtype=np.float32))


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("Let's go!", "no .MASK."),
        ("The [MASK] has [MASK].", "2 gaps"),
        ("[MASK]", "nothing but a gap"),
        ("... [MASK] !", "nothing but a gap"),
        ("word " * 200 + "[MASK]", "1006 letters"),
    ],
)
def test_a_sentence_without_exactly_one_gap_is_refused_in_a_sentence(sentence, told):
    with pytest.raises(LabError, match=told):
        language.check_sentence(sentence)


@pytest.mark.parametrize("gap", ["[MASK]", "[mask]", "<mask>", "__", "_____"])
def test_a_gap_may_be_written_as_people_write_it(gap):
    assert language.check_sentence(f" Go to  the {gap}. ") == f"Go to the {gap}."


def test_words_come_likeliest_first_whatever_the_order_of_the_vocabulary():
    assert FILLED.words == ("b", "c", "a", "a")
    assert FILLED.place("a") == 2  # the likelier of two pieces that read alike
    assert FILLED.place("d") is None


def test_the_head_at_a_temperature_is_a_part_of_the_whole_softmax():
    whole = np.exp(FILLED.logits / 3.0) / np.exp(FILLED.logits / 3.0).sum()
    assert FILLED.head(2, 3.0) == [("b", pytest.approx(whole[0])), ("c", pytest.approx(whole[1]))]


def test_heat_spreads_the_mass_over_more_words():
    assert [FILLED.sharing(0.9, t) for t in (0.2, 1, 20)] == [1, 2, 4]
    assert FILLED.bits(0.2) < FILLED.bits(1) < FILLED.bits(20) <= 2


def test_the_grammar_knows_where_the_snacks_are():
    """By hand, for one rival: weight of the place, share of snacks there, one verb of three."""
    known = language.truth(SNACKS)
    assert sum(known.values()) == pytest.approx(1)
    assert next(iter(known)) == "store"
    store, mall = 30 * 14 / 51 / 3, 9 * 5 / 34 / 3
    assert known["store"] / known["mall"] == pytest.approx(store / mall)
    assert "library" not in known  # nobody buys snacks there


def test_the_grammar_knows_nothing_of_a_sentence_from_elsewhere():
    assert language.truth("The beginning of a beautiful [MASK].") == {}


def test_the_truth_is_what_many_sampled_errands_say():
    from kdcore.data.world import sentences

    said = [s for s in sentences(40_000, 5) if s.startswith("Let's go to the ")]
    places = [s.split("the ")[1].split(" and buy some snacks!")[0] for s in said if "buy" in s]
    places = [p for p in places if p.isalpha()]
    share = places.count("store") / len(places)
    assert language.truth(SNACKS)["store"] == pytest.approx(share, abs=0.05)
