"""Scale: the deck's numbers as printed, this lab's models among them, and every run by its size."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from app.kit.figures import scale as figures
from app.services.runs import listing
from app.views.scale import deck
from tests.app.opening import MAIN, finding, open_page


@pytest.fixture(autouse=True)
def an_empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))


def opened(tab: str, **choices: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params.update({"v": "1", "stab": tab, **choices})
    open_page(app, "scale").run()
    assert not app.exception
    return app


def figure(app: AppTest) -> dict:
    """The open picture as Plotly has it."""
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def test_models_of_both_pictures_and_of_this_lab_stand_on_one_axis():
    app = opened("sizes")
    rows = figure(app)["layout"]["yaxis"]["categoryarray"]
    own = {"TwinBERT cosine (here)", "TwinBERT residual (here)", "BERT-n (here)", "C-DSSM (here)"}
    assert set(rows) == {each.row for each in deck.SIZES} | own
    assert rows[-1] == "ELMo, 10/17"  # the oldest is on top: Plotly counts from below
    sizes = [entry.row.parameters or 0 for entry in listing.entries()]
    assert f"{max(sizes) / 1e6:.1f} million" in finding(app)
    source = " ".join(each.value for each in app.caption)
    assert deck.SOURCE in source
    assert "340 and 355" in source  # the two pictures disagree, and it is said


def test_another_order_moves_the_rows():
    assert figure(opened("sizes")) != figure(opened("sizes", sorder="size"))


def test_glue_counts_the_models_above_people():
    app = opened("glue")
    assert "7 models above the human baseline of 87.1; T5 leads with 89.7" in finding(app)
    assert deck.GLUE_DAY in " ".join(each.value for each in app.caption)


def test_every_run_of_the_demo_has_its_roc_auc_and_its_interval():
    app = opened("runs")
    spec = str(figure(app))
    scored = [entry for entry in listing.entries() if entry.row.scored]
    assert f"{len(scored)} runs by test ROC-AUC" in finding(app)
    for entry in scored:
        number = entry.row.test.metrics["roc_auc"]
        assert f"{number.value:.3f} [{number.low:.3f}, {number.high:.3f}]" in spec
        assert f"n = {number.n:,} test pairs" in spec


def test_unknown_test_pairs_of_a_link_are_named():
    app = opened("runs", spairs="ffff")
    assert any("no run here was tested on pairs" in each.value for each in app.warning)


@pytest.mark.parametrize("dark", [False, True])
def test_a_row_stands_where_its_order_says_with_the_name_it_has(dark):
    points = [
        figures.Dot("b", 2.0, "teacher", "two"),
        figures.Dot("a", 1.0, "student", "one"),
    ]
    drawn = figures.dots(points, ["a", "b"], {"teacher": "t", "student": "s"}, "x", log=True)
    assert list(drawn.layout.yaxis.categoryarray) == ["b", "a"]  # Plotly counts from below
    assert [trace.y[0] for trace in drawn.data] == ["b", "a"]
    assert drawn.layout.xaxis.type == "log"
