"""Queries and ads as points of one space: which texts they are, and the maps of two towers."""

import numpy as np
import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.folder_job import FolderJob
from kdcore.labels import BINARY
from kdcore.projection import jobs
from kdcore.projection.maps import TwoMaps, draw
from kdcore.projection.texts import TextPoints, texts_key
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace
from tests.app.made_lab import Made, make_lab


@pytest.fixture
def texts() -> TextPoints:
    frame = make_frame(
        ["shoes", "shoes", "hats"], ["Red", "Blue", "Red"], ["a", "", "a"], [1, 0, 1], "test"
    )
    return TextPoints.of(PairTable(frame, BINARY, "three"))


def test_each_text_is_one_point_and_each_pair_knows_its_two(texts):
    assert texts.queries == ("shoes", "hats")
    assert texts.ads == (("Red", "a"), ("Blue", ""))
    assert texts.query_of.tolist() == [0, 0, 1]
    assert texts.ad_of.tolist() == [2, 3, 2]
    assert len(texts) == 4


def test_a_text_moved_from_query_to_ad_changes_the_hash():
    one = TextPoints(("a", "b"), (("c", ""),), np.zeros(0), np.zeros(0))
    other = TextPoints(("a",), (("b", ""), ("c", "")), np.zeros(0), np.zeros(0))
    assert one.content_hash != other.content_hash


@pytest.mark.slow
def test_a_job_embeds_the_texts_of_both_towers_and_keeps_their_neighbors(tmp_path, monkeypatch):
    """The process is not started; its work is done here, by towers that know no torch."""
    pairs = make_lab(tmp_path, Made(bare=True))
    texts = TextPoints.of(pairs)
    runs = [RunStore(tmp_path / "runs").get(name) for name in ("student-hard", "student-kd")]
    for run in runs:
        run.model_folder.mkdir(parents=True)
        (run.model_folder / "model.safetensors").write_bytes(run.id.encode())
    monkeypatch.setattr(FolderJob, "start", lambda self, command: None)
    workspace = Workspace(tmp_path)
    key = jobs.request_texts((runs[0], runs[1]), texts, workspace)
    assert key == texts_key(runs[0].model_folder, runs[1].model_folder, texts)
    seen = []

    def embed(folder, queries, ads):
        seen.append(folder.name)
        assert tuple(queries) == texts.queries
        assert ads == list(texts.ads)
        return np.random.default_rng(len(seen)).normal(size=(len(texts), 5)).astype("f4")

    jobs.carry_out(jobs.folder_of(key, workspace), embed)
    assert seen == ["student-hard", "student-kd"]
    maps = jobs.maps_of(key, workspace)
    assert maps.neighbors is not None
    assert maps.neighbors[0].shape == (len(texts), 10)


@pytest.mark.slow
@pytest.mark.parametrize("points", [3, 5, 16])
def test_few_points_are_laid_out_too(points, tmp_path):
    from kdcore.projection.spaces import Space

    features = np.random.default_rng(0).normal(size=(points, 4)).astype(np.float32)
    maps = draw(Space(features, "one"), Space(features[::-1].copy(), "other"))
    maps.save(tmp_path / "maps")
    for layout in TwoMaps.load(tmp_path / "maps").layouts.values():
        assert np.isfinite(layout.first).all()
        assert layout.second.shape == (points, 2)
