"""Which stages a recipe has on some data."""

import json

import pytest

from kdcore.errors import ConfigError, DataError
from kdcore.experiments import pipeline
from kdcore.experiments.estimate.estimate import NOT_YET
from kdcore.workspace import Workspace
from tests.experiments.planned import some_pairs


def planned(folder, log=24, **options):
    home = Workspace(folder)
    some_pairs(log=log).save(home.data_folder("invented"))
    return pipeline.plan("relevance", data="invented", workspace=home, **options)


def test_a_stage_stands_after_all_that_it_reads_and_reads_runs_by_their_places(tmp_path):
    plan = planned(tmp_path)
    names = [stage.name for stage in plan.stages]
    for place, stage in enumerate(plan.stages):
        assert set(stage.needs) <= set(names[:place])
    log = plan.stage("student_log")
    assert (log.inputs, log.before) == ({"teacher": "teacher"}, "student_labels")
    assert log.config.transfer == "log"
    assert log.filled({"teacher": "RUN"})["teacher"] == "RUN"
    assert plan.stage("scores").config.splits == ("train", "validation", "test", "log")


def test_data_without_a_log_leave_its_stage_out_with_a_sentence(tmp_path):
    plan = planned(tmp_path, log=0)
    assert "student_log" not in [stage.name for stage in plan.stages]
    assert plan.stage("student").before == "student_labels"
    assert plan.variants[0].finals == {"student": "student"}
    assert plan.left_out == (
        "These data have no log of unlabelled pairs, so the students learn from the labelled "
        "pairs alone.",
    )


def test_an_ablation_runs_equal_stages_once(tmp_path):
    plan = planned(tmp_path, ablation=True)
    whole, *others = plan.variants
    alone = planned(tmp_path)
    assert plan.stages[: len(alone.stages)] == alone.stages
    new = [stage.name for stage in plan.stages[len(alone.stages) :]]
    assert new == ["student-no-log"]
    without_log = next(variant for variant in others if variant.name == "log")
    assert without_log.finals == {"student": "student-no-log"}
    assert (without_log.teacher, without_log.twins) == (whole.teacher, whole.twins)


def test_a_plan_is_plain_data(tmp_path):
    plan = planned(tmp_path, ablation=True, sets={"student_log.training.epochs": 3})
    assert pipeline.Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert plan.stage("student_log").config.training.epochs == 3


def test_one_setting_changes_the_model_of_all_stages_of_a_student(tmp_path):
    plan = planned(tmp_path, sets={"models.student": "cdssm:filters=8"})
    models = [stage.settings.get("student") or stage.settings.get("model") for stage in plan.stages]
    branch = [m["name"] for m, s in zip(models, plan.stages, strict=True) if s.student]
    assert set(branch) == {"cdssm"}


def test_a_plan_of_the_world_generates_few_pairs_and_is_estimated_honestly(tmp_path):
    home = Workspace(tmp_path)
    plan = pipeline.plan("relevance", workspace=home)
    assert plan.data == "world:log=100000"
    each = {one.stage: one for one in pipeline.estimates(plan, home)}
    assert each["student_log"].pairs == 100_000
    assert each["scores"].pairs == 134_000
    assert {one.basis for one in each.values()} == {NOT_YET}
    assert each["teacher"].memory_mb > 0


def test_what_cannot_be_planned_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="nothing; choose from log"):
        planned(tmp_path, without=["nothing"])
    home = Workspace(tmp_path)
    some_pairs(bare=48).save(home.data_folder("unlabelled"))
    with pytest.raises(DataError, match="no pair of split 'train' is labelled"):
        pipeline.plan("relevance", data="unlabelled", workspace=home)


def test_adsbert_pretrains_a_teacher_of_all_tasks_for_two_students(tmp_path):
    home = Workspace(tmp_path)
    plan = pipeline.plan("adsbert", small=True, workspace=home, ablation=True)
    whole = ["pretrain", "multitask", "scores", "cdssm_log", "cdssm", "twinbert_log", "twinbert"]
    twins = ["cdssm_labels", "twinbert_labels"]
    assert [stage.name for stage in plan.stages][:9] == twins + whole
    assert plan.stage("multitask").inputs == {"model.start_from": "pretrain"}
    assert plan.stage("multitask").settings["task_weight"] == 0.2  # at 1 relevance loses
    assert plan.stage("scores").inputs == {"run": "multitask"}
    assert plan.stage("cdssm_log").before == "cdssm_labels"
    each = {variant.name: variant for variant in plan.variants}
    assert list(each) == ["", "pretrain", "multitask", "log", "label_aware"]
    assert each["pretrain"].teacher == "multitask-no-pretrain"
    assert not plan.stage("multitask-no-pretrain").inputs
    alone = plan.stage("teacher-no-multitask")
    assert (alone.kind, alone.inputs) == ("finetune", {"model.start_from": "pretrain"})
    assert each["log"].teacher == "multitask"  # which is pretrained on the log as before
    assert each["label_aware"].finals == {"cdssm": "cdssm_log", "twinbert": "twinbert_log"}
    pairs = {one.stage: one.pairs for one in pipeline.estimates(plan, home)}
    assert (pairs["pretrain"], pairs["multitask"], pairs["scores"]) == (12_000, 2_000, 19_000)


@pytest.mark.parametrize("part", ["pretrain", "multitask", "log", "label_aware"])
def test_adsbert_without_a_part_is_the_variant_of_its_ablation(tmp_path, part):
    home = Workspace(tmp_path)
    lacking = pipeline.plan("adsbert", small=True, workspace=home, without=[part])
    kinds = [stage.kind for stage in lacking.stages]
    assert kinds.count("pretrain") == (part != "pretrain")
    assert kinds.count("multitask") == (part != "multitask")
    names = {stage.name for stage in lacking.stages}
    assert ("cdssm_log" in names, "cdssm" in names) == (part != "log", part != "label_aware")
    if part == "log":
        assert lacking.stage("pretrain").config.split == "log"
        assert "log" not in lacking.stage("scores").config.splits
