"""Map: what two models' features share, said of made models, and the bundled maps."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from app import services
from app.kit import by_hash
from app.services.selection import picked
from app.state.map import COLORS
from app.views.map import colors, numbers, selection
from app.views.map.queries import summary, texts
from app.views.map.scene import Scene, scene_of
from kdcore.data.pairs import UNLABELLED, PairTable, make_frame
from kdcore.labels import BINARY
from kdcore.predictions import Predictions
from kdcore.projection.bundled import FOLDER, bundled_maps, space_of
from kdcore.projection.maps import maps_key
from kdcore.projection.texts import TextPoints
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.made_lab import Made
from tests.app.opening import finding, opened, sent

MADE = Made(features=6)
DISTINCT = Made(features=6, queries=30)


@pytest.fixture
def open_map(lab):
    """open_map(made, mcolor="label"): the page on a made lab."""

    def open_it(made: Made | None = MADE, page: str = "map", **query: str) -> AppTest:
        app = opened(lab, page, made, **query)
        assert not app.exception
        return app

    yield open_it
    services.sources.clear()  # for the page of the next file, which shows the bundled models


@pytest.fixture
def scene(open_map, choose) -> Scene:
    open_map()
    drawn = scene_of(services.board())
    assert isinstance(drawn, Scene)
    return drawn


def features_of(lab, key, features) -> None:
    path = lab / "demo" / "runs" / key / "predictions" / "test.parquet"
    old = Predictions.load(path)
    Predictions(old.logits, old.data_hash, old.model, features).save(path)
    by_hash.clear()


def test_the_page_opens_on_the_student_beside_its_twin(open_map):
    app = open_map()
    assert finding(app).startswith("The student and its twin share 100.0 %")
    assert sent(app, "map")["titles"][0].startswith("Twin: ")
    assert sent(app, "map")["roles"] == ["twin", "student"]
    assert app.button(key="map_draw").label == "Draw UMAP"


def test_unrelated_spaces_cannot_be_compared(open_map):
    app = open_map(DISTINCT)
    app.button(key="map_teacher").click().run()
    assert not app.exception
    assert "these maps cannot be compared" in finding(app)
    assert sent(app, "map")["color"]["high"] < 100  # the scale ends at the most that any pair has


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (None, "has no stored features"),
        (np.ones((60, 4), dtype=np.float32), "points of TwinBERT cosine"),
        (np.full((60, 4), np.nan, dtype=np.float32), "not a number"),
    ],
)
def test_features_that_cannot_be_drawn_get_a_sentence(open_map, lab, features, sentence):
    open_map()
    features_of(lab, "student-kd", features)
    app = open_map(None)
    assert sentence in finding(app)
    assert app.selectbox(key="w_mright").value == "student-kd"  # another can be chosen


@pytest.mark.parametrize(("queries", "ads"), [(1, 3), (1, 8), (2, 2)])
def test_few_pairs_and_one_query_are_drawn_or_refused_in_a_sentence(open_map, queries, ads):
    app = open_map(Made(features=4, queries=queries, ads=ads, bare=True))
    assert finding(app)


def test_own_models_without_answers_to_these_pairs_are_named(open_map, lab, monkeypatch):
    places = {"mine": "home", "student-kd": "demo", "shipped": "demo"}
    models = [
        SimpleNamespace(key=key, title=key.title(), run=SimpleNamespace(folder=root))
        for key, place in places.items()
        if (root := lab / place / "runs" / key)
    ]
    monkeypatch.setattr("app.services.scoring.models", lambda: models)
    app = open_map()
    said = next(each.value for each in app.caption if each.value.startswith("Not offered"))
    assert "pairs: Mine. Scoring" in said
    assert "map_score_own" in {button.key for button in app.button}


def test_predictions_from_a_file_say_what_to_do(open_map):
    app = open_map(Made(brought=True), mright="brought:student-kd", mleft="brought:student-hard")
    assert "files carry no features" in finding(app)
    assert not app.info  # it is said once
    assert {"map_distill", "map_score"} <= {button.key for button in app.button}


def test_picked_pairs_go_to_compare_as_a_slice_and_come_back(open_map):
    open_map()
    pairs = services.pairs_of(services.data_choices()[0])
    digest = picked.keep(np.array([3, 5, 8]), pairs.content_hash)
    app = open_map(None, msel=digest)
    assert "3 pairs picked" in " ".join(text.value for text in app.text)
    compare = open_map(None, "compare", slice=f"picked={digest}")
    assert "3 selected pairs" in finding(compare)
    assert "picked on the map" in finding(compare)
    assert "Show on the map" in [button.label for button in compare.button]


def test_a_selection_of_other_pairs_is_named_and_left_out(open_map):
    digest = picked.keep(np.array([1]), "0123456789abcdef")
    app = open_map(msel=digest)
    assert "no selection of these pairs is stored" in app.warning[0].value


def test_a_picked_selection_is_read_back_in_another_process(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path))
    digest = picked.keep(np.array([8, 3, 3]), "a" * 16)
    picked.memory.table("picked").clear()
    assert picked.fetch(digest, "a" * 16).tolist() == [3, 8]
    assert picked.fetch(digest, "b" * 16) is None
    assert picked.fetch("../../etc/passwd", "a" * 16) is None


@pytest.mark.parametrize("slice_", ["", "grade=1"])
def test_clearing_the_selection_clears_compares_slice_of_it_and_no_other(open_map, slice_):
    open_map()
    pairs = services.pairs_of(services.data_choices()[0])
    digest = picked.keep(np.array([3, 5, 8]), pairs.content_hash)
    app = open_map(None, msel=digest, slice=slice_ or f"picked={digest}")
    assert "100.0 %" in " ".join(text.value for text in app.text if "picked" in text.value)
    app.button(key="map_clear").click().run()
    assert "msel" not in app.query_params
    assert ("slice" in app.query_params) == bool(slice_)


def test_outcomes_say_which_side_is_right(scene):
    codes = colors.outcomes(scene)
    pairs = scene.board.pairs
    for row in range(len(pairs)):
        left, right = (
            (colors.relevance(scene.board, model)[row] >= 0.5) == pairs.relevant[row]
            for model in scene.models
        )
        names = {(1, 1): 0, (1, 0): 1, (0, 1): 2, (0, 0): 3}
        assert codes[row] == names[int(left), int(right)]


def test_pairs_without_a_label_have_no_outcome_and_no_group(open_map, choose):
    open_map(Made(features=6, unjudged=True))
    scene = scene_of(services.board())
    assert (scene.board.pairs.grades == UNLABELLED).all()
    assert (colors.outcomes(scene) == -1).all()
    assert summary.table(scene)["pairs"].tolist() == ["all pairs"]


@pytest.mark.parametrize("color", COLORS)
def test_every_color_draws(open_map, color):
    look = sent(open_map(mcolor=color), "map")["color"]
    assert (look is None) == (color == "density")


@pytest.mark.parametrize("only", ["grade=1", "outcome=0", "lost", "compare"])
def test_a_filter_pales_the_other_pairs(open_map, only):
    assert sent(open_map(monly=only, grades="1"), "map")["dimmed"]


def test_a_search_rings_the_pairs_that_hold_every_word(open_map):
    data = sent(open_map(mfind="THING offer"), "map")
    assert data["marked"]
    app = open_map(None, mfind="nothing like it")
    assert any("None of the pairs" in each.value for each in app.caption)


def test_the_pinned_pair_has_its_neighbors_of_both_spaces(open_map):
    card = sent(open_map(pair="7"), "map")["neighbors"]
    assert card["id"] == 7
    assert [each["id"] for each in card["left"]] == [each["id"] for each in card["right"]]


def test_the_cards_have_an_interval_an_n_and_a_definition(scene):
    overlap, cka, rsa, *_ = numbers.cards(scene)
    assert overlap.n == "n = 60 pairs"
    assert "bootstrap over queries" in overlap.definition
    assert cka.interval == "[1.000, 1.000]"
    assert rsa.interval.startswith("[0.")
    assert rsa.n == "n = 60 pairs"
    assert float(cka.value) == pytest.approx(1, abs=1e-3)


def test_near_is_said_of_what_was_measured(scene, monkeypatch):
    left, _ = numbers.near_sentences(scene)
    assert "seldom of the same query, and not equally relevant" in left


def test_the_points_can_be_opened_elsewhere(scene):
    table = pd.read_parquet(io.BytesIO(selection._parquet(scene)))
    assert len(table) == 60
    stored = pq.read_schema(io.BytesIO(selection._parquet(scene))).metadata
    assert stored[b"made_from"].decode() == scene.made_from
    np.testing.assert_allclose(table["x right"], scene.drawn.layout.second[:, 0])
    assert {"query", "overlap", "P(relevant) left"} <= set(table)


def test_a_umap_says_why_the_same_model_has_another_map_beside_another_one(monkeypatch):
    monkeypatch.setattr(numbers, "near_sentences", lambda scene: ())
    lines = {
        way: numbers.reading(SimpleNamespace(drawn=SimpleNamespace(way=way)))
        for way in ("pca", "umap")
    }
    assert set(lines["umap"]) - set(lines["pca"]) == {numbers.DRAWN_ANEW}


def test_every_student_of_the_demo_has_finished_maps():
    store = RunStore(Workspace.bundled().runs)
    names = [("twinbert_cos-hard", "twinbert_cos-kd"), ("teacher", "bert-kd")]
    for left, right in names:
        maps = bundled_maps(maps_key(space_of(store.get(left)), space_of(store.get(right))))
        assert maps is not None
        assert set(maps.layouts) == {"pca", "umap"}
        assert np.isfinite(maps.shared).all()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_000_000


def with_moments(lab, draw) -> None:
    """Features at two moments of student and twin."""
    for key in ("student-kd", "student-hard"):
        for step in (5, 40):
            path = lab / "demo" / "runs" / key / "replay" / f"step-{step:08d}.parquet"
            old = Predictions.load(path)
            features = draw.normal(size=(len(old), 4)).astype(np.float32)
            Predictions(old.logits, old.data_hash, old.model, features).save(path)


def test_moments_are_drawn_on_a_slider_with_the_share_of_final_neighbors(open_map, lab):
    open_map()
    with_moments(lab, np.random.default_rng(0))
    by_hash.clear()
    app = open_map(None, mwhat="moments", mmoment="1")
    assert finding(app).startswith("At step 40 of 40 a pair of the student has 100 %")
    data = sent(app, "map")
    assert data["moments"] == ["step 5", "step 40"]
    assert data["roles"] == ["twin", "student"]
    assert [len(of_moments) for of_moments in data["notes"]] == [2, 2]
    last = data["notes"][1][1]
    assert last.startswith("100 % of final neighbors; trustworthiness ")
    assert "n = 10" in last


def test_moments_open_half_way_and_the_finding_is_of_the_moment_that_is_shown(open_map, lab):
    open_map()
    with_moments(lab, np.random.default_rng(0))
    by_hash.clear()
    for link, step in (({}, 1), ({"mmoment": "0"}, 0)):
        app = open_map(None, mwhat="moments", **link)
        shown = sent(app, "map")
        assert shown["moment"] == step
        assert finding(app).startswith(f"At {shown['moments'][step]} of ")


def test_a_twin_that_took_a_few_steps_more_stands_beside_the_student(open_map, lab):
    open_map()
    with_moments(lab, np.random.default_rng(0))
    replay = lab / "demo" / "runs" / "student-hard" / "replay"
    (replay / "step-00000040.parquet").rename(replay / "step-00000042.parquet")
    by_hash.clear()
    data = sent(open_map(None, mwhat="moments"), "map")
    assert data["moments"] == ["step 5", "step 40 (twin: 42)"]
    assert len(data["titles"]) == 2


@pytest.mark.parametrize(
    ("what", "words"), [("texts", "no stored model"), ("moments", "stored no features")]
)
def test_a_click_shows_other_points_and_puts_the_picked_ones_away(open_map, what, words):
    app = open_map(pair="7", monly="lost")
    app.segmented_control(key="w_mwhat").set_value(what).run()
    assert not app.exception
    assert words in finding(app)
    assert app.query_params["mwhat"] == what
    assert "monly" not in app.query_params


def test_a_run_that_stored_no_moments_says_what_is_missing(open_map):
    assert "stored no features while it learned" in finding(open_map(mwhat="moments"))


def test_queries_and_ads_need_two_towers_that_are_here(open_map):
    app = open_map(mwhat="texts", mleft="teacher")
    assert "reads query and ad together" in finding(app)


def test_picked_texts_stand_for_the_pairs_between_them():
    frame = make_frame(["a", "a", "b"], ["x", "y", "x"], [""] * 3, [0, 1, 1], "test")
    points = TextPoints.of(PairTable(frame, BINARY, "three"))
    assert texts.pairs_of(points, np.array([0])).tolist() == [0, 1]  # a query
    assert texts.pairs_of(points, np.array([2])).tolist() == [0, 2]  # an ad
    assert texts.pairs_of(points, np.array([0, 2])).tolist() == [0]  # a query and an ad
