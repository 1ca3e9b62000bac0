"""Several teachers as one: both means by hand, and when they are refused or cautioned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdcore.errors import ConfigError
from kdcore.labels import BINARY, LabelScheme
from kdcore.predictions import Origin, Predictions
from kdcore.softlabels import soften
from kdcore.teachers.ensemble import averaged, notes_of, refuse_other_grades

THREE = LabelScheme(("bad", "fair", "good"), 1)


def member(logits: object, name: str = "a", **more: object) -> Predictions:
    return Predictions(np.array(logits, dtype=np.float32), "hash", name, **more)  # type: ignore[arg-type]


def test_probabilities_and_logits_have_other_means() -> None:
    """P(relevant) of 0.5 and 0.9: their mean is 0.7; that of the logits 0 and ln 9 is 0.75."""
    one, other = member([[0.0, 0.0]]), member([[0.0, np.log(9.0)]], "b")
    of_probabilities = averaged([one, other], "probabilities", BINARY)
    of_logits = averaged([one, other], "logits", BINARY)
    assert soften(of_probabilities.logits)[0, 1] == pytest.approx(0.7)
    assert soften(of_logits.logits)[0, 1] == pytest.approx(0.75)
    assert of_logits.model == "a+b"


@given(st.lists(st.lists(st.floats(-300, 300), min_size=3, max_size=3), min_size=2, max_size=4))
def test_the_mean_is_one_of_probabilities_in_any_order_and_never_infinite(rows: list) -> None:
    members = [member([row], str(place)) for place, row in enumerate(rows)]
    mean = averaged(members, "probabilities", THREE).logits
    expected = np.mean([soften(each.logits) for each in members], axis=0)
    np.testing.assert_allclose(soften(mean), expected, atol=1e-6)
    np.testing.assert_allclose(averaged(members[::-1], "probabilities", THREE).logits, mean)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_equal_members_teach_what_one_would(average: str) -> None:
    one = member([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    mean = averaged([one, one, one], average, THREE)
    np.testing.assert_allclose(soften(mean.logits), soften(one.logits), atol=1e-6)
    assert averaged([one], average, THREE) is one


def test_answers_that_were_spread_over_more_grades_keep_an_order() -> None:
    spread = member([[0.0, 40.0, 40.0], [0.0, 50.0, 50.0]], ranking=np.array([40.0, 50.0]))
    mean = averaged([spread, spread], "probabilities", THREE)
    assert mean.ranking is not None
    assert mean.ranking[1] > mean.ranking[0]


def test_a_mean_says_which_member_gave_no_probabilities_of_its_own() -> None:
    own = member([[0.0, 1.0]])
    score = member([[0.0, 2.0]], "b", origin=Origin("score", "teacher"))
    relevance = member([[0.0, 2.0, 1.0]], "c", origin=Origin("relevance", "teacher"))
    mean = averaged([own, score], "probabilities", BINARY)
    assert not mean.own_relevance
    assert mean.caveat.startswith("b, in the mean of a+b, gave one number per pair")
    weighted = averaged([own, score], "logits", BINARY, np.array([[2.0], [1.0]]))
    assert weighted.caveat == mean.caveat
    graded = averaged([member([[0.0, 1.0, 2.0]]), relevance], "probabilities", THREE)
    assert (graded.own_relevance, graded.own_grades) == (True, False)
    assert averaged([own, own], "probabilities", BINARY).caveat == ""


def test_members_of_other_grades_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"teacher: b has the grades bad, fair, good and a"):
        refuse_other_grades([("a", BINARY), ("b", THREE)])
    refuse_other_grades([("a", BINARY), ("b", BINARY)])


def test_a_member_of_a_wider_scale_is_named_where_logits_are_averaged() -> None:
    narrow, wide = member([[0, 1.0], [0, -1.0]]), member([[0, 30.0], [0, -30.0]], "wide")
    agreement, scale = notes_of([narrow, wide], "logits", BINARY)
    assert agreement == "the 2 teachers agree on the top grade of 100% of the pairs"
    assert "wide" in scale.split("those of")[0]
    assert len(notes_of([narrow, wide], "probabilities", BINARY)) == 1
    assert notes_of([narrow], "logits", BINARY) == ()
