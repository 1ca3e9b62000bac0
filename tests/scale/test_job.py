"""A split is scored in shards: nothing twice, nothing lost, whatever goes wrong with one."""

import sys

import numpy as np
import psutil
import pytest

from kdcore import lab
from kdcore.__main__ import build_app
from kdcore.cli.kit.frame import carry_out
from kdcore.config import InferConfig, from_dict, to_dict
from kdcore.data.names import named_pairs
from kdcore.errors import ConfigError, RunError
from kdcore.scale import local, tasks
from kdcore.scale.pieces import world_log_pieces
from kdcore.scale.shards import ShardStore
from kdcore.workspace import read_json

from .conftest import DATA, LOG, SHARD, drop_shards, infer, shard_path, sums


def test_shards_hold_what_the_model_says_about_the_log(source, home):
    run = infer(source, home, "local")
    manifest = read_json(run.predictions_path("log").with_suffix(".json"))
    store = ShardStore.open(home.cache_folder("shards") / manifest["folder"].rpartition("/")[2])
    logits = np.concatenate([logits for _, logits, _ in store])
    log = named_pairs(DATA, home).split("log")
    answers, _ = lab.answers(source, log, home, device="cpu", precision="fp32")
    assert len(logits) == LOG
    np.testing.assert_allclose(logits, answers.logits, atol=1e-4)
    assert run.status().state == "finished"


@pytest.mark.slow
def test_ray_writes_the_bytes_of_one_process(source, home):
    infer(source, home, "local")
    expected = sums(home)
    assert len(expected) == 4  # three shards and the manifest
    drop_shards(home)
    infer(source, home, "ray:2")
    assert sums(home) == expected


def test_starting_again_scores_only_what_is_missing(source, home, monkeypatch):
    infer(source, home, "local")
    expected = sums(home)
    shard_path(home, SHARD).unlink()
    times = {first: shard_path(home, first).stat().st_mtime_ns for first in (0, 2 * SHARD)}
    infer(source, home, "local")
    assert sums(home) == expected
    assert {first: shard_path(home, first).stat().st_mtime_ns for first in times} == times
    monkeypatch.setattr(tasks, "attempt", None)  # a finished job does no task
    infer(source, home, "local")


def test_a_shard_that_fails_names_itself_and_the_others_are_finished(source, home, monkeypatch):
    infer(source, home, "local")
    expected = sums(home)
    drop_shards(home)
    pieces = world_log_pieces(DATA, home)
    path = next(pieces.folder.glob("piece-*"))
    whole = path.read_bytes()
    monkeypatch.setenv("KDLAB_HOME", str(home.root))
    command = f"infer {source.id} --data {DATA} --split log --shard-rows {SHARD} -q --on"
    monkeypatch.setattr("kdcore.scale.job.world_log_pieces", lambda *_: pieces)
    try:
        path.write_bytes(b"no table")  # every shard reads it: all fail, each with its name
        with pytest.raises(RunError, match=r"3 of 3 shards.*rows 400 to 799: .*cannot be read"):
            infer(source, home, "local")
    finally:
        path.write_bytes(whole)
    foreign = shard_folder_blocked(home, SHARD)
    assert carry_out(build_app(), [*command.split(), "local"]) == 4
    assert set(sums(home)) == set(expected) - {"manifest.json", foreign.name}
    foreign.rmdir()
    assert carry_out(build_app(), [*command.split(), "local:2"]) == 0
    assert sums(home) == expected


def shard_folder_blocked(home, first):
    """A folder in the place of one shard's file, so that this one cannot be written."""
    (folder,) = home.cache_folder("shards").iterdir()
    model, data = folder.name.split("-")[:2]
    path = folder / f"{model}-{data}-{first:012d}-{first + SHARD:012d}.safetensors"
    path.mkdir()
    return path


def test_a_worker_process_that_dies_is_named_and_leaves_no_other_behind():
    here = psutil.Process()
    before = set(here.children())
    outcomes = local.in_processes([{"do": "look", "path": "/nowhere", "content": "x"}] * 9, 2)
    assert "is a different folder on that machine" in next(outcomes).error
    for child in set(here.children()) - before:
        child.kill()
    with pytest.raises(RunError, match="a worker process ended with code -9"):
        list(outcomes)
    assert set(here.children()) == before


def test_without_ray_one_sentence_says_what_to_do(source, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    before = len(lab.store(home).list())
    with pytest.raises(ConfigError, match=r"Ray is not installed: `pip install 'kdlab\[scale\]'`"):
        infer(source, home, "ray:2")
    assert len(lab.store(home).list()) == before  # no failed run is left


def test_more_workers_than_cores_are_refused_before_anything_starts(source, home):
    with pytest.raises(ConfigError, match="900 workers are wanted, and this machine has"):
        infer(source, home, "ray:900")


@pytest.mark.parametrize("on", ["ray:auto", "local:x:1", "spark", "ray:0"])
def test_another_executor_is_refused_with_those_there_are(on):
    with pytest.raises(ConfigError, match="is not an executor; use local, local:N"):
        InferConfig(run="some", splits=("log",), on=on)


def test_an_old_config_is_written_back_as_it_was():
    old = to_dict(InferConfig(run="some"))
    assert not {"on", "shard_rows", "top_k"} & set(old)
    assert to_dict(from_dict(old)) == old
    with pytest.raises(ConfigError, match="name the split to score in shards"):
        InferConfig(run="some", on="local")
