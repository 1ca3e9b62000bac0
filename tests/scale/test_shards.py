"""Shards hold what was scored, and say to what it belongs."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from kdcore.errors import DataError
from kdcore.scale.shards import (
    MANIFEST,
    Layout,
    Shard,
    ShardStore,
    missing,
    top_k,
    write_manifest,
    write_shard,
)

LAYOUT = Layout("a" * 16, "b" * 16, "log", 5, 2, ("bad", "fair", "good"), 3, "fp32")
LOGITS = np.array([[0, 1, 2], [3, 1, 3], [0, 0, 0], [1, 2, 1], [-1, 5, 0]], dtype=np.float32)


def fill(folder, layout):
    folder.mkdir(exist_ok=True)
    for shard in missing(folder, layout):
        write_shard(folder, layout, shard, LOGITS[shard.first : shard.last])


def test_the_largest_logits_are_kept_with_the_mass_that_they_hold():
    logits = np.log(np.array([[0.5, 0.125, 0.375], [0.25, 0.25, 0.5]], dtype=np.float32))
    largest, classes, kept = top_k(logits, 2)
    assert classes.tolist() == [[0, 2], [2, 0]]  # of equal logits the lower class
    np.testing.assert_allclose(kept, [0.875, 0.75], atol=1e-6)
    np.testing.assert_allclose(largest, np.log([[0.5, 0.375], [0.5, 0.25]]), atol=1e-3)


def test_what_is_written_is_read_back_row_for_row(tmp_path):
    fill(tmp_path, LAYOUT)
    store = write_manifest(tmp_path, LAYOUT)
    assert [len(shard) for shard in store.shards] == [2, 2, 1]
    read = list(store)
    np.testing.assert_array_equal(np.concatenate([logits for _, logits, _ in read]), LOGITS)
    assert all(classes is None for *_, classes in read)
    assert (store.manifest["kept_mass"], store.manifest["type"]) == (1.0, "float32")


def test_a_store_of_the_largest_says_what_share_it_keeps(tmp_path):
    layout = replace(LAYOUT, k=1)
    fill(tmp_path, layout)
    store = write_manifest(tmp_path, layout)
    logits, classes = store.read(0)
    assert (logits.dtype, classes.dtype) == (np.float16, np.int32)
    assert (logits.tolist(), classes.tolist()) == ([[2], [3]], [[2], [0]])
    largest = np.exp(LOGITS).max(axis=1) / np.exp(LOGITS).sum(axis=1)
    assert store.manifest["kept_mass"] == pytest.approx(largest.mean())
    assert store.manifest["kept_mass_least"] == pytest.approx(1 / 3)


def test_a_file_that_is_still_being_written_counts_as_missing(tmp_path):
    fill(tmp_path, LAYOUT)
    path = tmp_path / LAYOUT.file_name(Shard(2, 4))
    path.rename(path.with_name(f".{path.name}.0a1b.tmp"))
    assert missing(tmp_path, LAYOUT) == [Shard(2, 4)]
    with pytest.raises(DataError, match="is not a shard"):
        write_manifest(tmp_path, LAYOUT)


def test_what_killed_workers_left_is_removed_once_all_shards_are_there(tmp_path):
    fill(tmp_path, LAYOUT)
    left = tmp_path / f".{LAYOUT.file_name(Shard(2, 4))}.0a1b.tmp"
    for path in (left, other := tmp_path / f".{'c' * 16}-of-another-job.tmp"):
        path.write_bytes(b"half")
    write_manifest(tmp_path, LAYOUT)
    assert not left.exists()
    assert other.exists()


def test_a_late_worker_whose_shard_another_has_finished_is_content(tmp_path, monkeypatch):
    """Of a machine that was taken for dead: the end of the job removes what it is writing."""
    fill(tmp_path, LAYOUT)
    before = sorted(path.read_bytes() for path in tmp_path.iterdir())

    def save(tensors, path, metadata):
        save_file(tensors, path, metadata=metadata)
        path.unlink()

    monkeypatch.setattr("kdcore.scale.shards.save_file", save)
    write_shard(tmp_path, LAYOUT, Shard(2, 4), LOGITS[2:4])
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == before
    (tmp_path / LAYOUT.file_name(Shard(2, 4))).unlink()
    with pytest.raises(FileNotFoundError):
        write_shard(tmp_path, LAYOUT, Shard(2, 4), LOGITS[2:4])


def test_scores_of_another_model_or_other_pairs_are_never_mixed_in(tmp_path):
    fill(tmp_path, LAYOUT)
    for other in (replace(LAYOUT, model="c" * 16), replace(LAYOUT, data="d" * 16)):
        assert len(missing(tmp_path, other)) == 3  # their files have other names
        shard = other.shards()[0]
        write_shard(tmp_path, other, shard, LOGITS[:2])
        foreign = (tmp_path / other.file_name(shard)).read_bytes()
        (tmp_path / LAYOUT.file_name(shard)).write_bytes(foreign)
        with pytest.raises(DataError, match="of another model or of other pairs"):
            write_manifest(tmp_path, LAYOUT)


def test_a_folder_without_its_manifest_or_a_shard_is_not_complete(tmp_path):
    fill(tmp_path, LAYOUT)
    with pytest.raises(DataError, match="no complete set of shards"):
        ShardStore.open(tmp_path)
    write_manifest(tmp_path, LAYOUT)
    assert json.loads((tmp_path / MANIFEST).read_text())["rows"] == 5
    (tmp_path / LAYOUT.file_name(Shard(4, 5))).unlink()
    with pytest.raises(DataError, match="lacks 1 of 3 shards"):
        ShardStore.open(tmp_path)
