"""`kdlab latency` measures a finished run again, and keeps what it found where it belongs."""

from kdcore.runs.speed import Latency
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace


def test_a_run_is_measured_and_told_with_its_conditions(home, kdlab):
    run = RunStore(Workspace.default().runs).get(home.student)
    (run.folder / "latency.json").unlink()
    said = kdlab("latency", home.student)
    assert said.code == 0, said.err
    assert "teacher" in said.out
    assert "after warm-up, teacher and student in turns" in said.out
    assert Latency.read(run).teacher is not None


def test_a_run_from_elsewhere_is_left_as_it_is(home, kdlab, monkeypatch, tmp_path):
    run = RunStore(Workspace.default().runs).get(home.teacher)
    before = (run.folder / "latency.json").read_bytes()
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "another"))
    said = kdlab("latency", run.folder, "--json")
    assert said.code == 0, said.err
    assert said.json["student"]["parameters"] > 0
    assert (run.folder / "latency.json").read_bytes() == before
    assert Latency.read(run, Workspace(tmp_path / "another")).measured == said.json["measured"]
