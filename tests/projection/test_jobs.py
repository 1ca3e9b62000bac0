import time

import numpy as np
import pytest

from kdcore.errors import DataError
from kdcore.projection import jobs, maps
from kdcore.projection.maps import TwoMaps, draw, maps_key
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


@pytest.mark.parametrize("way", ["pca", pytest.param("umap", marks=pytest.mark.slow)])
def test_maps_are_drawn_in_a_process_of_their_own_and_stored(spaces, workspace, way):
    key = jobs.request(*spaces, workspace, way)
    assert jobs.request(*spaces, workspace, way) == key  # asked twice, drawn once
    assert wait(key, workspace).state == "finished"
    drawn = jobs.maps_of(key, workspace)
    assert drawn.way == way
    assert drawn.first.shape == drawn.second.shape == (120, 2)
    assert drawn.geometry.overlap > 0.99
    if way == "pca":
        return
    # equal spaces: the second map lies on the first, nearer than points do to each other
    moved = np.linalg.norm(drawn.first - drawn.second, axis=1).mean()
    assert moved < np.linalg.norm(drawn.first - drawn.first.mean(axis=0), axis=1).mean()
    assert drawn.qualities[0].trustworthiness > 0.8


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ImportWarning")  # umap names a part that needs TensorFlow
def test_a_seeded_map_is_bit_equal_twice(spaces):
    one, other = draw(*spaces), draw(*spaces)
    np.testing.assert_array_equal(one.first, other.first)
    np.testing.assert_array_equal(one.second, other.second)


def test_stored_maps_are_read_back_whole(spaces, tmp_path):
    drawn = draw(*spaces, "pca", most=100)
    drawn.save(tmp_path / "maps")
    loaded = TwoMaps.load(tmp_path / "maps")
    assert len(loaded.rows) == 100
    assert loaded.geometry == drawn.geometry
    assert loaded.qualities == drawn.qualities
    np.testing.assert_array_equal(loaded.first, drawn.first)
    np.testing.assert_array_equal(loaded.neighbors[1], drawn.neighbors[1])


@pytest.mark.parametrize("content", [b"", b"not maps", None])
def test_a_damaged_file_is_refused(spaces, tmp_path, content, monkeypatch):
    path = tmp_path / "maps"
    if content is None:  # of another version
        monkeypatch.setattr(maps, "VERSION", 0)
        draw(*spaces, "pca").save(path)
        monkeypatch.undo()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="draw them again"):
        TwoMaps.load(path)


def test_a_job_that_fails_says_why(workspace):
    folder = jobs.folder_of("k", workspace)
    folder.mkdir(parents=True)
    with pytest.raises(DataError):
        jobs.carry_out(folder)
    now = jobs.progress("k", workspace)
    assert now.state == "failed"
    assert "holds no features" in now.message


def test_a_killed_process_leaves_a_lost_job_and_a_cancelled_one_none(spaces, workspace):
    key = maps_key(*spaces, "umap")
    folder = jobs.folder_of(key, workspace)
    folder.mkdir(parents=True)
    write_json_atomic(folder / "status.json", {"pid": 1, "started": -100.0, "step": "map"})
    assert jobs.progress(key, workspace).state == "lost"
    jobs.cancel(key, workspace)
    assert jobs.progress(key, workspace).state == "none"


def test_other_features_another_way_or_another_seed_have_another_key(spaces):
    keys = {
        maps_key(*spaces, "umap"),
        maps_key(*spaces, "pca"),
        maps_key(*spaces, "umap", 1),
        maps_key(*spaces[::-1], "umap"),
    }
    assert len(keys) == 4
