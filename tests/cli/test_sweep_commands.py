import threading
from pathlib import Path

import pytest

from kdcore import lab
from kdcore.cli import watching
from kdcore.cli.sweep import _wait as wait
from kdcore.config import FinetuneConfig, ModelConfig, TrainingConfig
from kdcore.errors import ConfigError
from kdcore.experiments import launch, sweep
from kdcore.experiments.estimate.throughput import throughputs
from kdcore.runs.queue import queue
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

from .conftest import STUDENT, TINY, Home, Kdlab

GRID = ("--grid", "temperature=1,4")


def learning(home: Home) -> tuple[str, ...]:
    return ("sweep", "--teacher", home.teacher, "--student", STUDENT, *TINY)


def test_a_sweep_ends_with_a_table_of_cells_beside_their_twin(home: Home, kdlab: Kdlab) -> None:
    said = kdlab(*learning(home), *GRID, "--title", "warmth", "--json")
    told = said.json
    assert (said.code, said.err) == (0, "")
    assert told["title"] == "warmth"
    assert [one["changed"] for one in told["cells"]] == [
        {"method.params.temperature": 1},
        {"method.params.temperature": 4},
    ]
    for one in told["cells"]:
        assert one["state"] == "finished"
        assert one["verdict"] in ("BETTER", "WORSE", "INCONCLUSIVE")
        assert one["low"] <= one["value"] <= one["high"]
        assert one["twin"] == told["cells"][0]["twin"]
        assert lab.store().get(one["run"]).status().state == "finished"
    assert "2 cells are compared with their twins" in told["caution"]
    again = kdlab("sweep", "--show", told["group"], "--metric", "nll")
    assert again.code == 0
    for word in ("temperature", "less its twin's", "against its twin", told["cells"][1]["run"]):
        assert word in again.out


def test_a_detached_sweep_waits_in_the_queue_and_prints_its_ids(
    home: Home, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []
    for module in (launch, sweep):
        monkeypatch.setattr(module, "enqueue", lambda runs, w: waits.extend(r.id for r in runs))
    said = kdlab(*learning(home), "--grid", "seed=5,6", "--no-twin", "--detach")
    assert said.code == 0
    assert said.out.split()[:2] == waits
    assert "kdlab sweep --show" in said.out
    for run_id in waits:
        assert lab.store().get(run_id).purpose.role == "cell"
        lab.store().delete(run_id)


def test_a_preset_of_a_sweep_brings_settings_that_options_win_over(kdlab: Kdlab) -> None:
    said = kdlab("sweep", "--preset", "figure2", "--limit", "40", "--print-config", "--json")
    assert said.code == 0
    assert said.json["student"]["params"]["hidden"] == 192  # as wide as the bundled teacher
    assert (said.json["limit"], said.json["training"]["learning_rate"]) == (40, 2e-4)


def test_every_problem_of_grids_and_cells_is_told(home: Home, kdlab: Kdlab) -> None:
    said = kdlab(*learning(home), "--grid", "temperature", "--grid", "seed=1", "--grid", "seed=2")
    assert said.code == 2
    assert "--grid temperature: write name=a,b,c" in said.err
    assert "seed has its values already" in said.err
    said = kdlab(*learning(home), "--grid", "temperature=0,2", "--grid", "students=cdssm")
    assert said.code == 2
    assert "method.params.temperature: 0.0 is outside" in said.err
    assert "students: no such setting; did you mean 'student'?" in said.err


def test_a_grid_takes_short_names_paths_and_texts_with_commas() -> None:
    from kdcore.cli.sweep import grid_of

    found = grid_of(
        ["learning-rate=1e-3,0.01", "student=bert:layers=1,hidden=16;cdssm", "training.clip=0"]
    )
    assert found == {
        "training.learning_rate": ["1e-3", 0.01],
        "student": ["bert:layers=1,hidden=16", "cdssm"],
        "training.clip": [0],
    }
    with pytest.raises(ConfigError):
        grid_of(["=1"])


def test_several_runs_are_watched_until_the_last_has_ended(home: Home, kdlab: Kdlab) -> None:
    said = kdlab("runs", "watch", home.teacher, home.student)
    assert said.code == 0
    assert home.teacher in said.out
    assert home.student in said.out
    lines = said.err.splitlines()
    assert {line.split()[0] for line in lines} == {home.teacher, home.student}
    assert all("finished" in line for line in lines)
    told = kdlab("runs", "watch", home.teacher, home.student, "--json").json
    assert [run["state"] for run in told["runs"]] == ["finished", "finished"]


def test_watching_several_ends_in_an_error_when_one_is_not_finished(
    home: Home, kdlab: Kdlab
) -> None:
    model = ModelConfig.parse(STUDENT)
    config = FinetuneConfig(data="small", model=model, training=TrainingConfig(epochs=1))
    made = lab.create(config)
    said = kdlab("runs", "watch", home.teacher, made.id)
    assert said.code == 4
    assert "no process works on it" in said.err
    thread = threading.Thread(target=lab.execute, args=(made,))
    thread.start()
    thread.join()
    assert kdlab("runs", "watch", home.teacher, made.id).code == 0
    lab.store().delete(made.id)


def test_a_short_measurement_is_kept_for_estimates(tmp_path: Path, kdlab: Kdlab) -> None:
    assert kdlab("measure", tmp_path).code == 0
    found = throughputs(Workspace(tmp_path))
    assert {(m.kind, m.family) for m in found} == {
        (kind, family) for kind in ("train", "score") for family in ("twinbert", "cdssm", "bert")
    }
    assert all(m.pairs_per_second > 0 and not m.run for m in found)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_cells_that_never_began_wait_for_nobody_when_a_sweep_ends_early(
    home: Home, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def end(run: Run, workspace: Workspace) -> None:
        raise error

    before = {run.id for run in lab.store().list()}
    monkeypatch.setattr(lab, "execute", end)
    assert kdlab(*learning(home), *GRID).code != 0
    made = [run for run in lab.store().list() if run.id not in before]
    assert {run.status().state for run in made} == {"stopped"}
    assert len(made) >= 2  # its twin may be known
    for run in made:
        lab.store().delete(run.id)


def test_a_sweep_does_not_wait_for_a_twin_that_nobody_will_train(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ensure_dispatcher", lambda workspace: None)
    monkeypatch.setattr(watching, "BETWEEN", 0.0)
    twin = lab.store().create({"stage": "finetune"})
    assert f"kdlab runs resume {twin.id}" in wait([twin])
    lab.store().delete(twin.id)


def test_a_sweep_that_no_cluster_can_do_is_refused_before_a_run_is_made(
    home: Home, kdlab: Kdlab
) -> None:
    runs = len(lab.store().list())
    for options, reason in (
        (("--on", "local:2"), "local:2 trains nothing here; use ray:2"),
        (("--on", "ray", "--detach"), "waits in the queue of this machine"),
        (("--on", "ray", "--device", "cuda:1"), "cuda:1 cannot be given; use one of auto, cpu"),
        (("--on", "ray:127.0.0.1:9"), "no Ray cluster answers at 127.0.0.1:9"),
    ):
        said = kdlab(*learning(home), "--grid", "seed=7", "--no-twin", *options)
        assert said.code != 0
        assert reason in said.err
    assert len(lab.store().list()) == runs
