"""How many texts a model cuts is counted, and the length that would hold 95 % is told."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kdcore.config import ModelConfig
from kdcore.data.check.cuts import Cut, default_cut_findings
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import LabelScheme
from kdcore.models.build import new_model
from kdcore.models.predict import typed_notes

SCHEME = LabelScheme(("bad", "good"), 1)


def pairs(*ads: str, query: str = "tea pot") -> PairTable:
    frame = make_frame([query] * len(ads), ads, [""] * len(ads), [0] * len(ads), "train")
    return PairTable(frame, SCHEME, "few")


lengths = st.lists(st.integers(0, 200), min_size=1, max_size=60).map(np.array)


@given(lengths, st.integers(1, 100))
@example(np.array([0] * 19 + [1]), 1)  # exactly 95 % hold
def test_the_suggested_length_holds_95_percent_and_no_shorter_one_does(lengths, limit):
    cut = Cut.of("ad", lengths, limit, 448)
    assert cut.cut == sum(length > limit for length in lengths)
    assert 100 * sum(lengths <= cut.enough) >= 95 * len(lengths)
    assert 100 * sum(lengths < cut.enough) < 95 * len(lengths)


def test_the_sentence_names_count_share_knob_and_cure():
    cut = Cut.of("ad", np.array([10, 20, 60, 70]), 48, 448)
    assert cut.sentence("train") == (
        "2 of 4 pairs of train (50.0%) have an ad longer than ad_tokens = 48 tokens, and the rest "
        "is not read; ad_tokens = 70 would hold 95 % of them"
    )
    most = Cut.of("query", np.array([10, 900]), 16, 256)
    assert most.sentence("test").endswith("the most that can be set is 256, and 95 % need 900")
    few = Cut.of("query", np.array([3] * 99 + [30]), 16, 256)
    assert few.sentence("test").endswith("is not read")


@pytest.mark.parametrize(
    ("spec", "unit"),
    [
        ("bert:layers=1,hidden=16,heads=2,query_tokens=2,ad_tokens=3", "tokens"),
        ("twinbert_cos:layers=1,hidden=16,heads=2,query_tokens=2,ad_tokens=3", "tokens"),
        ("cdssm:filters=8,semantic=8,query_tokens=2,ad_tokens=3", "words"),
    ],
)
def test_every_model_counts_the_texts_that_it_cuts(spec, unit):
    table = pairs("a a a", "a a a a", "a a a a a", query="a a")
    model = new_model(ModelConfig.parse(spec), table)
    (note,) = model.cut_notes(model.read(table), "train")
    assert note.startswith("2 of 3 pairs of train (66.7%)")
    assert f"ad_tokens = 3 {unit}" in note
    assert "ad_tokens = 5 would hold 95 %" in note
    assert typed_notes(model, "a a", "a a a", "") == ()
    assert typed_notes(model, "a a a a", "a a a", "a") == (
        f"the query has 4 {unit}, of which the first 2 are read",
        f"the ad has 4 {unit}, of which the first 3 are read",
    )


def test_before_a_tokenizer_is_known_the_least_that_is_cut_is_told():
    """Marks of a script, and long words, are no tokens of their own; ideographs are."""
    table = pairs("a " * 60, "x" * 600, "हिन्दी " * 40, "蓝" * 49, "a, b " * 25)
    (finding,) = default_cut_findings(table, "train")
    assert finding.startswith("at least 3 of 5 pairs of train")
    assert default_cut_findings(pairs("a pot", "b"), "train") == []
