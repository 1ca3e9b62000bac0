"""Retrieval: each part says what it shows, of the bundled study, and links name what is missing."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from app.services import access
from app.views.retrieval import queries
from app.views.retrieval.search import columns_of
from kdcore.retrieval.funnel import Cuts
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study
from kdcore.runs.store import RunStore
from tests.app.opening import MAIN, finding, open_page, sent


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
    exact, index = (set(column["ads"]) for column in data["columns"][:2])
    assert f"missed {len(exact - index)} of the 5 exact ads" in finding(app)


def test_truth_is_the_best_column_of_all(study):
    for query in range(5):
        columns, worth = columns_of(study, query, 1, 10, Cuts(100, 50))
        sums = [sum(sorted((worth[ad] for ad in ids), reverse=True)) for ids in columns]
        assert sums[3] == max(sums)


@pytest.mark.parametrize("tab", ["recall", "funnel", "twin", "storage"])
def test_every_part_draws_and_states_what_it_found(tab):
    words = {
        "recall": "recall@10",
        "funnel": "nDCG@5",
        "twin": "BETTER",
        "storage": "Two towers read each ad once, offline",
    }
    assert words[tab] in finding(opened(tab))


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
