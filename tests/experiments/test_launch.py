import pytest

from kdcore.config import FinetuneConfig, MethodConfig, TrainingConfig
from kdcore.errors import LabError
from kdcore.experiments import launch as launching
from kdcore.experiments.estimate.data_stats import stats_of
from kdcore.experiments.launch import launch
from kdcore.experiments.presets import config_of
from kdcore.experiments.titles import title_of
from kdcore.runs import twins
from kdcore.runs.purpose import Purpose
from kdcore.runs.resolve import resolved
from kdcore.runs.store import RunStore
from kdcore.runs.twins import Twins, are_twins, is_twin, twin_of

from .planned import distillation, planned, pretended


def twin_in(config, workspace):
    stats = stats_of(config, workspace)
    return twin_of(config, stats.transfer, stats.labelled)


def known_twin(config, workspace):
    return Twins(workspace).find(twin_in(resolved(config, workspace), workspace))


@pytest.fixture
def queued(monkeypatch):
    """Ids in the order in which they were put into the queue; nobody starts them."""
    ids = []
    monkeypatch.setattr(
        launching, "enqueue", lambda runs, workspace: ids.extend(run.id for run in runs)
    )
    return ids


def test_a_student_and_its_twin_are_one_group_and_the_student_is_first(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    made = launch(distillation(teacher), workspace)
    student, twin = made.student, made.twin
    assert queued == [student.id, twin.id]
    assert student.purpose.group == twin.purpose.group != ""
    assert (student.purpose.role, twin.purpose.role) == ("student", "twin")
    assert student.purpose.twin == twin.id
    assert are_twins(student.settings, twin.settings)
    assert not made.reused
    assert "seconds" in student.purpose.estimate
    assert "seconds" in twin.purpose.estimate


def test_without_a_twin_only_the_student_is_made(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    made = launch(distillation(teacher), workspace, twin=False)
    assert made.twin is None
    assert queued == [made.student.id]
    assert made.student.purpose.twin == ""


def test_a_twin_that_was_trained_before_serves_again(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    config = distillation(teacher)
    before = pretended(workspace, twin_of(config))
    warmer = distillation(teacher, method=MethodConfig(params={"temperature": 8}), device="cpu")
    assert known_twin(warmer, workspace).id == before.id
    assert known_twin(distillation(teacher, seed=9), workspace) is None
    made = launch(warmer, workspace)
    assert made.reused
    assert made.twin.id == made.student.purpose.twin == before.id
    assert queued == [made.student.id]


def test_a_twin_in_the_queue_serves_the_next_student_too(tmp_path, queued, monkeypatch):
    workspace, teacher = planned(tmp_path)
    first = launch(distillation(teacher), workspace)
    monkeypatch.setattr(twins, "_is_queued", lambda run, workspace: run.id in queued)
    second = launch(distillation(teacher, hard_weight=0.5), workspace)
    assert second.twin.id == first.twin.id
    assert len(queued) == 3


@pytest.mark.parametrize("spoiled", ["kept early", "failed", "another seed", "forgotten"])
def test_a_twin_that_is_not_whole_or_not_equal_is_trained_anew(tmp_path, queued, spoiled):
    workspace, teacher = planned(tmp_path)
    config = distillation(teacher)
    twin = twin_of(config)
    if spoiled == "kept early":
        pretended(workspace, twin, epochs=1.0)
    elif spoiled == "failed":
        pretended(workspace, twin, state="failed")
    elif spoiled == "another seed":
        pretended(workspace, twin_of(distillation(teacher, seed=1)))
    else:
        pretended(workspace, twin, state="queued")  # no process, no entry: nobody will train it
    assert not launch(config, workspace).reused
    assert len(queued) == 2


def test_a_twin_of_a_student_with_unlabelled_pairs_takes_as_many_steps(tmp_path, queued):
    workspace, teacher = planned(tmp_path, log=96)
    config = distillation(teacher, transfer="train+log")
    assert twin_in(config, workspace).training.epochs == 3 * config.training.epochs
    made = launch(config, workspace)
    assert is_twin(made.student, made.twin)


def test_data_without_a_labelled_pair_to_train_on_give_no_twin_and_the_reason(tmp_path, queued):
    workspace, teacher = planned(tmp_path, log=96, bare=48)
    config = distillation(teacher, transfer="log", hard_weight=0.0)
    made = launch(config, workspace)
    assert made.twin is None
    assert "no labelled training pair" in made.why
    assert queued == [made.student.id]


@pytest.mark.parametrize("step", ["create", "enqueue"])
def test_runs_that_nobody_would_start_lie_in_the_trash(tmp_path, monkeypatch, step):
    workspace, teacher = planned(tmp_path)
    create = RunStore.create

    def fail(store, config, **rest):
        if step == "create" and config["stage"] == "finetune":
            return create(store, config, **rest)
        raise LabError("the disk is full")

    if step == "create":
        monkeypatch.setattr(RunStore, "create", fail)
    else:
        monkeypatch.setattr(launching, "enqueue", lambda *_: fail(None, {}))
    with pytest.raises(LabError, match="the disk is full"):
        launch(distillation(teacher), workspace)
    store = RunStore(workspace.runs)
    assert [run.id for run in store.list()] == [teacher.id]
    assert len(store.trashed()) == (1 if step == "create" else 2)


def test_a_teacher_elsewhere_is_named_by_its_folder(tmp_path, queued):
    workspace, _ = planned(tmp_path / "home")
    _, teacher = planned(tmp_path / "demo")
    config = config_of(
        "sixty_seconds", {"teacher": str(teacher.folder), "data": "invented", "limit": 0}
    )
    made = launch(config, workspace, purpose=Purpose(preset="sixty_seconds"))
    assert made.student.teacher == str(teacher.folder.resolve())
    assert made.student.purpose.preset == "sixty_seconds"
    assert made.student.purpose.changed == {"data": "invented", "limit": 0}


@pytest.mark.parametrize("wrong", [{"data": "nowhere"}, {"transfer": "log"}])
def test_what_cannot_be_trained_leaves_no_run(tmp_path, queued, wrong):
    workspace, teacher = planned(tmp_path)
    with pytest.raises(LabError):
        launch(distillation(teacher, **wrong), workspace)
    unfinished = RunStore(workspace.runs).create({"stage": "finetune"})
    with pytest.raises(LabError, match="has no model yet"):
        launch(distillation(unfinished), workspace)
    assert len(RunStore(workspace.runs).list()) == 2
    assert queued == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "TwinBERT cosine, T 2, seed 0"),
        ({"method.params.temperature": 4, "seed": 3}, "TwinBERT cosine, T 4, seed 3"),
        ({"student": "bert:layers=3"}, "BERT-3, T 2, seed 0"),
        ({"method.params.loss": "mse_logits"}, "TwinBERT cosine, MSE of logits, seed 0"),
        ({"terms.feature.params.loss": "cosine"}, "TwinBERT cosine, T 2 + feature cosine, seed 0"),
        ({"method.name": "ranking"}, "TwinBERT cosine, ranking margin MSE, seed 0"),
        ({"soft_weight": 0, "terms.relation.weight": 1}, "TwinBERT cosine, relation, seed 0"),
        ({"transfer": "log"}, "TwinBERT cosine, T 2, unlabelled pairs, seed 0"),
        ({"student.name": "checkpoint", "student.checkpoint": "x/mini"}, "mini, T 2, seed 0"),
    ],
)
def test_a_title_says_what_a_person_would(changes, said):
    assert title_of(config_of("sixty_seconds", changes)) == said


def test_a_twins_title_says_that_it_had_labels_only():
    assert title_of(twin_of(config_of("sixty_seconds"))) == "TwinBERT cosine, labels only, seed 0"


def test_a_queued_config_reads_back(tmp_path, queued):
    workspace, teacher = planned(tmp_path)
    made = launch(distillation(teacher), workspace)
    assert made.student.config.teacher == teacher.id
    twin = made.twin.config
    assert isinstance(twin, FinetuneConfig)
    assert isinstance(twin.training, TrainingConfig)
