"""A task that has ended is not waited for without end when Ray never says so."""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from kdcore.config.executor import Place
from kdcore.experiments import elsewhere
from kdcore.runs.record import Record
from kdcore.runs.store import RunStore
from kdcore.scale import cluster
from kdcore.workspace import Workspace


class Deaf:
    """Ray that does every task at once, and never tells of one."""

    exceptions = SimpleNamespace(LocalRayletDiedError=OSError, RayError=OSError)

    def __init__(self) -> None:
        self.waits = 0

    def cluster_resources(self):
        return {"CPU": 1}

    def remote(self, **options):
        return lambda do: SimpleNamespace(remote=lambda task: (do(task), object())[1])

    def wait(self, refs, **how):
        self.waits += 1
        assert self.waits < 500, "it waits for ever"
        return [], refs


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Deaf:
    ray = Deaf()

    @contextmanager
    def joined(place):
        yield ray

    monkeypatch.setattr(cluster, "joined", joined)
    monkeypatch.setattr(cluster, "_probe", lambda ray, shared: None)
    monkeypatch.setattr(cluster, "SILENT", 0.01)
    return ray


def test_runs_of_a_sweep_that_have_ended_count_though_ray_lost_its_message(
    deaf, tmp_path, monkeypatch
):
    home = Workspace(tmp_path)
    runs = [RunStore(home.runs).create({"stage": "distill", "seed": n}) for n in range(4)]

    def finish(task):
        folder = Path(task["folder"])
        Record.read(folder).over("finished", "").write(folder)
        return ""

    monkeypatch.setattr(elsewhere, "carry_out", finish)
    ended = list(elsewhere.carry_out_on(Place("ray"), runs, home))
    assert {run.id for run in ended} == {run.id for run in runs}
    assert {run.status().state for run in runs} == {"finished"}
    assert deaf.waits > 1  # Ray has its time to say it first


def test_a_shard_whose_file_is_there_is_finished_though_ray_lost_its_message(deaf, source, home):
    from .conftest import infer, sums

    infer(source, home, "local")
    expected = sums(home)
    for path in home.cache_folder("shards").glob("*/*"):
        path.unlink()
    infer(source, home, "ray:1")
    assert sums(home) == expected
    assert deaf.waits > 1
