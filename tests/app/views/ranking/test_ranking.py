"""Label density, nDCG, the strip of queries and their exports, on invented tables of many kinds."""

from dataclasses import replace

import numpy as np
import pytest

from app import state
from app.services import Board, ranking
from app.views.ranking import deltas as ranking_deltas
from app.views.ranking import density, exports, ndcg
from app.views.ranking import models as ranking_models
from kdcore.evaluation.comparison import compare
from kdcore.evaluation.evaluate import evaluate
from tests.app.views.ranking import boards
from tests.app.views.ranking.boards import run

pytestmark = pytest.mark.usefixtures("lab", "choose")
KINDS = {kind: board for kind, board in boards.KINDS.items() if len(board.models) > 1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_points_of_every_depth_sum_to_0_or_are_not_defined(kind):
    board = KINDS[kind]
    table = density.table(board, *ranking_models.chosen(board))
    for mean in ("pooled", "mean of queries"):
        a, b = (f"share {side}, {mean}" for side in "AB")
        points = 100 * (table[a] - table[b]).groupby(table["k"]).sum(min_count=1)
        assert (points.abs() < 1e-9).all() or points.isna().all()


def test_a_depth_that_nobody_judged_reaches_the_browser_as_null_never_as_0():
    board = KINDS["none labelled"]
    a, b = ranking_models.chosen(board)
    sent = density.payload(board, a, b, 5, ranking.density(board, a.answers, b.answers, 5))
    assert np.isnan(sent["a"]["pooled"][4]).all()
    assert sent["a"]["coverage"][4] == 0
    assert "No ad in the top" in density.finding(
        a, b, 5, ranking.density(board, a.answers, b.answers, 5)
    )


def test_the_density_shown_is_the_one_that_compare_tests():
    board = KINDS["some unlabelled"]
    whole = compare(
        board.pairs, board.student.predictions, board.twin.predictions, depth=3, area_permutations=1
    )
    assert ranking.density(board, board.student, board.twin, 3) == whole.density


@pytest.mark.parametrize(("gain", "key"), [("exp2", "ndcg@5"), ("linear", "ndcg_linear@5")])
def test_the_difference_at_any_depth_is_tested_as_compare_tests_its_few(gain, key):
    board = KINDS["some unlabelled"]
    ours = ranking.difference(board, board.student, board.twin, gain, 5)
    theirs = compare(
        board.pairs, board.student.predictions, board.twin.predictions, area_permutations=1
    ).differences[key]
    for name in ("delta", "low", "high", "p", "smallest_detectable", "value_a", "value_b"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-12), name
    assert (ours.verdict, ours.n, ours.definition) == (theirs.verdict, theirs.n, theirs.definition)


@pytest.mark.parametrize(
    "kind", ["some unlabelled", "a very long list", "one query", "none labelled"]
)
def test_curves_and_shares_are_those_of_the_evaluation(kind):
    board = KINDS[kind]
    whole = evaluate(board.pairs, board.student.predictions)
    shares = ranking.label_shares(board, board.student)
    for name in ("pooled", "per_query", "coverage", "judged"):
        np.testing.assert_array_equal(getattr(shares, name), getattr(whole.density, name))
    for gain, expected in whole.ndcg.items():
        ours = ranking.curve(board, board.student, gain)
        for name in ("model", "low", "high", "random", "worst", "skill"):
            np.testing.assert_allclose(
                getattr(ours, name), getattr(expected, name), atol=1e-12, err_msg=name
            )
    assert ranking.ranked_queries(board, board.student, "exp2") == (
        whole.counts["ranked_queries"],
        whole.counts["queries_without_ideal"],
    )


def test_the_strip_falls_and_its_mean_is_the_difference_that_is_tested():
    board = KINDS["some unlabelled"]
    deltas = ranking.deltas(board, board.student, board.teacher, "exp2", 3)
    test = ranking.difference(board, board.student, board.teacher, "exp2", 3)
    assert (np.diff(deltas.delta) <= 0).all()
    assert deltas.delta.mean() == pytest.approx(test.delta)
    assert len(deltas.query) == test.n


@pytest.mark.parametrize(
    ("brush", "first", "last"),
    [((), 1, 30), ((4, 9), 4, 9), ((9, 4), 4, 9), ((7, 900), 7, 30), ((900, 901), 30, 30)],
)
def test_a_brush_never_points_outside_the_strip(brush, first, last, choose):
    choose(brush=brush)
    rows = ranking_deltas.brushed(30)
    assert (rows[0] + 1, rows[-1] + 1) == (first, last)


def test_opening_a_rank_shows_the_query_that_stands_there(choose):
    board = KINDS["four grades"]
    deltas = ranking.deltas(board, board.student, board.twin, "exp2", 5)
    ranking_deltas._opener(deltas)(3)
    assert (state.now().ranking.query, state.now().ranking.tab) == (int(deltas.query[2]), "lists")
    ranking_deltas._opener(deltas)(10_000)
    assert state.now().ranking.query == int(deltas.query[2])


def test_a_role_that_nobody_fills_gives_way_to_one_that_is_there(choose):
    choose(rwho="rival", against="twin")
    a, b = ranking_models.chosen(KINDS["no twin"])
    assert (a.role, b.role) == ("student", "teacher")
    app = run(KINDS["no twin"], "density")
    assert any(c.value.startswith("No twin: none has scored") for c in app.caption)


def test_a_model_is_never_set_against_itself(choose):
    choose(rwho="teacher", against="teacher")
    a, b = ranking_models.chosen(KINDS["four grades"])
    assert a.role != b.role


def test_one_model_alone_has_curves_but_no_comparison(choose):
    choose(rtab="ndcg")
    whole = KINDS["four grades"]
    board = Board(whole.data, whole.pairs, whole.teacher, None, None)
    assert "no student has scored them yet" in run(board, "density").text[0].value
    assert "a random order" in run(board, "ndcg").text[0].value


def test_the_finding_turns_with_the_models():
    board = KINDS["four grades"]
    pair = ranking_models.chosen(board)

    def said(a, b):
        tests = ranking.density(board, a.answers, b.answers, 3)
        return density.finding(a, b, 3, tests)

    assert "of the student and its twin without a teacher do not differ clearly: +" in said(*pair)
    assert "of its twin without a teacher and the student do not differ clearly: −" in said(
        *reversed(pair)
    )


def test_a_finding_tells_more_or_fewer_only_where_its_test_does():
    """+4.4 points (95 % −5.5 to +14.3) was told as "shows 4.4 points more"."""
    board = KINDS["four grades"]
    a, b = ranking_models.chosen(board)
    tests = ranking.density(board, a.answers, b.answers, 3)
    sure = replace(tests[-1], points=4.4, low=1.0, high=8.0, verdict="BETTER")
    said = density.finding(a, b, 3, (*tests[:-1], sure))
    assert "the student shows 4.4 points more excellent ads than its twin" in said
    worse = replace(sure, points=-4.4, low=-8.0, high=-1.0, verdict="WORSE")
    assert "4.4 points fewer excellent" in density.finding(a, b, 3, (*tests[:-1], worse))


def test_lists_that_are_shown_whole_have_no_interval_and_no_verdict():
    board = KINDS["four grades"]
    a, b = ranking_models.chosen(board)
    k = ranking_models.deepest(board)
    tests = ranking.density(board, a.answers, b.answers, k)
    assert "show the same ads" in density.finding(a, b, k, tests)
    for row in density.payload(board, a, b, k, tests)["tested"]["rows"]:
        assert (row["low"], row["high"], row["verdict"]) == (None, None, "the same ads")


def test_the_papers_row_is_drawn_beside_four_grades_only(choose):
    choose(reading="paper")
    for kind, drawn in (("four grades", True), ("five grades", False), ("two grades", False)):
        board = KINDS[kind]
        a, b = ranking_models.chosen(board)
        tests = ranking.density(board, a.answers, b.answers, 5)
        assert (density.payload(board, a, b, 5, tests)["paper"] is not None) == drawn
        notes = [c.value for c in run(board, "density").caption]
        assert any("relative changes" in note for note in notes)
        assert any("the paper has four" in note for note in notes) != drawn


def test_the_paper_numbers_cannot_be_points_because_they_do_not_sum_to_0():
    assert sum(density.PAPER) == pytest.approx(0.107)


def test_no_interval_is_shown_for_means_of_queries(choose):
    board = KINDS["four grades"]
    a, b = ranking_models.chosen(board)
    tests = ranking.density(board, a.answers, b.answers, 5)
    assert density.payload(board, a, b, 5, tests)["tested"]["k"] == 5
    choose(pooled=False)
    assert density.payload(board, a, b, 5, tests)["tested"] is None


def test_models_that_share_a_title_stay_apart_in_the_variants():
    twice = [ranking.Standing(k, t, {}) for k, t in (("x", "One"), ("y", "One"), ("z", "Two"))]
    assert ndcg.unique_names(twice) == {"x": "One (x)", "y": "One (y)", "z": "Two"}


def test_the_variant_sentence_counts_the_models_that_change_place():
    shown = {
        "m": {("exp2", 1): 0.9, ("linear", 1): 0.5},
        "n": {("exp2", 1): 0.8, ("linear", 1): 0.6},
        "o": {("exp2", 1): 0.1, ("linear", 1): 0.1},
    }
    said = ndcg.variant_finding(shown)
    assert said.startswith("2 of 3 models change place between these 2 variants; 2 are best")
    same = {name: dict.fromkeys(values, values["exp2", 1]) for name, values in shown.items()}
    said = ndcg.variant_finding(same)
    assert said == "All 2 variants put the 3 models in one order."
    near = same | {"p": {variant: value + 1e-13 for variant, value in same["n"].items()}}
    assert ndcg.variant_finding(near).endswith("in one order. n and p share a place.")


def test_a_model_that_scored_a_part_of_the_pairs_is_named_as_left_out(monkeypatch):
    board = KINDS["four grades"]
    part = replace(board.student, key="half", title="Half")
    rows = np.arange(len(board.pairs) - 3)
    part = replace(part, predictions=replace(part.predictions, rows=rows))
    monkeypatch.setattr(ranking, "standings", lambda board: [])
    monkeypatch.setattr(ranking, "sources_on", lambda pairs: [part])
    monkeypatch.setattr(ranking, "answers", lambda source: source)
    count, total = len(rows), len(board.pairs)
    assert ranking.left_out(board) == [("Half", count)]
    said = ndcg._left_words(ranking.left_out(board), total)
    assert said == f" Left out: Half (scored {count:,} of {total:,})."


def test_a_data_sets_own_gains_stand_beside_the_usual_ones_where_it_states_them():
    pairs = boards.make_table(4)
    own = replace(pairs, scheme=replace(pairs.scheme, own_gains=(0, 0.01, 0.1, 1)))
    app = run(boards.make_board(own), "ndcg", gain="own")
    assert not app.exception
    assert "(data set's own gains)" in app.text[0].value
    assert "gain of the data set" in " ".join(each.value for each in app.markdown)
    assert "all 15 variants" in app.text[1].value.lower() or "these 15" in app.text[1].value
    lines = exports.qrels(boards.make_board(own), "own").splitlines()
    assert {int(line.split()[3]) for line in lines} == {0, 1, 10, 100}
    plain = run(boards.make_board(pairs), "ndcg", gain="own")
    assert not plain.exception, "a link names a gain that these data do not state"
    assert "(gain 2^grade − 1)" in plain.text[0].value


def test_the_files_of_trec_hold_every_pair_and_the_gain_that_is_shown():
    board = KINDS["some unlabelled"]
    side = ranking_models.sides_of(board)["student"]
    assert len(exports.trec_run(board, side).splitlines()) == len(board.pairs)
    worth = {int(line.split()[3]) for line in exports.qrels(board, "exp2").splitlines()}
    assert worth == {0, 1, 3, 7}
    worth = {int(line.split()[3]) for line in exports.qrels(board, "linear").splitlines()}
    assert worth == {0, 1, 2, 3}
