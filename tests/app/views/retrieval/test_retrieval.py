"""Retrieval: each part says what it shows, of the bundled study, and links name what is missing."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.kit.sections import Section, rows_of
from app.services import access
from app.shell.report import latex_tables
from app.state import keys
from app.views.retrieval import funnel, queries, rails
from app.views.retrieval.columns import judged_by, measured
from kdcore.retrieval.funnel import Cuts, losses, steps
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study
from kdcore.retrieval.recall import mean_with_interval
from kdcore.runs.store import RunStore
from tests.app.opening import MAIN, finding, open_page, sent
from tests.app.visitor import texts


@pytest.fixture(autouse=True)
def an_empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.load(queries.BUNDLED)


def opened(tab: str = "search", **choices: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params.update({"v": "1", "ftab": tab, **choices})
    open_page(app, "retrieval").run()
    assert not app.exception
    return app


def test_the_bundled_study_is_of_the_bundled_models(study):
    runs = RunStore(access.demo().runs)
    names = ("twinbert_cos-kd", "teacher", "twinbert_cos-hard")
    assert Request(*(runs.get(name) for name in names), "world").is_answered_by(study)


def test_the_page_opens_on_four_columns_of_one_query(study):
    app = opened(fq="3", fk="5", feffort="0")
    data = sent(app, "found_columns")
    assert [len(column["ads"]) for column in data["columns"]] == [5, 5, 5, 5]
    assert study.queries[3] in finding(app)
    assert any("here their queries search ads" in each.value for each in app.caption)
    exact, index = (set(column["ads"]) for column in data["columns"][:2])
    missed = f"the index missed {len(exact - index)}"
    assert f"of the 5 ads that exact search finds, {missed}; the teacher's" in finding(app)


def test_truth_is_the_best_column_of_all(study):
    for query in range(5):
        columns = measured(study, query, 1, 10, Cuts(100, 50))
        sums = [sum(columns.worth.get(ad, 0) for ad in ids) for ids in columns.lists]
        assert sums[3] == max(sums)
        assert columns.ndcg(3, 10) == pytest.approx(1, abs=1e-6)


def test_of_ads_of_equal_worth_the_truth_names_those_that_are_shown():
    worth = {1: 3.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 0.0}
    columns = judged_by(worth, ([2], [2], [4, 3]), 3)
    assert columns.lists[3] == [1, 3, 4]
    assert judged_by(worth, ([], [], []), 9).lists[3] == [1, 2, 3, 4]
    assert judged_by({}, ([7], [7], [7]), 3).ideal == []


def test_what_is_lost_adds_up_and_is_no_fault_of_the_index(study):
    """The lesson says so: the cut and the order cost nearly all, the index almost nothing."""
    exact, indexed = ([study.candidates(q, bit) for q in range(100)] for bit in (0, 5))
    assert study.searches[3].recipe == "IVF512"  # its bit is 3 + FIRST_SEARCH
    lost = losses(exact, indexed, Cuts(200, 50), 5)
    cut, index, order = (np.nanmean(part) for part in (lost.cut, lost.index, lost.order))
    reached = np.nanmean(steps(indexed, Cuts(200, 50), 5, study.ads)[2].ndcg)
    assert cut + index + order == pytest.approx(1 - reached)
    assert abs(index) < 0.02 < min(cut, order)
    fewer = losses(exact, indexed, Cuts(20, 20), 5)
    assert np.nanmean(fewer.cut) - cut > 2 * (np.nanmean(lost.order) - np.nanmean(fewer.order)) / 3
    few = measured(study, 58, 0, 10, Cuts(100, 50))
    many = measured(study, 58, 3, 10, Cuts(100, 50))
    assert len(set(few.lists[0]) - set(few.lists[1])) > 5
    assert abs(few.ndcg(1, 10) - many.ndcg(1, 10)) < 0.05


@pytest.mark.parametrize("tab", ["search", "recall", "funnel", "twin", "storage"])
def test_without_a_known_truth_each_part_says_so_and_shows_no_nan(study, monkeypatch, tab):
    none = {name: np.zeros_like(getattr(study, name)) for name in ("gain", "best", "full_gains")}
    curves = {name: np.full_like(getattr(study, name), np.nan) for name in ("ceilings", "truths")}
    nobody = replace(study, best_ads=np.full_like(study.best_ads, -1), **none, **curves)
    monkeypatch.setattr(queries, "study_of", lambda request: nobody)
    app = opened(tab)
    said = finding(app) + texts(app)
    words = {
        "search": "What these ads are worth is not known",
        "recall": "so recall against the truth is not known",
        "funnel": "so what the funnel loses cannot be told",
        "twin": "so how many of the best ads each model finds is not known",
        "storage": "Two towers read each ad once, offline",
    }
    assert words[tab] in said
    assert not re.search(r"\bnan\b", said)


@pytest.mark.parametrize("tab", ["recall", "funnel", "twin", "storage"])
def test_every_part_draws_and_states_what_it_found(tab):
    words = {
        "recall": "recall@10",
        "funnel": "nDCG@5",
        "twin": "BETTER",
        "storage": "Two towers read each ad once, offline",
    }
    assert words[tab] in finding(opened(tab))


def test_the_funnel_gives_its_gain_an_interval_and_the_time_of_the_re_rank(study):
    page = opened("funnel")
    words = finding(page)
    assert "paired, n = 100" in words
    assert any("with random ads in a third of its pairs" in each.value for each in page.caption)
    re_rank = 50 * study.card["times"]["teacher_pair_ms"]
    assert f"The re-rank takes {re_rank:.0f} ms of the funnel's" in words
    unread = finding(opened("funnel", forder="1"))
    assert "The teacher reads 1 ad, so it changes no order and there is nothing to test" in unread
    assert "+0.000" not in unread  # equal by construction: no difference was measured


def written(app: AppTest) -> tuple[Section, ...]:
    """What Save holds of the page."""
    return tuple(write() for write in app.session_state[keys.SECTIONS].values())


@pytest.mark.parametrize("tab", ["recall", "funnel", "twin", "storage"])
def test_save_holds_what_the_open_part_shows_with_its_n(tab):
    shown = written(opened(tab))
    rows = rows_of(shown)
    assert set(rows["table"]) == {each.title for each in shown}
    counts = {n for n in rows["queries"] if n != ""}
    assert counts == ({100, 20} if tab == "funnel" else {100})  # the teacher alone read fewer
    tex = latex_tables(shown)
    assert tex.count(r"\begin{table}") == len(shown)
    if tab == "funnel":
        steps = rows[rows["nDCG@5"] != ""] if "nDCG@5" in rows else rows
        assert list(steps["after"][:3]) == ["ANN", "student", "teacher"]
        assert (steps["95 % low"] <= steps["nDCG@5"]).all()


def test_each_number_of_the_funnel_has_the_interval_of_the_table_beside_it():
    app = opened("funnel", fcut="40", forder="20")
    data = sent(app, "funnel")
    table = next(each.table for each in written(app) if each.title == "The funnel, step by step")
    assert list(data["cuts"]) == [40, 20]
    for place in range(3):
        low, high = data["ends"][place]
        row = table.iloc[place]
        assert (round(low, 4), round(high, 4)) == (row["95 % low"], row["95 % high"])
    assert data["ends"][3][1] > data["ends"][2][1]  # of the ceiling
    assert data["same"][0] == pytest.approx(table.iloc[3]["nDCG@5"], abs=1e-4)
    assert data["curveEnds"][list(data["reads"]).index(20)] == data["ends"][2]


def test_the_teacher_alone_stands_beside_the_funnel_with_its_queries_and_interval(study):
    ideal = replace(
        study, full_queries=np.arange(3, dtype=np.int32), full_gains=study.best[:3, :20]
    )
    candidates = [study.candidates(q, 3) for q in range(100)]
    cuts = Cuts(100, 50)
    after = steps(candidates, cuts, 5, study.ads)
    full = mean_with_interval(ideal.full_ndcg(5))
    rows = funnel.table_of(ideal, 1, cuts, after, full)
    last = rows.iloc[-1]
    assert (last["after"], last["ads read"], last["queries"]) == (
        "teacher alone, over all ads",
        "20,000",
        3,
    )
    assert rows["ads read"][0] == "those of 4 of 512 lists"  # an index is there to read few
    assert last["95 % low"] <= last["nDCG@5"] == pytest.approx(1)
    same = rows.iloc[-2]  # of 3 queries beside those of 100 nothing could be read
    assert (same["after"], same["queries"]) == ("this funnel on the 3 queries below", 3)
    assert same["nDCG@5"] == pytest.approx(after[2].ndcg[:3].mean(), abs=1e-4)
    assert rows["of it the query's vector, ms"].iloc[0] == pytest.approx(
        study.card["times"]["query_ms"], abs=1e-3
    )
    assert last["ms per query"] == pytest.approx(20_000 * study.card["times"]["teacher_pair_ms"])
    unread = replace(study, full_queries=study.full_queries[:0], full_gains=study.full_gains[:0])
    assert unread.funnel_against_alone(1, cuts, 5) is None
    nobody = funnel.table_of(unread, 1, cuts, after, mean_with_interval(unread.full_ndcg(5)))
    assert len(nobody) == 3


def test_a_million_ads_say_beside_the_button_what_they_cost():
    said = [each.value for each in opened(fsize="1000000").caption]
    assert any("1,000,000 ads" in text and "MB of memory" in text for text in said)


def test_words_and_times_read_as_a_person_writes_them(study):
    assert [rails.words(search) for search in study.searches[:2]] == [
        "IVF512, 1 list probed",
        "IVF512, 4 lists probed",
    ]
    table = next(each.value for each in opened("storage").table if "work" in each.value)
    assert re.fullmatch(r"[\d.]+ s", table["time"].iloc[0])  # embedding all ads
    assert "ms" not in table
    assert finding(opened("twin", fk="1")).startswith("Of the 1 ad that the teacher ranks highest")
    assert finding(opened("twin")).count(" % [") == 2  # each share has its interval


def test_an_index_that_is_no_faster_than_exact_search_is_said_not_to_pay(study):
    for effort, search in enumerate(study.searches[:2]):
        said = finding(opened("recall", findex="lists", feffort=str(effort)))
        is_slow = search.p50_ms >= study.exact_time.p50_ms
        assert ("this index does not pay" in said) is is_slow


def test_more_effort_finds_more():
    def recall(app: AppTest) -> float:
        return float(finding(app).split("recall@10 ")[1].split()[0])

    assert recall(opened("recall", feffort="0")) < recall(opened("recall", feffort="4"))


def test_a_cross_encoder_is_refused_with_a_student_that_has_vectors():
    app = opened(student="bert-kd")
    assert "reads query and ad together" in finding(app)
    app.button(key="retrieval_able").click().run()
    assert not app.exception
    assert "reads query and ad together" not in finding(app)


def test_what_is_not_measured_offers_to_be_measured():
    app = opened(student="cdssm-kd")
    assert "not measured here yet" in finding(app)
    assert app.button(key="retrieval_start").label == "Measure retrieval here"


def test_a_query_beyond_the_study_is_named():
    warnings = [each.value for each in opened(fq="5000").warning]
    assert any("this study has 100 queries" in text for text in warnings)


def test_every_picture_has_its_numbers():
    spec = json.loads(opened("recall").get("plotly_chart")[0].proto.spec)
    assert {trace["name"] for trace in spec["data"]} >= {"Exact", "chosen now"}
    times = [x for trace in spec["data"] for x in trace["x"]]
    ticks = spec["layout"]["xaxis"]["tickvals"]
    assert sum(min(times) <= tick <= max(times) for tick in ticks) >= 3


def test_a_typed_query_or_a_filter_needs_the_vectors_of_the_ads_here():
    for choices in ({"ftext": "cheap flights"}, {"fonly": "vertical=travel"}, {"fblock": "free"}):
        app = opened(**choices)
        assert "embed them once" in finding(app)
        assert app.button(key="retrieval_embed").label == "Embed the ads here"
        assert any("20,000 ads: the student" in each.value for each in app.caption)


def test_a_typed_query_of_the_test_split_is_that_query(study):
    app = opened(ftext=study.queries[3].upper(), feffort="0")
    assert study.queries[3] in finding(app)
    assert "nDCG@10 by the truth" in finding(app)
    assert app.selectbox(key="w_fq").value == 3
    assert app.text_input(key="w_ftext").value == ""
    other = opened(ftext="a query of nobody")
    assert other.selectbox(key="w_fq").disabled


@pytest.mark.parametrize("tab", ["funnel", "storage"])
def test_what_decides_the_loss_can_be_set_where_the_loss_is_shown(tab):
    """So a link or a lesson's step that sets the effort sets the rail that holds it too."""
    app = opened(tab, feffort="4")
    assert app.select_slider(key="w_feffort").value == 4
    app.select_slider(key="w_feffort").set_value(3).run()
    assert app.query_params["feffort"] in ("3", ["3"])


def test_an_unknown_filter_is_named():
    warnings = [each.value for each in opened(fonly="vertical=space").warning]
    assert any("no ad has" in text and "space" in text for text in warnings), warnings
