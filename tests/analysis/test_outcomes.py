"""What a pair's outcome, tags and filters promise, on pairs small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdcore.analysis.filters import Filters, option_counts
from kdcore.analysis.outcomes import CELLS, OUTCOMES, add_outcomes, cube, outcome_of, score_pairs
from kdcore.analysis.tags import TAGS, stands_out
from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import ConfigError, DataError
from kdcore.labels import BINARY, FOUR_GRADES, LabelScheme
from kdcore.predictions import Predictions

GRADES = (1, 1, 0, 0, 1, -1)
TEACHER = (0.95, 0.80, 0.30, 0.93, 0.45, 0.60)
STUDENT = (0.90, 0.30, 0.10, 0.97, 0.70, 0.20)
TWIN = (0.20, 0.60, 0.10, 0.40, 0.70, 0.55)
QUERIES = ("red shoes", "red shoes", "tents not blue", "tents not blue", "Kayak", "kayak")
TITLES = ("Red Shoes Sale", "Green Hats", "Blue tents", "Lamps", "kayaks", "Kayak <b>shop</b>")


def table(scheme: LabelScheme = BINARY, grades=GRADES, texts=TITLES) -> PairTable:
    frame = make_frame(QUERIES, texts, ["one two"] * 6, grades, "test")
    return PairTable(frame, scheme, "six pairs")


def says(p, pairs: PairTable, name: str) -> Predictions:
    p = np.asarray(p)
    logits = np.stack([np.log1p(-p), np.log(p)], axis=1).astype(np.float32)
    return Predictions(logits, pairs.content_hash, name)


def judged(twin: bool = True, **thresholds: float) -> pd.DataFrame:
    pairs = table()
    models = [says(p, pairs, n) for p, n in ((TEACHER, "t"), (STUDENT, "s"), (TWIN, "w"))]
    return add_outcomes(score_pairs(pairs, *models[: 3 if twin else 2]), **thresholds)


def rows(frame: pd.DataFrame, tag: str) -> list[int]:
    return frame["row"][frame[tag]].tolist()


def test_each_pair_stands_under_who_is_right():
    assert judged()["outcome"].tolist() == [
        "both",
        "only_teacher",
        "both",
        "neither",
        "only_student",
        "unlabelled",
    ]


def test_a_threshold_moves_only_the_side_it_belongs_to():
    frame = judged(ct=0.97)
    assert frame["teacher_says"].tolist() == [False] * 6
    assert frame["student_says"].tolist() == judged()["student_says"].tolist()


def test_a_probability_on_the_threshold_counts_as_relevant():
    pairs = table()
    half = says([0.5] * 6, pairs, "half")
    assert add_outcomes(score_pairs(pairs, half, half))["teacher_says"].all()


def test_an_unlabelled_pair_is_never_right_wrong_or_lossy():
    last = judged().iloc[5]
    claims = ["teacher_right", "student_right", "label_suspect", "gained", "both_wrong_sure"]
    assert not any(last[claims])
    assert np.isnan(last.loss_gap)
    assert last.cell == "-10"


def test_the_loss_gap_is_what_the_label_costs_the_student_more_than_the_teacher():
    assert judged()["loss_gap"][1] == pytest.approx(np.log(0.80 / 0.30), rel=1e-5)
    assert judged()["loss_gap"][2] == pytest.approx(np.log(0.70 / 0.90), rel=1e-5)


def test_tags_name_the_pairs_that_the_rules_describe():
    frame = judged()
    assert rows(frame, "student_flips_teacher") == [1, 4, 5]
    assert rows(frame, "lost_by_distillation") == [1, 3]
    assert rows(frame, "gained") == [0]
    assert rows(frame, "label_suspect") == [3]
    assert rows(frame, "both_wrong_sure") == [3]
    assert rows(frame, "teacher_unsure") == [4, 5]
    assert rows(frame, "title_has_query_words") == [0, 5]
    assert rows(frame, "title_lacks_query_words") == [1, 3, 4]
    assert rows(frame, "query_negates") == [2, 3]


def test_without_a_twin_or_a_truth_their_tags_hold_for_nobody():
    frame = judged(twin=False)
    assert not frame[["lost_by_distillation", "gained", "label_against_truth"]].any(axis=None)
    assert "twin_p" not in frame


def test_texts_of_one_length_are_neither_short_nor_long():
    pairs = table(texts=["same title"] * 6)
    model = says(TEACHER, pairs, "t")
    assert not add_outcomes(score_pairs(pairs, model, model))[["short_text", "long_text"]].any(
        axis=None
    )


def test_a_label_that_the_truth_makes_unlikely_is_told_from_a_likely_one():
    pairs = table()
    frame = pairs.frame.assign(truth_0=0.9, truth_1=0.1)
    known = PairTable(frame, BINARY, "six pairs")
    model = says(TEACHER, known, "t")
    assert rows(add_outcomes(score_pairs(known, model, model)), "label_against_truth") == [0, 1, 4]


def test_four_grades_count_as_relevant_from_the_third():
    pairs = table(FOUR_GRADES, (3, 2, 1, 0, 3, -1))
    logits = np.log(np.full((6, 4), 0.25, np.float32))
    flat = Predictions(logits, pairs.content_hash, "flat")
    frame = add_outcomes(score_pairs(pairs, flat, flat))
    np.testing.assert_allclose(frame["teacher_p"], 0.5)
    assert frame["grade_name"].tolist()[:2] == ["excellent", "good"]
    np.testing.assert_allclose(frame["kl"], 0, atol=1e-12)


def test_models_that_answer_other_pairs_are_refused():
    pairs = table()
    other = Predictions(np.zeros((6, 2), np.float32), "elsewhere", "stranger")
    with pytest.raises(DataError, match="belong to other pairs"):
        score_pairs(pairs, other, other)


def test_a_threshold_outside_a_probability_is_refused_by_name():
    with pytest.raises(ConfigError, match="cs"):
        judged(cs=1.5)


def test_the_cube_counts_every_pair_once_and_agrees_with_the_outcomes():
    frame = judged()
    counts = cube(frame)
    assert sum(counts.values()) == 6
    assert counts["101"] == 1
    assert counts["-10"] == 1
    assert cube(frame, "twin")["110"] == 1
    for outcome in OUTCOMES:
        cells = [c for c in CELLS if outcome_of(c) == outcome]
        assert sum(counts[c] for c in cells) == (frame["outcome"] == outcome).sum()


def test_the_tag_that_stands_out_is_the_most_over_represented_one():
    rng = np.random.default_rng(0)
    frame = judged().iloc[rng.integers(0, 6, 100)].reset_index(drop=True)
    for tag in TAGS:
        frame[tag] = False
    chosen = np.arange(100) < 20
    frame["query_negates"] = np.arange(100) < 15
    frame["short_text"] = True
    name, share, base = stands_out(frame, chosen, np.ones(100, bool))
    assert (name, share, base) == ("query_negates", 0.75, 0.15)
    assert stands_out(frame, ~chosen & chosen, chosen)[0] == ""
    few = np.arange(100) < 1  # one pair of one proves nothing
    assert stands_out(frame, few, np.ones(100, bool))[0] == ""


def test_a_search_finds_every_word_in_any_text_whatever_its_case():
    frame = judged()
    assert np.flatnonzero(Filters(search="KAYAK").mask(frame)).tolist() == [4, 5]
    assert np.flatnonzero(Filters(search="sale red").mask(frame)).tolist() == [0]
    assert np.flatnonzero(Filters(search="<b>").mask(frame)).tolist() == [5]
    assert not Filters(search="(((").mask(frame).any()


def test_a_box_holds_its_edges():
    frame = judged()
    x, y = frame["teacher_p"][0], frame["student_p"][0]
    assert Filters(box=(x, x, y, y)).mask(frame).tolist() == [True] + [False] * 5


def test_outcomes_and_cells_add_up():
    chosen = Filters(outcomes=("only_teacher",), cells=("000",))
    assert chosen.all_cells == ("000", "001", "110")
    assert np.flatnonzero(chosen.mask(judged())).tolist() == [1, 2]


def test_impossible_filters_are_refused_all_at_once():
    with pytest.raises(ConfigError, match=r"(?s)tags.*outcomes.*box"):
        Filters(tags=("nonsense",), outcomes=("won",), box=(0.9, 0.1, 0, 1))


def test_no_filter_lets_every_pair_pass_and_is_false():
    assert Filters().mask(judged()).all()
    assert not Filters()


def test_an_option_is_counted_under_the_other_groups_only():
    frame = judged()
    options = option_counts(frame, Filters(grades=(1,), outcomes=("neither",)), BINARY.grades)
    by_outcome = {o.key: o for o in options["outcomes"]}
    assert by_outcome["only_teacher"].n == 1  # grade 1 stays, the outcome itself does not
    assert by_outcome["neither"].n == 0
    assert by_outcome["neither"].chosen
    assert {o.key: o.n for o in options["grades"]} == {"0": 1, "1": 0, "-1": 0}


def test_an_option_tells_who_is_right_among_its_labelled_pairs():
    grades = {o.key: o for o in option_counts(judged(), Filters(), BINARY.grades)["grades"]}
    good = grades["1"]
    assert (good.n, good.labelled, good.teacher_right, good.student_right) == (3, 3, 2, 2)
    assert (grades["-1"].n, grades["-1"].labelled) == (1, 0)


probabilities = st.lists(st.floats(0.01, 0.99), min_size=6, max_size=6)
filters = st.builds(
    Filters,
    search=st.sampled_from(["", "red", "kayak shop"]),
    tags=st.lists(st.sampled_from(list(TAGS)), max_size=2, unique=True).map(tuple),
    grades=st.lists(st.sampled_from([-1, 0, 1]), max_size=2, unique=True).map(tuple),
    outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=2, unique=True).map(tuple),
    cells=st.lists(st.sampled_from(CELLS), max_size=3, unique=True).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(probabilities, probabilities, st.floats(0, 1), st.floats(0, 1), filters)
def test_choosing_an_option_leaves_as_many_pairs_as_were_announced(t, s, ct, cs, chosen):
    """A count beside a filter that the table then contradicts is worse than none."""
    pairs = table()
    frame = add_outcomes(score_pairs(pairs, says(t, pairs, "t"), says(s, pairs, "s")), ct, cs)
    options = option_counts(frame, chosen, BINARY.grades)
    for option in options["tags"]:
        tags = tuple({*chosen.tags, option.key})
        assert Filters(**(vars(chosen) | {"tags": tags})).mask(frame).sum() == option.n
    for option in options["outcomes"]:
        only = vars(chosen) | {"outcomes": (option.key,), "cells": ()}
        assert Filters(**only).mask(frame).sum() == option.n
    assert sum(o.n for o in options["grades"]) >= chosen.mask(frame).sum()
