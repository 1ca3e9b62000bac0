"""The demo's builder: twins are fair, the folder is whole and small, damage is told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from kdcore import lab
from kdcore.config import to_dict
from kdcore.data.pairs import PairTable
from kdcore.demo import TOLERANCE
from kdcore.demo.build import build
from kdcore.demo.check import problems, same_answers
from kdcore.demo.pages import measure_pages
from kdcore.demo.plan import TEACHER, DemoPlan, Pupil
from kdcore.demo.results import measure_again
from kdcore.errors import DataError
from kdcore.experiments import pipeline
from kdcore.predictions import Predictions
from kdcore.projection.bundled import space_of
from kdcore.projection.maps import maps_key
from kdcore.projection.moments import moments_of
from kdcore.projection.texts import TextPoints, texts_key
from kdcore.retrieval.measuring.jobs import Request
from kdcore.retrieval.measuring.study import Study
from kdcore.runs.speed import LATENCY, Latency
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import is_twin
from kdcore.workspace import Workspace

SHIPPED = Path(__file__).parents[2] / "assets" / "demo"
WIDTH = "layers=1,hidden=16,heads=2,vocabulary=200"
TINY = DemoPlan(
    data="world:log=240,train=600,validation=200,test=400",
    limit=120,
    teacher_data="world:train=600,validation=200,test=400",
    teacher=f"bert:{WIDTH}",
    teacher_training={"epochs": 1},
    pupils=(
        Pupil("cdssm", "C-DSSM", "cdssm:buckets=150,filters=12,semantic=8", {"epochs": 3}),
        Pupil("bert", "BERT-1", f"bert:{WIDTH}", {"epochs": 3, "batch_size": 8}),
    ),
    label_aware={"cdssm": "cdssm"},
    label_aware_training={"epochs": 1},
    replay_points=5,
    masked=False,
)
RUNS = [stage.id for stage in TINY.models]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def made(home):
    """A demo of a few hundred pairs, and what was told while it was built."""
    told = []
    folder = home.root / "demo"
    build(TINY, folder, workspace=home, jobs=1, tell=lambda title, run: told.append(title))
    return folder, told


@pytest.fixture
def demo(made):
    return made[0]


@pytest.fixture
def judged(demo):
    return PairTable.load(demo / "data" / card(demo)["data"]["name"])


def card(folder):
    return json.loads((folder / "demo.json").read_text())


def test_every_file_of_the_shipped_demo_is_there_and_each_model_gives_its_logits():
    assert problems(SHIPPED, rows=100) == ()


def test_the_shipped_demo_is_what_the_command_makes_and_at_most_40_mb():
    assert card(SHIPPED)["plan"] == DemoPlan().key
    assert card(SHIPPED)["runs"] == [stage.id for stage in DemoPlan().models]
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) <= 40e6


def test_the_demo_has_a_teacher_its_scores_four_students_twice_and_two_three_times():
    assert [stage.id for stage in DemoPlan().stages()] == [
        "teacher",
        *(f"{name}-hard" for name in ("cdssm", "twinbert_cos", "twinbert_res", "bert")),
        "scores",
        *(f"{name}-kd" for name in ("cdssm", "twinbert_cos", "twinbert_res", "bert")),
        *(f"{name}-aware" for name in ("cdssm", "twinbert_cos")),
    ]


def test_twins_differ_by_the_log_and_took_as_many_steps_to_half_an_epoch(demo):
    store = RunStore(demo / "runs")
    for distilled, hard in card(demo)["twins"].items():
        one, other = store.get(distilled), store.get(hard)
        assert is_twin(one, other)
        steps, others = (run.metrics()[-1]["step"] for run in (one, other))
        assert abs(steps - others) <= others / other.config.training.epochs / 2
        assert one.splits["train"] == other.splits["train"]


def test_every_run_is_finished_and_says_the_config_it_was_trained_with(demo):
    store = RunStore(demo / "runs")
    for stage in TINY.stages():
        run = store.get(stage.id)
        assert run.status().state == "finished"
        assert run.settings == to_dict(stage.config) == to_dict(run.config)
        assert run.title == stage.title


def test_every_run_but_the_label_aware_holds_features_and_all_hold_answers_and_an_evaluation(
    demo, judged
):
    store = RunStore(demo / "runs")
    for name in RUNS:
        said = lab.predictions(store.get(name))
        said.require(judged.content_hash, len(judged))
        assert (said.features is None) == name.endswith("-aware")
        evaluation = lab.stored_evaluation(store.get(name))
        assert evaluation is not None
        assert (evaluation.teacher, evaluation.data_hash) == (TEACHER, judged.content_hash)


def test_the_demo_s_pairs_know_the_truth_and_the_market(judged):
    assert judged.truth is not None
    assert {"bid", "p_click"} <= set(judged.frame.columns)
    assert judged.splits == ("test",)


def test_shipped_weights_are_of_half_precision(demo):
    for name in RUNS:
        weights = load_file(demo / "runs" / name / "model" / "model.safetensors")
        assert {w.dtype for w in weights.values()} == {torch.float16}


def test_a_student_s_replay_leads_to_the_moment_at_which_training_ended(demo):
    for name in (name for name in RUNS if not name.endswith("-aware")):
        run = Run.load(demo / "runs" / name)
        moments = sorted(run.replay_folder.glob("step-*.parquet"))
        probe = PairTable.load(run.replay_folder / "probe")
        assert len(moments) >= 3
        assert int(moments[-1].stem.removeprefix("step-")) == run.metrics()[-1]["step"]
        for moment in moments:
            Predictions.load(moment).require(probe.content_hash, len(probe))


def test_a_demo_is_measured_anew_from_its_answers_and_is_whole_again(demo, tmp_path):
    copy = tmp_path / "demo"
    shutil.copytree(demo, copy)
    before = card(copy)
    for old in (copy / "runs").glob("*/evaluation/*.json"):
        old.write_text("{}")
    measure_again(copy, TINY)
    assert card(copy)["figures"] == before["figures"]
    assert card(copy)["files"] == before["files"]
    assert problems(copy, rows=20) == ()


def test_a_demo_whose_answers_were_changed_is_not_measured(demo, tmp_path):
    copy = tmp_path / "demo"
    shutil.copytree(demo, copy)
    answers = copy / "runs" / TEACHER / "predictions" / "test.parquet"
    answers.write_bytes(answers.read_bytes() + b" ")
    with pytest.raises(DataError, match="not the file that was built"):
        measure_again(copy, TINY)
    with pytest.raises(DataError, match="has the runs"):
        measure_again(copy, DemoPlan())


def test_the_students_were_taught_by_exactly_the_teacher_that_is_shipped(demo, home):
    work = home.cache_folder(f"demo-{TINY.key}") / "runs" / TEACHER / "model" / "model.safetensors"
    shipped = demo / "runs" / TEACHER / "model" / "model.safetensors"
    assert work.read_bytes() == shipped.read_bytes()


def test_nothing_shipped_names_a_path_or_process_of_this_machine(demo, home):
    for path in demo.rglob("*"):
        if path.is_file():
            assert str(home.root).encode() not in path.read_bytes(), path
    status = json.loads((demo / "runs" / TEACHER / "status.json").read_text())
    assert (status["pid"], status["process_start"]) == (None, None)
    assert not list(demo.rglob("checkpoint")) + list(demo.rglob("*.log")) + list(demo.rglob(".*"))


def test_the_card_says_how_many_labels_teacher_and_students_saw(demo):
    figures = card(demo)["figures"]
    assert figures["teacher"]["pairs"] == 600
    assert {student["hard"]["pairs"] for student in figures["students"]} == {TINY.limit}
    assert {student["distilled"]["pairs"] for student in figures["students"]} == {240}
    note, aware = card(demo)["notes"][:2]
    assert "600 labelled pairs" in note
    assert f"{TINY.limit} of them" in note
    assert "soft labels of 240 unlabelled pairs" in note
    assert aware.startswith(
        f"C-DSSM went on from there with labels and soft labels of these {TINY.limit}"
    )


def test_a_missing_and_a_changed_file_are_told_by_name(demo, tmp_path):
    copy = tmp_path / "demo"
    shutil.copytree(demo, copy)
    (copy / "runs" / "bert-kd" / "model" / "tokenizer.json").unlink()
    (copy / "runs" / "cdssm-kd" / "config.json").write_text("{}")
    assert problems(copy) == (
        "runs/bert-kd/model/tokenizer.json is missing",
        "runs/cdssm-kd/config.json is not the file that was built",
    )


def test_a_model_that_says_other_logits_than_shipped_is_told(demo, judged, tmp_path):
    run = Run.load(shutil.copytree(demo / "runs" / "bert-kd", tmp_path / "bert-kd"))
    said = lab.predictions(run)
    replace(said, logits=said.logits + 2 * TOLERANCE).save(run.predictions_path("test"))
    (told,) = same_answers(run, judged, rows=5)
    assert told.startswith("bert-kd: a logit is 0.002 away")


def test_a_second_build_trains_nothing_and_ships_the_same_models(made, home):
    folder, _ = made
    before = card(folder)["files"]
    told = []
    build(TINY, folder, workspace=home, jobs=1, tell=lambda title, run: told.append(title))
    assert told == ["answers and figures", "latency"]
    assert _untimed(card(folder)["files"]) == _untimed(before)


def test_a_build_tells_each_training_as_it_begins(made):
    titles = [stage.title for stage in TINY.stages()]
    assert made[1] == [*titles, "answers and figures", "latency"]


def _untimed(files):
    """The files of a card without those that hold times of this machine."""
    return {name: digest for name, digest in files.items() if not name.endswith(LATENCY)}


def test_the_demo_holds_its_recipe_as_a_finished_pipeline_and_is_not_written_to(
    demo, tmp_path, monkeypatch
):
    copy = tmp_path / "demo"
    shutil.copytree(demo, copy)
    monkeypatch.setenv("KDLAB_DEMO", str(copy))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    (shipped_one,) = pipeline.pipelines(Workspace.bundled())
    state = pipeline.state(shipped_one)
    assert state.state == "finished"
    assert {stage.name: stage.run for stage in state.stages} == {
        "teacher": "teacher",
        "scores": "scores",
        "cdssm_labels": "cdssm-hard",
        "cdssm_log": "cdssm-kd",
        "cdssm": "cdssm-aware",
    }
    assert not any(stage.taken for stage in state.stages)
    table = pipeline.results(shipped_one)
    measured = {row.stage: row.value for row in table.rows}
    (student, _) = card(demo)["figures"]["students"]
    assert measured["cdssm"] == student["label_aware"]["roc_auc"]["value"]
    assert table.notes[0] == card(demo)["notes"][0]
    assert problems(copy, rows=1) == ()
    assert len([p for p in copy.rglob("*") if p.is_file()]) == len(card(copy)["files"]) + 1


def test_each_stage_of_the_recipe_has_the_settings_of_its_run(demo):
    (shipped_one,) = pipeline.pipelines(Workspace(demo))
    runs = shipped_one.run_ids()
    for stage in shipped_one.plan.stages:
        assert stage.filled(runs) == to_dict(Run.load(demo / "runs" / runs[stage.name]).config)


def test_every_model_is_timed_on_the_machine_that_built_the_demo(demo):
    for name in RUNS:
        measured = Latency.read(Run.load(demo / "runs" / name))
        assert measured.machine
        assert (measured.teacher is not None) == (name.endswith(("-kd", "-aware")))
        assert measured.student.one_thread.p50_ms > 0


def test_students_that_start_together_find_the_log_scored(home):
    work = home.cache_folder(f"demo-{TINY.key}")
    ended = Run.load(work / "runs" / "scores").status().ended
    files = {path: Predictions.load(path) for path in (work / "cache" / "logits").glob("*")}
    (log,) = (path for path, each in files.items() if len(each) == 240 and each.model == TEACHER)
    assert log.stat().st_mtime <= ended


def test_another_seed_is_another_plan():
    assert replace(TINY, seed=1).key != TINY.key == replace(TINY).key


def test_compact_features_are_off_by_half_a_step_at_most(tmp_path):
    features = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    features[:, 2] = 0.25  # a unit that says nothing
    said = Predictions(features[:, :3], "hash", "model", features, ("a note",))
    said.save(tmp_path / "said.parquet", compact=True)
    found = Predictions.load(tmp_path / "said.parquet")
    assert (found.logits == said.logits).all()
    assert found.features is not None
    step = np.ptp(features, axis=0) / 255
    assert (np.abs(found.features - features) <= step * 0.501 + 1e-6).all()
    assert (found.features[:, 2] == 0.25).all()
    assert (found.data_hash, found.model, found.notes) == ("hash", "model", ("a note",))


# umap names a part that needs TensorFlow
UMAP = pytest.mark.filterwarnings("ignore::ImportWarning")


@pytest.fixture(scope="module")
def measured(made, home):
    """What the app's pages open on beside the demo."""
    folder = home.root / "measured"
    plan = replace(TINY, searched="cdssm")
    measure_pages(plan, made[0], folder, workspace=home, ads="world:ads=300")
    return folder


@pytest.mark.slow
@UMAP
def test_retrieval_is_measured_with_the_demo_s_models(measured, demo):
    study, runs = Study.load(measured / "retrieval.safetensors"), RunStore(demo / "runs")
    student, teacher, twin = map(runs.get, ("cdssm-kd", TEACHER, "cdssm-hard"))
    assert Request(student, teacher, twin, "world:ads=300").is_answered_by(study)


@pytest.mark.slow
@UMAP
def test_the_maps_of_the_demo_s_models_are_drawn_and_their_moments_copied(
    measured, demo, home, judged
):
    folder, runs = measured / "maps", RunStore(demo / "runs")
    pairs = [("cdssm-hard", "cdssm-kd"), (TEACHER, "cdssm-kd")]
    pairs += [("bert-hard", "bert-kd"), (TEACHER, "bert-kd")]  # no label-aware: without features
    names = {maps_key(*(space_of(runs.get(name)) for name in pair)) for pair in pairs}
    towers = [runs.get(name).model_folder for name in ("cdssm-hard", "cdssm-kd")]
    names.add(texts_key(*towers, TextPoints.of(judged)))
    assert {path.stem for path in folder.glob("*.safetensors")} == names
    trained = RunStore(home.cache_folder(f"demo-{TINY.key}") / "runs")
    for name in ("cdssm-hard", "cdssm-kd"):
        moments = moments_of(folder / "moments" / name, name)
        probe = PairTable.load(runs.get(name).replay_folder / "probe")
        assert moments is not None
        assert moments.data_hash == probe.content_hash
        assert moments.steps == moments_of(trained.get(name).replay_folder, name).steps


@pytest.mark.slow
def test_several_trainings_at_once_come_to_the_same_weights(home, made, tmp_path):
    workspace = Workspace(tmp_path / "home")
    build(TINY, tmp_path / "demo", workspace=workspace, jobs=3)
    one, other = (card(folder)["files"] for folder in (made[0], tmp_path / "demo"))
    weights = [name for name in one if name.endswith("model.safetensors")]
    assert len(weights) == len(RUNS)
    assert {name: one[name] for name in weights} == {name: other[name] for name in weights}


@pytest.mark.slow
def test_a_build_that_was_interrupted_leaves_no_process_and_goes_on(tmp_path):
    workspace, begun = Workspace(tmp_path / "home"), []

    def interrupt(title, run):
        begun.append(run)
        if len(begun) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(TINY, tmp_path / "demo", workspace=workspace, jobs=2, tell=interrupt)
    assert not (tmp_path / "demo").exists()
    assert all(run.status().state != "running" for run in begun)
    build(TINY, tmp_path / "demo", workspace=workspace, jobs=2)
    assert problems(tmp_path / "demo", rows=20) == ()
