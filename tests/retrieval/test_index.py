import json
import subprocess
import sys

import numpy as np
import pytest

from kdcore.errors import ConfigError, DataError
from kdcore.retrieval.exact import exact_top
from kdcore.retrieval.index import AnnIndex, efforts, stored_index, usual_recipe
from kdcore.retrieval.recall import recall
from kdcore.retrieval.vectors import AdVectors
from tests.retrieval.conftest import unit

RECIPES = ("SQ8", "Bits", "HNSW8", "IVF32", "IVF32,SQ8")
LOSSY = ("SQ8", "Bits", "IVF32,SQ8")


def recall_of(index, queries, k, effort=0, passing=None):
    best = exact_top(index.vectors.vectors, queries, k, passing)[1]
    hits = index.search(queries, k, effort, passing)
    cosines = np.einsum("qkd,qd->qk", index.vectors.vectors[np.maximum(hits.ids, 0)], queries)
    return recall(hits.ids, cosines + 1e-6, best).mean()


@pytest.fixture(scope="module", params=RECIPES)
def index(request, vectors):
    return AnnIndex.build(vectors, request.param)


def test_the_flat_index_is_exact_search(vectors, queries):
    hits = AnnIndex.build(vectors, "Flat").search(queries, 10)
    np.testing.assert_array_equal(hits.ids, exact_top(vectors.vectors, queries, 10)[0])


def test_at_its_largest_effort_an_index_finds_nearly_all(index, queries):
    effort = efforts(index.recipe)[-1] if efforts(index.recipe) else 0
    assert recall_of(index, queries, 10, effort) > (0.9 if index.recipe in LOSSY else 0.99)


def test_more_effort_never_finds_less(vectors, queries):
    index = AnnIndex.build(vectors, "IVF32")
    recalls = [recall_of(index, queries, 10, effort) for effort in (1, 4, 32)]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1


def test_ads_that_do_not_pass_are_never_found(index, queries):
    passing = np.random.default_rng(0).random(len(index.vectors)) < 0.4
    ids = index.search(queries, 10, passing=passing).ids
    assert passing[ids[ids >= 0]].all()


def test_a_narrow_filter_is_searched_exactly_and_says_so(index, queries):
    passing = np.zeros(len(index.vectors), dtype=bool)
    passing[np.random.default_rng(0).choice(len(passing), 100, replace=False)] = True
    hits = index.search(queries, 10, passing=passing)
    expected = exact_top(index.vectors.vectors, queries, 10, passing)[0]
    np.testing.assert_array_equal(hits.ids, expected)
    assert "the ads that pass were searched exactly" in hits.note


def test_a_wide_filter_keeps_its_recall(vectors, queries):
    index = AnnIndex.build(vectors, "IVF32")
    passing = np.random.default_rng(0).random(len(vectors)) < 0.15
    assert recall_of(index, queries, 10, 8, passing) >= 0.98


def test_more_ads_than_there_are_leave_empty_places(queries):
    few = AdVectors(unit(5, 16), "m", "a")
    for recipe in ("Flat", "SQ8", "HNSW8", "IVF2"):
        hits = AnnIndex.build(few, recipe).search(queries, 8, effort=9)
        assert (hits.ids[:, 5:] == -1).all()
        assert sorted(hits.ids[0, :5].tolist()) == [0, 1, 2, 3, 4], recipe


def test_equal_vectors_come_in_the_order_of_their_ids(queries):
    same = AdVectors(np.repeat(unit(1, 16), 6, axis=0), "m", "a")
    for recipe in ("Flat", "SQ8"):
        assert AnnIndex.build(same, recipe).search(queries, 4).ids.tolist() == [[0, 1, 2, 3]] * len(
            queries
        )


def test_two_builds_write_the_same_bytes(index, tmp_path):
    index.save(tmp_path / "one")
    AnnIndex.build(index.vectors, index.recipe).save(tmp_path / "two")
    one, two = ((tmp_path / name / "index.faiss").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_loaded_index_finds_the_same(index, queries, tmp_path):
    index.save(tmp_path / "index")
    loaded = AnnIndex.load(tmp_path / "index", index.vectors)
    np.testing.assert_array_equal(loaded.search(queries, 10).ids, index.search(queries, 10).ids)


@pytest.mark.parametrize("damage", ["bytes", "missing", "card", "other vectors"])
def test_a_damaged_or_foreign_index_is_refused_and_built_again(vectors, queries, tmp_path, damage):
    index = stored_index(tmp_path, vectors, "IVF32")
    (folder,) = tmp_path.iterdir()
    file, other = folder / "index.faiss", vectors
    if damage == "bytes":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 255
        file.write_bytes(content)
    elif damage == "missing":
        file.unlink()
    elif damage == "card":
        (folder / "index.json").write_text("{}")
    else:
        other = AdVectors(unit(3000, 16, seed=9), "m" * 16, "b" * 16)
    with pytest.raises(DataError, match="build it"):
        AnnIndex.load(folder, other)
    again = stored_index(tmp_path, vectors, "IVF32")
    np.testing.assert_array_equal(again.search(queries, 5).ids, index.search(queries, 5).ids)


def test_a_stored_index_is_not_built_twice(vectors, tmp_path, monkeypatch):
    stored_index(tmp_path, vectors, "IVF32")
    monkeypatch.setattr(AnnIndex, "build", lambda *_: pytest.fail("built again"))
    card = json.loads((next(tmp_path.iterdir()) / "index.json").read_text())
    assert stored_index(tmp_path, vectors, "IVF32").recipe == card["recipe"] == "IVF32"


def test_the_usual_recipe_grows_with_the_corpus():
    recipes = [usual_recipe(n) for n in (20_000, 50_000, 100_000, 1_000_000)]
    assert recipes == ["Flat", "Flat", "IVF1024", "IVF4096"]


@pytest.mark.parametrize("recipe", ["PQ8", "IVF0", "HNSW", "../x", "IVF9999"])
def test_an_index_that_cannot_be_built_is_refused_with_what_can(vectors, recipe):
    with pytest.raises(ConfigError, match="Flat"):
        AnnIndex.build(vectors, recipe)


def test_searching_stored_vectors_loads_no_torch():
    code = "import sys, kdcore.retrieval.index, kdcore.retrieval.codes, kdcore.retrieval.truth\n"
    code += "import kdcore.retrieval.funnel, kdcore.retrieval.timing\n"
    code += "assert 'torch' not in sys.modules and 'faiss' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
