import numpy as np
import pytest

from kdcore.data.world.corpus import corpus
from kdcore.errors import ConfigError, DataError
from kdcore.models.build import load_model
from kdcore.models.predict import answer_texts
from kdcore.retrieval import embed
from kdcore.retrieval.ads import Ads, ads_of, example_queries, places_of, world_ads
from kdcore.retrieval.embed import embed_ads, embed_queries, rescored, two_towers
from kdcore.retrieval.search import Searcher
from kdcore.retrieval.truth import JudgedQueries
from kdcore.retrieval.vectors import AdVectors
from kdcore.runs.store import RunStore
from kdcore.scores import ranking_score
from kdcore.workspace import Workspace

TOWERS = ("cdssm-kd", "twinbert_cos-kd", "twinbert_res-kd")


@pytest.fixture(scope="module")
def demo() -> RunStore:
    return RunStore(Workspace.bundled().runs)


@pytest.fixture(scope="module")
def ads() -> Ads:
    return world_ads(300)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path)


@pytest.mark.parametrize("name", TOWERS)
def test_the_cosine_of_stored_vectors_is_that_of_the_pair(demo, ads, workspace, name):
    run = demo.get(name)
    vectors = embed_ads(run, ads, workspace).vectors
    query = "cheap red running shoes"
    (typed,) = embed_queries(two_towers(run), [query])
    model = load_model(run.model_folder)
    rows = [(query, ads.titles[i], ads.descriptions[i]) for i in range(len(ads))]
    answers = answer_texts(model, rows)
    if name == "twinbert_res-kd":  # its crossing is a network: only its vectors can be compared
        assert vectors.shape[1] == typed.shape[0]
        return
    cosines = answers.features.sum(axis=1)  # the product of unit vectors, place by place
    np.testing.assert_allclose(vectors @ typed, cosines, atol=2e-5)
    order = np.argsort(-ranking_score(answers.logits), kind="stable")
    assert np.all(np.diff((vectors @ typed)[order]) < 1e-5)  # the cosine alone orders the ads


def test_ads_are_embedded_once(demo, ads, workspace, monkeypatch):
    run = demo.get("cdssm-kd")
    first = embed_ads(run, ads, workspace)
    monkeypatch.setattr(embed, "_towers", lambda *_: pytest.fail("embedded again"))
    np.testing.assert_array_equal(embed_ads(run, ads, workspace).vectors, first.vectors)


def test_damaged_vectors_are_made_again(demo, ads, workspace):
    run = demo.get("cdssm-kd")
    first = embed_ads(run, ads, workspace)
    (path,) = workspace.cache_folder("vectors").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="no vectors"):
        AdVectors.load(path)
    np.testing.assert_array_equal(embed_ads(run, ads, workspace).vectors, first.vectors)


def test_pieces_give_what_one_piece_gives(demo, ads, workspace, monkeypatch, tmp_path):
    run = demo.get("cdssm-kd")
    whole = embed_ads(run, ads, workspace).vectors
    monkeypatch.setattr(embed, "PIECE", 70)
    pieces = embed_ads(run, ads, Workspace(tmp_path / "other")).vectors
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_a_cross_encoder_has_no_vector_of_an_ad(demo):
    with pytest.raises(ConfigError, match="reads query and ad together"):
        two_towers(demo.get("teacher"))


def test_vectors_that_are_not_of_unit_length_are_refused():
    with pytest.raises(DataError, match="1 of 2 vectors"):
        AdVectors(np.array([[1, 0], [3, 4]], dtype=np.float32), "m", "a")


def test_a_model_without_a_metric_space_orders_its_candidates_itself(demo, workspace):
    run = demo.get("twinbert_res-kd")
    searcher = Searcher.open(run, "world:ads=150", workspace)
    found, note = searcher.search("cheap red running shoes", 10)
    assert "no distance between vectors" in note
    ids = [np.arange(150)]
    (scores,) = rescored(run, ["cheap red running shoes"], ids, searcher.ads)
    candidates = searcher.hits(["cheap red running shoes"], 100).ids[0]
    best = candidates[np.argsort(-scores[candidates], kind="stable")][:10]
    assert [ad.ad for ad in found] == best.tolist()


def test_the_truth_judges_every_ad_of_the_corpus(ads):
    judged = JudgedQueries.of(ads, 3)
    truth = corpus(0, 300).truth(judged.needs)
    np.testing.assert_allclose(judged.all_gains, truth @ [0, 1, 3, 7], atol=1e-5)
    assert list(judged.queries) == example_queries("world", 3)


def test_the_truth_of_other_ads_is_not_known(pairs4):
    with pytest.raises(DataError, match="not known"):
        JudgedQueries.of(ads_of(pairs4), 3)


def test_the_ads_of_a_data_set_do_not_depend_on_its_order(pairs4):
    shuffled = pairs4.take(np.random.default_rng(0).permutation(len(pairs4)))
    ads = ads_of(pairs4)
    assert ads == ads_of(shuffled)
    assert len(ads) == len(set(zip(ads.titles, ads.descriptions, strict=True)))
    places = places_of(ads, pairs4.frame)
    assert [ads.titles[place] for place in places] == list(pairs4.frame["title"])


def test_a_filter_names_what_there_is(ads):
    fashion = ads.passing({"vertical": "fashion"})
    assert 0 < fashion.sum() < len(ads)
    with pytest.raises(ConfigError, match="travel"):
        ads.passing({"vertical": "space"})
    with pytest.raises(ConfigError, match="are: vertical"):
        ads.passing({"colour": "red"})


def test_a_blocked_word_is_a_whole_word_except_in_scripts_without_spaces():
    titles = ("Car park", "Parking lots", "Theme-PARK tickets", "車椅子レンタル", "Parkas")
    ads = Ads("some", titles, ("",) * len(titles))
    assert ads.passing({}, "park, 車椅子").tolist() == [False, True, False, False, True]
