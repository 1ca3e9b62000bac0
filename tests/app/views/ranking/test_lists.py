"""The lists of one query and its auction, on invented tables of many kinds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app import state
from app.services import Answers, Board, ranking
from app.state import keys
from app.views.compare import table as compare_table
from app.views.ranking import auction as ranking_auction
from app.views.ranking import lists
from app.views.ranking import query as ranking_query
from app.views.ranking.queries import auction as auctions
from app.views.ranking.query import Query
from kdcore.analysis.outcomes import score_pairs
from kdcore.auction.rules import Auction, Rules
from kdcore.metrics.ranking import ndcg
from kdcore.predictions import Predictions
from tests.app.views.ranking.boards import KINDS, make_board, make_table, run

pytestmark = pytest.mark.usefixtures("lab")


def query_of(board: Board, query: int = 0) -> Query:
    rows = np.flatnonzero(board.pairs.query_ids == query)
    return Query(query, str(board.pairs.frame["query"][rows[0]]), rows, 0)


@pytest.mark.parametrize("part", ["density", "ndcg", "lists", "auction"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_is_drawn_with_a_finding(kind, part):
    app = run(KINDS[kind], part)
    assert not app.exception
    assert len(app.text[0].value) > 20


def test_the_finding_holds_the_metrics_own_ndcg_of_that_query():
    board = KINDS["four grades and a truth"]
    app = run(board, "lists", query=3, k=2)
    rows = np.flatnonzero(board.pairs.query_ids == 3)
    gains = board.pairs.scheme.gains("exp2")[board.pairs.grades[rows]]
    query = query_of(board, 3)
    for column in lists.columns_of(board, query):
        value = ndcg(gains, np.array(column["scores"]), np.zeros(len(rows), int), 2)[0, -1]
        assert f"{value:.3f}" in app.text[0].value


def test_the_lists_use_a_data_sets_own_gains(choose):
    pairs = make_table(4)
    own = replace(pairs, scheme=replace(pairs.scheme, own_gains=(0, 0.01, 0.1, 1)))
    board = make_board(own)
    choose(gain="own")
    query = query_of(board, 3)
    columns = lists.columns_of(board, query)
    sent = lists.payload(board, query, columns)
    assert (sent["gain"], sent["gains"]["own"]) == ("own", [0, 0.01, 0.1, 1])
    rows = np.flatnonzero(own.query_ids == 3)
    gains = np.array([0, 0.01, 0.1, 1])[own.grades[rows]]
    value = ndcg(gains, np.array(columns[0]["ranks"]), np.zeros(len(rows), int), 5)[0, -1]
    assert f"{value:.3f}" in lists.finding(board, query, columns)


def test_the_worst_query_comes_first_and_next_walks_the_order():
    board = KINDS["five grades"]
    app = run(board, "lists")
    labels = app.selectbox(key="pick_query").options
    deltas = [float(label.split()[-1].replace("−", "-")) for label in labels]
    assert deltas == sorted(deltas)
    first = app.selectbox(key="pick_query").value
    app.button(key="walk_arrow_downward").click().run()
    assert app.selectbox(key="pick_query").value != first
    app.button(key="walk_arrow_upward").click().run()
    assert app.selectbox(key="pick_query").value == first


@pytest.mark.parametrize(("sort", "falls"), [("worst", False), ("best", True)])
def test_queries_are_walked_by_the_students_own_ndcg(sort, falls):
    board = KINDS["no teacher"]
    app = run(board, "lists", qsort=sort)
    order = app.selectbox(key="pick_query").options
    own = ranking.ndcg_of_queries(board, board.student, "exp2", 5)
    shown = [int(label.split()[-1]) for label in order]  # no teacher, no difference behind the text
    values = own[shown]
    assert sorted(shown) == list(range(12))
    assert (np.diff(values[np.isfinite(values)]) * (-1 if falls else 1) >= 0).all()


def test_a_picked_pair_opens_its_own_query():
    board = KINDS["five grades"]
    assert run(board, "lists", pair=45).selectbox(key="pick_query").value == 45 // 6


def test_a_query_that_the_data_do_not_have_is_named_and_another_shown():
    app = run(KINDS["five grades"], "lists", query=999)
    assert not app.exception
    assert any("999" in told for told in app.session_state["kd_ignored"])


def test_ones_own_order_is_kept_for_its_query_only(choose):
    board = KINDS["five grades"]
    columns = lists.columns_of(board, query_of(board))
    turns = lists.turns_of(board, query_of(board))
    start = lists.scratch_of(query_of(board), columns, turns)
    choose(scratch="0:" + "-".join(map(str, reversed(start))))
    assert lists.scratch_of(query_of(board), columns, turns) == start[::-1]
    assert lists.scratch_of(query_of(board, 1), columns, turns) == start
    assert not choose.ignored
    choose(scratch="0:0-0-1-2-3-4")
    assert lists.scratch_of(query_of(board), columns, turns) == start
    assert choose.ignored


def test_ads_of_equal_score_are_listed_and_sold_alike_in_any_order_of_the_rows(choose):
    """A constant student: the lists, their nDCG, the queries' order, bids and money all stay."""
    seen = []
    table = make_table(4)
    for rows in (np.arange(72), np.random.default_rng(2).permutation(72)):
        pairs, constant = table.take(rows), np.zeros((72, 4))
        logits = {"teacher": make_board(table).teacher.predictions.logits, "student": constant}
        models = {
            role: Answers(role, role, Predictions(z[rows], pairs.content_hash, role), None)
            for role, z in logits.items()
        }
        board = replace(make_board(pairs, models=("teacher", "student")), **models)
        number = int(board.pairs.query_ids[np.argmin(rows)])
        query = Query(number, "q", np.flatnonzero(board.pairs.query_ids == number), 0)
        columns = lists.columns_of(board, query)
        listed = lists.table_of(board, query, columns).sort_values("title")
        held = auctions.hold(board, Rules(slots=2), "labels", 1.0)
        sold = held.frontiers["student"]
        order, _ = ranking_query._order(board, "worst")
        texts = board.pairs.frame["query"].unique()
        market = pd.Series(
            held.market.bids, board.pairs.frame["query"] + board.pairs.frame["title"]
        )
        seen.append(
            (
                listed.filter(like="place, student").to_numpy().tolist(),
                lists.finding(board, query, columns).partition("teacher")[2],
                list(texts[order]),
                market.sort_index().tolist(),
                sold.revenue.tolist(),
                auctions.price(board, held, "student", 0.1),
            )
        )
    for one, other in zip(*seen, strict=True):
        assert one == other


def test_the_table_of_compare_orders_sure_answers_by_their_log_odds_and_equal_ones_by_their_texts(
    choose,
):
    """Gaps of 40 to 75: each P(relevant) is 1 in double precision; every second pair ties."""
    gaps = np.repeat(40.0 + np.arange(36), 2)
    listed = []
    for rows in (np.arange(72), np.random.default_rng(5).permutation(72)):
        pairs = make_table(2).take(rows)
        sure = Predictions(np.stack([0 * gaps, gaps], 1)[rows], pairs.content_hash, "sure")
        frame = score_pairs(pairs, sure, sure)
        assert set(frame["teacher_p"]) == {1.0}
        board = replace(make_board(pairs), teacher=Answers("teacher", "sure", sure, None))
        for sort in ("teacher", "student_low", "kl"):
            choose(sort=sort)
            order = compare_table.ordered(board, frame)
            shown = (frame["query"] + frame["title"]).to_numpy()[order].tolist()
            listed.append((sort, gaps[rows][order].tolist(), shown))
    assert listed[:3] == listed[3:]
    assert listed[0][1] == sorted(gaps, reverse=True)
    assert listed[1][1] == sorted(gaps)


@pytest.mark.parametrize("tab", ["ndcg", "density"])
def test_a_model_that_gives_one_score_to_all_ads_is_said_to(tab):
    pairs = make_table(2)
    constant = Predictions(np.zeros((72, 2)), pairs.content_hash, "constant")
    board = replace(make_board(pairs), student=Answers("student", "s", constant, None))
    told = [c.value for c in run(board, tab).caption if "the same score" in c.value]
    assert told == ["Student: constant gives every pair the same score, so it orders nothing."]


@pytest.mark.parametrize("order", [[0, 1], [0, 1, 2, 3, 4, 4], "012345", [None] * 6, None])
def test_an_order_that_is_none_is_not_taken_from_a_browser(order, choose, monkeypatch):
    board = KINDS["five grades"]
    sent = {"scratch": {"query": 0, "order": order}}
    monkeypatch.setattr(lists, "message", lambda key, name: sent[name])
    lists._take_order(query_of(board))
    assert state.now().ranking.own_order == ""
    sent["scratch"]["order"] = [5, 4, 3, 2, 1, 0]
    lists._take_order(query_of(board))
    assert state.now().ranking.own_order == "0:5-4-3-2-1-0"


def test_the_table_of_the_lists_places_every_ad_once_in_every_column(choose):
    board = KINDS["four grades and a truth"]
    query = query_of(board, 2)
    table = lists.table_of(board, query, lists.columns_of(board, query))
    places = [c for c in table.columns if c.startswith("place")]
    assert len(places) == 5
    for name in places:
        assert sorted(table[name]) == list(range(1, 7))


@pytest.mark.parametrize("kind", ["five grades", "four grades and a truth", "some unlabelled"])
def test_simulated_money_is_named_in_sentence_table_and_link(kind):
    app = run(KINDS[kind], "auction")
    assert "Simulated revenue: " in app.text[0].value
    assert any("simulated" in c.value for c in app.caption)
    assert app.session_state["marks"]["bids"] == "simulated"


def test_bids_of_the_data_are_used_and_not_called_simulated():
    board = make_board(make_table(4, money=True))
    assert not auctions.market(board).simulated
    np.testing.assert_array_equal(auctions.market(board).bids, board.pairs.frame["bid"])
    app = run(board, "auction")
    assert "Simulated" not in app.text[0].value
    assert "bids" not in app.session_state["marks"]


def test_the_truth_judges_where_it_is_known_then_the_teacher_then_the_labels(choose):
    for kind, key in (("four grades and a truth", "truth"), ("two grades", "teacher")):
        assert auctions.judge_of(KINDS[kind], "best").key == key
    assert auctions.judge_of(KINDS["no teacher"], "truth").key == "labels"
    labels = auctions.judge_of(KINDS["some unlabelled"], "labels").p_defect
    grades = KINDS["some unlabelled"].pairs.grades
    np.testing.assert_array_equal(np.isnan(labels), grades < 0)


def test_the_frontier_sent_to_the_browser_is_the_auction_held_on_the_whole_table(choose):
    board = KINDS["four grades and a truth"]
    choose(slots=2, pricing="first")
    rules = ranking_auction.rules_of()
    held = auctions.hold(board, rules, "best", 1.0)
    sent = ranking_auction.payload(board, query_of(board), held, rules, 1.0)["frontier"]
    market = auctions.market(board)
    student = auctions.defects(board.pairs.scheme, board.student)
    auction = Auction(market.bids, market.p_click, student, board.pairs.query_ids)
    weight = sent["weights"][40]
    by_hand = auction.hold(Rules(weight=weight, slots=2, pricing="first"))
    curve = next(c for c in sent["models"] if c["role"] == "student")
    assert curve["revenue"][40] == pytest.approx(by_hand.revenue.sum() / 12)
    assert curve["defect"][40] == pytest.approx(by_hand.mean_defect(held.judge.p_defect))


def test_written_bids_count_in_their_query_and_nonsense_is_named(choose):
    board = KINDS["five grades"]
    choose(edits="0:1b2.5_3c0.25_9b1_2c7_1bx")
    assert ranking_auction.edits_of(query_of(board)) == {1: {"bid": 2.5}, 3: {"click": 0.25}}
    assert len(choose.ignored) == 3
    assert ranking_auction.edits_of(query_of(board, 1)) == {}


def test_what_a_browser_says_of_rules_and_bids_comes_into_bounds(choose, monkeypatch):
    board = KINDS["five grades"]
    sent = {"rules": {"w": 1e9, "slots": 99, "reserve": -3, "pricing": "free", "by": "nobody"}}
    sent["edits"] = {"query": 0, "edits": "0b3_0c2_<script>"}
    monkeypatch.setattr(ranking_auction, "message", lambda key, name: sent[name])
    ranking_auction._take_rules()
    ranking_auction._take_edits(query_of(board))
    now = state.now().ranking
    assert (now.weight, now.slots, now.reserve) == (1000.0, 20, 0.0)
    assert (now.pricing, now.ranker, now.edits) == ("second", "student", "0:0b3")


def test_more_bids_than_a_link_holds_are_dropped_whole_and_the_page_says_so(choose, monkeypatch):
    board = KINDS["a very long list"]
    written = [f"{at}b{at + 0.25}" for at in range(130)]
    sent = {"edits": {"query": 0, "edits": "_".join(written)}}
    held: dict = {}
    monkeypatch.setattr(ranking_auction, "message", lambda key, name: sent[name])
    monkeypatch.setattr(ranking_auction.st, "session_state", held)
    ranking_auction._take_edits(query_of(board))
    kept = state.now().ranking.edits.removeprefix("0:").split("_")
    assert 0 < len(kept) < 130
    assert kept == written[: len(kept)]
    assert held[keys.BIDS_DROPPED] == (state.now().ranking.edits, 130 - len(kept))
    assert not choose.ignored


def test_dropped_bids_are_told_while_the_edits_stand():
    app = run(KINDS["five grades"], "auction", edits="0:0b3")
    app.session_state[keys.BIDS_DROPPED] = ("0:0b3", 7)
    assert "the last 7 that you wrote" in app.run().warning[0].value
    app.session_state[keys.BIDS_DROPPED] = ("0:1b3", 7)
    assert not app.run().warning


def test_a_price_is_told_with_its_interval_and_as_more_or_less_only_where_that_is_sure():
    app = run(KINDS["five grades"], "auction", w=0.05)
    said = app.text[0].value
    assert "of defects as the teacher" in said
    assert "95 %" in said
    unsure = "INCONCLUSIVE" in said
    assert unsure == ("does not differ clearly from the teacher's" in said)
    assert unsure != any(word in said for word in (" more (", " less ("))


def test_without_a_student_there_is_no_price_and_still_an_auction():
    app = run(KINDS["no student"], "auction")
    assert "needs a teacher and a student" in app.text[0].value
    assert len(app.get("bidi_component")) >= 1


@pytest.mark.parametrize("tab", ["lists", "auction"])
def test_a_list_that_is_too_long_says_how_much_is_left_out(tab):
    board = KINDS["a very long list"]
    app = run(board, tab)
    assert not app.exception
    rows = np.flatnonzero(board.pairs.query_ids == 0)
    told = f"{ranking_query.MOST_ADS} of its {len(rows):,} ads are listed here, chosen by a hash"
    assert any(told in caption.value for caption in app.caption)
