"""What is run, taken, resumed and run again; trainings are pretended, everything else is real."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kdcore
from kdcore import lab
from kdcore.data.pairs import PairTable
from kdcore.errors import ConfigError, RunError
from kdcore.experiments import pipeline
from kdcore.experiments.pipeline import keys
from kdcore.experiments.pipeline.folder import Pipeline
from kdcore.predictions import Predictions
from kdcore.runs.record import Record
from kdcore.runs.store import Run
from kdcore.workspace import Workspace
from tests.experiments.planned import some_pairs

TINY = {
    "models.teacher": "bert:layers=1,hidden=16,heads=2,vocabulary=200",
    "models.student": "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200",
}


def end(run: Run, state: str = "finished") -> None:
    """What a run's process leaves at its end; equal settings leave equal weights."""
    run.model_folder.mkdir(exist_ok=True)
    (run.model_folder / "kdlab.json").write_text("{}")
    weights = json.dumps({k: v for k, v in run.settings.items() if k != "teacher"})
    (run.model_folder / "model.safetensors").write_text(weights)
    Record(state=state, created=run.created).write(run.folder)  # type: ignore[arg-type]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = Workspace(tmp_path)
    some_pairs(log=24).save(home.data_folder("invented"))
    keys._hashes.cache_clear()
    return home


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the runs that were carried out, in order."""
    titles: list[str] = []

    def execute(run: Run, workspace: Workspace, pairs: PairTable) -> None:
        titles.append(run.title.rpartition(",")[0])
        test = pairs.split("test")
        logits = np.tile(np.float32([[0, 1], [1, 0]]), (len(test) // 2, 1))
        Predictions(logits, test.content_hash, run.id).save(run.predictions_path("test"))
        end(run)

    monkeypatch.setattr(lab, "execute", execute)
    return titles


def made(home: Workspace, **options: object) -> Pipeline:
    sets = {**TINY, **options.pop("sets", {})}  # type: ignore[dict-item]
    planned = pipeline.plan("relevance", data="invented", sets=sets, workspace=home, **options)  # type: ignore[arg-type]
    return pipeline.create(planned, home)


def test_a_pipeline_with_unchanged_inputs_takes_every_run_of_an_earlier_one(workspace, executed):
    first = made(workspace)
    pipeline.drive(first, here=True)
    assert executed == [stage.title for stage in first.plan.stages]
    assert pipeline.state(first).state == "finished"
    again = made(workspace)
    pipeline.drive(again, here=True)
    assert len(executed) == len(first.plan.stages)
    assert again.run_ids() == first.run_ids()
    assert [stage.taken for stage in pipeline.state(again).stages] == [True] * len(executed)
    assert not any(stage.taken for stage in pipeline.state(first).stages)
    waiting = pipeline.estimates(again.plan, workspace)
    assert {each.run for each in waiting} == set(first.run_ids().values())
    assert sum(each.seconds for each in waiting) == 0


def test_a_changed_stage_is_run_again_with_what_follows_and_nothing_else(workspace, executed):
    one = made(workspace)
    pipeline.drive(one, here=True)
    before = one.run_ids()
    usual = one.plan.stage("teacher").config.training.epochs
    one, again = pipeline.change(one, {"teacher.training.epochs": 9})
    follows = {"teacher", "scores"} | {n for n in before if n in ("student_log", "student")}
    assert set(again) == follows
    assert pipeline.state(one).state == "paused"
    executed.clear()
    pipeline.drive(one, here=True)
    assert len(executed) == len(follows)
    after = one.run_ids()
    assert {name for name in before if before[name] != after[name]} == follows
    one, _ = pipeline.change(one, {"teacher.training.epochs": usual})
    executed.clear()
    pipeline.drive(one, here=True)
    assert (executed, one.run_ids()) == ([], before)  # the runs of before are there


def test_a_recipe_is_one_call(workspace, executed):
    table = kdcore.recipe("relevance", data="invented", sets=TINY, workspace=workspace)
    assert len(executed) == 5
    assert [row.stage for row in table.rows] == [
        "student_labels",
        "teacher",
        "student_log",
        "student",
    ]


def test_adsbert_runs_both_stages_of_its_teacher_and_measures_its_gains(workspace, executed):
    pairs = some_pairs(log=24)
    tasks = {f"task_{name}": pairs.frame["grade"].clip(lower=0) for name in ("click", "brand")}
    replace(pairs, frame=pairs.frame.assign(**tasks)).save(workspace.data_folder("invented"))
    tiny = {"models.teacher": TINY["models.teacher"], "models.cdssm": "cdssm:filters=8,semantic=8"}
    sets = tiny | {"models.twinbert": TINY["models.student"]}
    table = kdcore.recipe("adsbert", data="invented", sets=sets, workspace=workspace)
    assert executed[2:5] == ["Pretraining", "Teacher of all tasks", "Scores of the teacher"]
    assert len(executed) == 9
    assert [row.stage for row in table.rows if row.role == "teacher"] == ["multitask"]
    assert [gain.stage for gain in table.gains] == [
        "cdssm_log",
        "cdssm",
        "twinbert_log",
        "twinbert",
    ]


def test_other_pairs_or_another_seed_run_every_stage_again(workspace, executed):
    pipeline.drive(made(workspace), here=True)
    stages = len(executed)
    some_pairs(log=28).save(workspace.data_folder("invented"))
    pipeline.drive(made(workspace), here=True)
    assert len(executed) == 2 * stages
    pipeline.drive(made(workspace, seed=1), here=True)
    assert len(executed) == 3 * stages
    pipeline.drive(made(workspace, seed=1, threads=2), here=True)  # learns the same
    assert len(executed) == 3 * stages


def test_a_failed_stage_holds_up_what_follows_and_is_resumed_in_its_own_run(
    workspace, executed, monkeypatch
):
    usual: Callable[..., None] = lab.execute

    def execute(run: Run, workspace: Workspace, pairs: object) -> None:
        if run.purpose.role == "teacher":
            Record(state="failed", message="the disk is full", created=run.created).write(
                run.folder
            )
            raise RunError("the disk is full")
        usual(run, workspace, pairs)

    one = made(workspace)
    monkeypatch.setattr(lab, "execute", execute)
    with pytest.raises(RunError, match="the disk is full"):
        pipeline.drive(one, here=True)
    state = pipeline.state(one)
    assert executed == ["Student on labels alone"]  # needs no teacher
    assert (state.state, state.done) == ("failed", 1)
    assert "the disk is full" in state.message
    failed = one.run_ids()["teacher"]
    monkeypatch.setattr(lab, "execute", usual)
    pipeline.drive(one, here=True)
    assert one.run_ids()["teacher"] == failed
    assert pipeline.state(one).state == "finished"


def test_a_driver_that_dies_after_it_created_a_run_finds_it_again(workspace, executed, monkeypatch):
    one, runs = made(workspace), lab.store(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "set_runs", lambda self, runs: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            pipeline.drive(one, here=True)
    assert (len(runs.list()), one.run_ids(), executed) == (1, {}, [])
    assert pipeline.state(one).state == "lost"
    pipeline.drive(one, here=True)
    assert len(runs.list()) == len(one.plan.stages) == len(executed)


def test_no_two_processes_drive_one_pipeline(workspace, executed):
    one = made(workspace)
    with one.driving():
        assert pipeline.state(one).state == "running"
        with pytest.raises(RunError, match="already"):
            pipeline.drive(one, here=True)
        with pytest.raises(RunError, match="pause it"):
            pipeline.change(one, {"teacher.training.epochs": 9})
    assert executed == []


def test_a_paused_pipeline_begins_no_further_stage_and_goes_on(workspace, executed, monkeypatch):
    one, usual = made(workspace), lab.execute

    def execute(run: Run, workspace: Workspace, pairs: object) -> None:
        usual(run, workspace, pairs)
        pipeline.pause(one)

    monkeypatch.setattr(lab, "execute", execute)
    pipeline.drive(one, here=True)
    assert (len(executed), pipeline.state(one).state) == (1, "paused")
    monkeypatch.setattr(lab, "execute", usual)
    pipeline.drive(one, here=True)
    assert pipeline.state(one).state == "finished"


def test_settings_of_unknown_stages_and_shared_ones_are_refused_together(workspace):
    with pytest.raises(ConfigError) as error:
        made(workspace, sets={"techer.training.epochs": 1, "teacher.seed": 2, "student": 1})
    text = "\n".join(error.value.problems)
    for part in ("did you mean 'teacher'", "all stages share seed", "student: write STAGE.KEY"):
        assert part in text
    with pytest.raises(ConfigError, match=r"teacher.training.epochs: -1"):
        made(workspace, sets={"teacher.training.epochs": -1})
    with pytest.raises(ConfigError, match=r"0 is too small for a stage of a recipe; give more"):
        made(workspace, sets={"teacher.training.epochs": 0})
