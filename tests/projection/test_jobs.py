import time

import numpy as np
import pytest

from kdcore.errors import DataError
from kdcore.projection import jobs, maps
from kdcore.projection.maps import TwoMaps, draw, glance, maps_key
from kdcore.projection.spaces import Space
from kdcore.workspace import Workspace, write_json_atomic
from tests.projection.test_numbers import clusters


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(scope="module")
def spaces():
    features = clusters(120)
    turned = features @ np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    return Space(features, "teacher"), Space(turned.astype(np.float32), "student")


def wait(key, workspace, seconds=240):
    end = time.monotonic() + seconds
    while (now := jobs.progress(key, workspace)).state == "running" and time.monotonic() < end:
        time.sleep(0.05)
    return now


@pytest.mark.slow
def test_maps_are_drawn_in_a_process_of_their_own_and_stored(spaces, workspace):
    key = jobs.request(*spaces, workspace)
    assert jobs.request(*spaces, workspace) == key  # asked twice, drawn once
    assert wait(key, workspace).state == "finished"
    maps = jobs.maps_of(key, workspace)
    assert set(maps.layouts) == {"pca", "umap"}
    assert maps.geometry.overlap > 0.99
    # equal spaces: the second map lies on the first, nearer than points do to each other
    first, second = maps.layouts["umap"].first, maps.layouts["umap"].second
    moved = np.linalg.norm(first - second, axis=1).mean()
    assert moved < np.linalg.norm(first - first.mean(axis=0), axis=1).mean()
    assert maps.layouts["umap"].qualities[0].trustworthiness > 0.8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ImportWarning")  # umap names a part that needs TensorFlow
def test_a_seeded_map_is_bit_equal_twice(spaces):
    one, other = (draw(*spaces).layouts["umap"] for _ in range(2))
    np.testing.assert_array_equal(one.first, other.first)
    np.testing.assert_array_equal(one.second, other.second)


def test_stored_maps_are_read_back_to_a_65535th_of_their_size(spaces, tmp_path):
    drawn = draw(*spaces, ["pca"], most=100, keep_neighbors=True)
    drawn.save(tmp_path / "maps")
    loaded = TwoMaps.load(tmp_path / "maps")
    assert len(loaded.rows) == 100
    assert loaded.geometry == drawn.geometry
    assert loaded.layouts["pca"].qualities == drawn.layouts["pca"].qualities
    places = drawn.layouts["pca"].second
    atol = np.ptp(places, axis=0).max() / 65535
    np.testing.assert_allclose(loaded.layouts["pca"].second, places, atol=atol)
    np.testing.assert_allclose(loaded.shared, drawn.shared, rtol=1e-6)
    np.testing.assert_array_equal(loaded.neighbors[1], drawn.neighbors[1])


def test_a_glance_has_the_places_of_all_and_the_numbers_of_a_sample(spaces, tmp_path):
    whole, seen = draw(*spaces, ["pca"]), glance(*spaces, most=40)
    np.testing.assert_array_equal(seen.layouts["pca"].first, whole.layouts["pca"].first)
    measured = np.isfinite(seen.shared)
    assert measured.sum() == seen.geometry.n == 40
    np.testing.assert_array_equal(seen.shared[measured], whole.shared[measured])
    seen.save(tmp_path / "maps")
    np.testing.assert_allclose(TwoMaps.load(tmp_path / "maps").shared, seen.shared, rtol=1e-6)


@pytest.mark.parametrize("content", [b"", b"not maps", None])
def test_a_damaged_file_is_refused(spaces, tmp_path, content, monkeypatch):
    path = tmp_path / "maps"
    if content is None:  # of another version
        monkeypatch.setattr(maps, "VERSION", 0)
        glance(*spaces).save(path)
        monkeypatch.undo()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="draw them again"):
        TwoMaps.load(path)


def test_a_job_that_fails_says_why(workspace):
    folder = jobs.folder_of("k", workspace)
    folder.mkdir(parents=True)
    with pytest.raises(DataError):
        jobs.carry_out(folder, lambda run, queries, ads: np.zeros((1, 1), dtype=np.float32))
    now = jobs.progress("k", workspace)
    assert now.state == "failed"
    assert "holds no features" in now.message


def test_a_killed_process_leaves_a_lost_job_and_a_cancelled_one_none(spaces, workspace):
    key = maps_key(*spaces)
    folder = jobs.folder_of(key, workspace)
    folder.mkdir(parents=True)
    write_json_atomic(folder / "status.json", {"pid": 1, "started": -100.0, "step": "map"})
    assert jobs.progress(key, workspace).state == "lost"
    jobs.cancel(key, workspace)
    assert jobs.progress(key, workspace).state == "none"


def test_other_features_or_another_seed_have_another_key(spaces):
    assert len({maps_key(*spaces), maps_key(*spaces, 1), maps_key(*spaces[::-1])}) == 3
