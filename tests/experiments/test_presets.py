import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kdcore import lab
from kdcore.catalog import PRETRAINED, STUDENTS
from kdcore.config import DistillConfig, FinetuneConfig, ModelConfig, TeacherConfig, to_dict
from kdcore.errors import ConfigError, UnknownNameError
from kdcore.experiments.changes import changed, differences, put
from kdcore.experiments.launch import launch
from kdcore.experiments.presets import PRESETS, changed_from, config_of, preset_entry
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "student.name": st.sampled_from(
            [name for name in STUDENTS if name not in PRETRAINED.values()]
        ),
        "method.params.temperature": st.floats(0.25, 100),
        "method.params.loss": st.sampled_from(["kl", "ce", "mse_logits", "mse_probabilities"]),
        "hard_weight": st.floats(0, 1000),
        "transfer": st.sampled_from(["train", "log", "train+log"]),
        "limit": st.integers(0, 10**6),
        "seed": st.integers(0, 2**31 - 1),
        "teacher": st.sampled_from(["another", "/a folder/teacher"]),
        "data": st.sampled_from(["world:train=400", "mine"]),
        "training.epochs": st.integers(1, 1000),
        "training.learning_rate": st.floats(1e-6, 1),
        "training.select_by": st.sampled_from(["nll", "roc_auc"]),
        "student.params.dropout": st.floats(0, 0.9),
        "student.params.query_tokens": st.integers(2, 256),
    },
)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole_as_it_stands_and_is_watched_closely(name):
    config = config_of(name)
    assert isinstance(config, DistillConfig)
    assert config.training.replay_points == 40
    assert config.training.log_every <= 5
    assert 2 <= config.training.validations <= 4
    assert changed_from(name, config) == {}
    about = PRESETS[name]
    for text in (about.title, about.summary, about.promise):
        assert text


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=12, deadline=None)
@given(changes=CHANGES)
def test_what_was_changed_in_a_preset_makes_the_same_config_again(name, changes):
    try:
        config = config_of(name, changes)
    except ConfigError as error:  # this student does not give what a term of the preset reads
        assume("does not give" not in str(error))
        raise
    told = changed_from(name, config)
    assert config_of(name, told) == config
    assert set(told) <= set(changes) | {"student.checkpoint"} or "student.name" in changes


@settings(max_examples=40, deadline=None)
@given(one=CHANGES, other=CHANGES)
def test_differences_lead_from_any_config_to_any_other(one, other):
    before, after = config_of("sixty_seconds", one), config_of("tutorial_replica", other)
    assert changed(before, differences(before, after)) == after


def test_another_student_forgets_the_knobs_and_the_schedule_of_the_one_before():
    config = config_of("paper_twinbert", {"student.name": "cdssm"})
    assert config.student == ModelConfig(name="cdssm")
    assert config.training.batch_size == 512  # told by the preset, so it stays
    suited = config_of("sixty_seconds", {"student.name": "bert"}).training
    assert (suited.batch_size, suited.learning_rate) == (64, 7e-4)
    assert suited.epochs == 5


def test_a_student_can_be_given_as_a_short_text_and_values_as_texts():
    config = config_of("sixty_seconds", {"student": "bert:layers=3", "limit": "500", "seed": "7"})
    assert config.student.params.layers == 3
    assert (config.limit, config.seed) == (500, 7)


def test_every_problem_of_a_change_is_told_at_once_beside_its_path():
    with pytest.raises(ConfigError) as told:
        config_of(
            "sixty_seconds",
            {
                "method.params.temperature": 0,
                "training.epoch": 3,
                "student": "twinbert_coss",
                "limit": "many",
            },
        )
    for problem in (
        "method.params.temperature: 0.0 is outside 0.25..100",
        "training.epoch: no such setting; did you mean 'epochs'?",
        "student.name: no student is called 'twinbert_coss': did you mean 'twinbert_cos'?",
        "limit: 'many' is not a whole number",
    ):
        assert any(found.startswith(problem) for found in told.value.problems), problem


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'classroom_cpu'"):
        preset_entry("classroom")


def test_a_pretrained_encoder_can_take_a_students_place_and_leave_it():
    there = config_of("sixty_seconds", {"student.name": "checkpoint", "student.checkpoint": "a/b"})
    assert there.student.checkpoint == "a/b"
    assert changed(there, {"student.name": "twinbert_res"}).student.checkpoint == ""
    assert config_of("sixty_seconds", changed_from("sixty_seconds", there)) == there


def test_a_finetuning_is_changed_by_the_same_paths():
    config = changed(FinetuneConfig(), {"model": "cdssm", "training.epochs": 3})
    assert (config.model.name, config.training.epochs) == ("cdssm", 3)
    assert config.training.batch_size == 128


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_a_student_of_the_bundled_teacher(name, tmp_path):
    tiny = {"data": "world:train=48,validation=24,test=24", "limit": 0, "training.replay_points": 0}
    tiny |= {"training.batch_size": 16, "training.epochs": 3, "training.log_every": 1}
    workspace = Workspace(tmp_path)
    teacher = TeacherConfig.parse(PRESETS[name].teacher).renamed(lambda run: f"demo:{run}").text
    config = config_of(name, {"teacher": teacher, **tiny})
    run = launch(config, workspace, twin=False, start=False).student
    lab.execute(run, workspace)
    assert Run.load(run.folder).status().state == "finished"
    curves = {name for line in run.metric_lines for name in line}
    assert set(config.soft_terms) <= curves
    assert "student.start_from" not in changed_from(name, run.config)


def test_put_writes_no_value_into_the_mapping_it_came_from():
    before = to_dict(FinetuneConfig())
    values = dict(before)
    put(values, ["training", "epochs"], 99)
    assert before["training"]["epochs"] != 99
