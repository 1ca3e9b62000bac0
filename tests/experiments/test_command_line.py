import shlex

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kdcore.__main__ import main
from kdcore.catalog import PRETRAINED, STUDENTS
from kdcore.config import (
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    TeachConfig,
    from_dict,
    to_dict,
)
from kdcore.experiments.changes import changed
from kdcore.experiments.command_line import command_of
from kdcore.experiments.presets import PRESETS, config_of
from kdcore.runs.twins import twin_of

from .planned import planned

COMMON = {
    "data": st.sampled_from(["world", "world:train=400,test=200", "a b/it's.tsv"]),
    "limit": st.integers(0, 10**9),
    "seed": st.integers(0, 2**31 - 1),
    "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "threads": st.integers(0, 1024),
    "label_smoothing": st.floats(0, 0.9),
    "training.epochs": st.integers(1, 1000),
    "training.batch_size": st.integers(1, 65_536),
    "training.learning_rate": st.floats(1e-300, 1),
    "training.warmup": st.floats(0, 0.9),
    "training.select_by": st.sampled_from(["nll", "roc_auc"]),
    "training.replay_points": st.integers(0, 1000),
}
ROLE = {
    "name": st.sampled_from([name for name in STUDENTS if name not in PRETRAINED.values()]),
    "params.dropout": st.floats(0, 0.9),
    "params.query_tokens": st.integers(2, 256),
    "start_from": st.sampled_from(["20261122-2330", "1e5", "another run"]),
}
DISTILL = COMMON | {
    "method.params.temperature": st.floats(0.25, 100),
    "method.params.teacher_temperature": st.floats(0, 100),
    "method.params.loss": st.sampled_from(["kl", "ce", "mse_logits", "mse_probabilities"]),
    "soft_weight": st.floats(0, 1000),
    "hard_weight": st.floats(0.001, 1000),
    "transfer": st.sampled_from(["train", "log", "train+log"]),
    "terms.feature.weight": st.floats(0, 1000),
    "terms.feature.params.loss": st.sampled_from(["l2", "cosine"]),
    "terms.feature.params.layers": st.sampled_from(["last", "6", "2 4", "2,4", "1:2"]),
    "terms.feature_2.weight": st.floats(0, 1000),
    "terms.relation.params.unit_teacher": st.booleans(),
}


def role(name):
    return {f"{name}.{key}": values for key, values in ROLE.items()}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A finished run in the workspace that KDLAB_HOME names."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDLAB_HOME", str(folder))
        yield planned(folder)[1]


def read_back(config, capsys):
    """What the real command line makes of the command."""
    words = shlex.split(command_of(config))
    assert words[0] == "kdlab"
    capsys.readouterr()
    assert main([*words[1:], "--print-config"]) == 0
    return from_dict(yaml.safe_load(capsys.readouterr().out))


FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(changes=st.fixed_dictionaries({}, optional=DISTILL | role("student")))
def test_the_command_of_a_distillation_makes_an_equal_one(changes, teacher, capsys):
    config = config_of("sixty_seconds", {"teacher": teacher.id, **changes})
    assert read_back(config, capsys) == config


@FEW
@given(changes=st.fixed_dictionaries({}, optional=COMMON | role("model")))
def test_the_command_of_a_finetuning_makes_an_equal_one(changes, teacher, capsys):
    config = changed(FinetuneConfig(), changes)
    assert read_back(config, capsys) == config


@pytest.mark.parametrize("name", PRESETS)
def test_the_commands_of_a_preset_and_of_its_twin_make_equal_ones(name, teacher, capsys):
    config = config_of(name, {"teacher": teacher.id})
    assert read_back(config, capsys) == config
    assert read_back(twin_of(config), capsys) == twin_of(config)


def test_the_command_of_an_inference_makes_an_equal_one(teacher, capsys):
    config = InferConfig(
        run=teacher.id, data="invented", splits=("test", "log"), as_is=True, precision="fp32"
    )
    assert read_back(config, capsys) == config
    bare = InferConfig(run=teacher.id, data="invented", batch_size=7, threads=1)
    assert read_back(bare, capsys) == bare


def test_the_command_of_a_ready_teacher_makes_an_equal_one(capsys):
    params = {"labels": "Good,Bad", "pair_tokens": 64, "lowercase": True, "ad_text": "{title}"}
    model = ModelConfig(name="ready", checkpoint="/models/my ranker", params=params)
    config = TeachConfig(model=model, data="world", calibrate=True, batch_size=7, device="cpu")
    assert read_back(config, capsys) == config


@pytest.mark.parametrize("encoder", ["google/bert mini", "17", "true"])
def test_a_pretrained_encoder_is_told_by_name_even_when_it_reads_like_a_number(
    encoder, teacher, capsys
):
    model = ModelConfig(name="checkpoint", checkpoint=encoder, params={"keep_layers": 2})
    assert read_back(FinetuneConfig(model=model), capsys) == FinetuneConfig(model=model)
    distilled = config_of("classroom_cpu", {"teacher": teacher.id, "student": to_dict(model)})
    assert read_back(distilled, capsys) == distilled


def test_pretrained_towers_are_told_with_their_prompts_and_layers(teacher, capsys):
    knobs = {"query_prompt": "find, now: ", "shared": False, "pooling": "last"}
    model = ModelConfig(name="pretrained_res", checkpoint="a b/c", params=knobs, layers_from=(0, 2))
    config = config_of("classroom_cpu", {"teacher": teacher.id, "student": to_dict(model)})
    assert read_back(config, capsys) == config


def test_the_layers_that_a_student_starts_from_stand_in_the_command(teacher, capsys):
    start = {"start_from": teacher.id, "layers_from": [0, 2]}
    model = {"name": "bert", "params": {"hidden": 192, "heads": 3}} | start
    config = config_of("classroom_cpu", {"teacher": teacher.id, "student": model})
    assert config.student.layers_from == (0, 2)
    assert read_back(config, capsys) == config


def test_a_teacher_elsewhere_stands_in_the_command_as_its_folder(tmp_path, teacher, capsys):
    _, other = planned(tmp_path / "my demo")
    config = config_of("classroom_cpu", {"teacher": str(other.folder.resolve())})
    assert "my demo" in command_of(config)
    assert read_back(config, capsys) == config
