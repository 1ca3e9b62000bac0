"""Configs: checked at birth, every problem at once, YAML and JSON both ways."""

import json
import re
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from kdcore import catalog, config
from kdcore.catalog import BertParams, CdssmParams, Method, TwinBertCosineParams
from kdcore.config import (
    STAGES,
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    MethodConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    ScheduleConfig,
    TaskConfig,
    TeachConfig,
    TermConfig,
    TrainingConfig,
)
from kdcore.errors import ConfigError
from kdcore.experiments.changes import changed, differences
from kdcore.objectives.params import ResponseParams

EVERY_STAGE = {
    "pretrain": PretrainConfig(
        split="train+log",
        mask_share=0.2,
        next_ad_weight=0.5,
        training=TrainingConfig(epochs=3, batch_size=32),
    ),
    "finetune": FinetuneConfig(
        data="some/where",
        limit=500,
        model=ModelConfig.parse("bert:layers=3,hidden=96,heads=3"),
        loss="ce",
        label_smoothing=0.1,
        training=TrainingConfig(epochs=2, learning_rate=1e-4, precision="fp32", replay_points=3),
    ),
    "multitask": MultitaskConfig(
        tasks=(TaskConfig(name="click", weight=0.5), TaskConfig(name="query_intent")),
        task_weight=0.3,
        split="train+log",
    ),
    "infer": InferConfig(run="a-run", splits=("train", "log"), batch_size=64),
    "teach": TeachConfig(
        model=ModelConfig(name="ready", checkpoint="a/ranker", params={"labels": "Good,Bad"}),
        calibrate=True,
    ),
    "distill": DistillConfig(
        teacher="a-run",
        student=ModelConfig(name="cdssm", params={"filters": 32, "shared": True}),
        method=MethodConfig(name="response", params={"temperature": 3.5, "loss": "ce"}),
        soft_weight=0.7,
        hard_weight=0.0,
        transfer="train+log",
        seed=7,
    ),
}


def problems(make) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        make()
    return caught.value.problems


def test_the_examples_here_cover_every_stage():
    assert set(EVERY_STAGE) == set(STAGES)


@pytest.mark.parametrize("stage", EVERY_STAGE)
def test_a_config_survives_yaml(stage, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(config.to_yaml(EVERY_STAGE[stage]), encoding="utf-8")
    assert config.load(path) == EVERY_STAGE[stage]


@pytest.mark.parametrize("stage", EVERY_STAGE)
def test_a_config_survives_json(stage, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.to_dict(EVERY_STAGE[stage])), encoding="utf-8")
    assert config.load(path) == EVERY_STAGE[stage]


@pytest.mark.parametrize("stage", EVERY_STAGE)
def test_yaml_names_the_stage_and_keeps_the_declared_order(stage):
    written = list(yaml.safe_load(config.to_yaml(EVERY_STAGE[stage])))
    assert "stage" in written
    assert written == list(config.to_dict(EVERY_STAGE[stage]))


def test_a_config_cannot_be_changed_after_its_check():
    with pytest.raises(FrozenInstanceError):
        TrainingConfig().epochs = 0  # type: ignore[misc]


def test_defaults_are_valid_once_the_named_runs_are_given():
    FinetuneConfig()
    InferConfig(run="a")
    DistillConfig(teacher="a")


@pytest.mark.parametrize("kind", [InferConfig, DistillConfig])
def test_a_stage_that_needs_a_run_asks_for_it(kind):
    assert any("name the run" in problem for problem in problems(kind))


def test_every_problem_is_said_at_once_each_with_its_path_and_way_out():
    found = problems(
        lambda: config.from_dict(
            {
                "stage": "distill",
                "sed": 3,
                "soft_weight": -1,
                "transfer": "everything",
                "student": {"name": "bert", "params": {"hiden": 64, "layers": 0}},
                "method": {"name": "response", "params": {"temperature": 0}},
                "training": {"epochs": 0.5, "batchsize": 4},
            }
        )
    )
    assert set(found) == {
        "sed: no such setting; did you mean 'seed'?",
        "soft_weight: -1.0 is outside 0..1000; 1.0 is a safe start",
        "transfer: 'everything' is not one of train, log, train+log; try 'train'",
        "student.params.hiden: no such setting; did you mean 'hidden'?",
        "student.params.layers: 0 is outside 1..48; 2 is a safe start",
        "method.params.temperature: 0.0 is outside 0.25..100; 2.0 is a safe start",
        "training.epochs: 0.5 is not a whole number",
        "training.batchsize: no such setting; did you mean 'batch_size'?",
        "teacher: name the run that teaches",
    }


def test_problems_of_a_model_and_of_its_knobs_come_together():
    found = problems(lambda: ModelConfig(name="bert", params={"layers": 0}, checkpoint="a/b"))
    assert [p.split(":")[0] for p in found] == ["params.layers", "checkpoint"]


def test_knobs_that_are_no_group_are_refused_in_words():
    found = problems(lambda: ModelConfig(params=3))  # type: ignore[arg-type]
    assert found == ("params: 3 is not a group of settings",)


def test_an_unknown_stage_is_told_the_stages():
    assert problems(lambda: config.from_dict({"stage": "distil"})) == (
        "stage: 'distil' is not one of pretrain, finetune, multitask, infer, teach, distill",
    )


@pytest.mark.parametrize(
    ("make", "near"),
    [
        (lambda: ModelConfig(name="twinbertcos"), "twinbert_cos"),
        (lambda: MethodConfig(name="reponse"), "response"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(make, near):
    assert near in problems(make)[0]


@pytest.mark.parametrize(
    ("spec", "name", "params"),
    [
        ("cdssm", "cdssm", CdssmParams()),
        ("twinbert_cos", "twinbert_cos", TwinBertCosineParams()),
        ("bert:layers=4,hidden=256,heads=4", "bert", BertParams(layers=4, hidden=256, heads=4)),
        ("bert_mini", "bert", BertParams(layers=4, hidden=256, heads=4)),
        (
            "bert_mini:layers=3, dropout=0",
            "bert",
            BertParams(layers=3, hidden=256, heads=4, dropout=0),
        ),
        (
            "twinbert_cos:shared=false,pooling=cls",
            "twinbert_cos",
            TwinBertCosineParams(shared=False, pooling="cls"),
        ),
    ],
)
def test_a_short_text_names_a_model_and_its_knobs(spec, name, params):
    assert ModelConfig.parse(spec) == ModelConfig(name=name, params=params)


def test_a_hub_id_or_a_folder_is_a_pretrained_encoder(tmp_path):
    assert ModelConfig.parse("some/encoder").checkpoint == "some/encoder"
    assert ModelConfig.parse(str(tmp_path)).name == "checkpoint"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("twinbert_cos:from=a/b", "pretrained_cos"),
        ("twinbert_res:from=a/b,keep_layers=2,shared=false", "pretrained_res"),
        ('twinbert_cos:from=a/b,query_prompt="find, now: "', "pretrained_cos"),
        ("bert:from=a/b", "checkpoint"),
    ],
)
def test_a_student_starts_from_the_encoder_that_its_short_text_names(spec, name):
    model = ModelConfig.parse(spec)
    assert (model.name, model.checkpoint) == (name, "a/b")
    assert ModelConfig.parse(model.spec) == model


def test_a_prompt_in_quotes_keeps_its_comma_and_its_last_space():
    model = ModelConfig.parse('twinbert_cos:from=a/b,query_prompt="find, now: ",keep_layers=2')
    assert (model.params.query_prompt, model.params.keep_layers) == ("find, now: ", 2)


def test_a_folder_called_as_a_student_does_not_take_its_name(tmp_path, monkeypatch):
    (tmp_path / "bert").mkdir()
    monkeypatch.chdir(tmp_path)
    assert ModelConfig.parse("bert").name == "bert"


@pytest.mark.parametrize("spec", ["bert:layers", "bert:=3", "bert:layers=many", "brt", ""])
def test_a_short_text_that_means_nothing_is_refused(spec):
    assert problems(lambda: ModelConfig.parse(spec))


def test_a_checkpoint_belongs_to_the_pretrained_encoder_and_only_to_it():
    for name in ("checkpoint", "pretrained_cos", "pretrained_res"):
        assert "checkpoint" in problems(lambda name=name: ModelConfig(name=name))[0]
    assert "checkpoint" in problems(lambda: ModelConfig(name="bert", checkpoint="a/b"))[0]


@given(hidden=st.integers(8, 4096), heads=st.integers(1, 64))
def test_heads_that_do_not_divide_the_width_are_answered_with_some_that_do(hidden, heads):
    assume(hidden % heads)
    (problem,) = problems(lambda: ModelConfig(params={"hidden": hidden, "heads": heads}))
    assert problem.startswith(f"params.heads: {heads} do not divide hidden {hidden}")
    suggested = int(problem.split()[-2])
    ModelConfig(params={"hidden": hidden, "heads": suggested})


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({"layers_from": "0 1"}, "names layers of start_from, which is empty"),
        ({"start_from": "r", "layers_from": [0]}, "names 1 layers and params.layers is 2; name 2"),
        ({"start_from": "r", "layers_from": [1, 1]}, "1 1: name each layer once"),
        ({"start_from": "r", "layers_from": [-1, 0]}, "-1 0: name each layer once, counted from 0"),
        (
            {"name": "checkpoint", "checkpoint": "a/b", "params": {"keep_layers": 3}}
            | {"layers_from": [0, 2]},
            "names 2 layers and params.keep_layers is 3; name 3, or set params.keep_layers to 2",
        ),
    ],
)
def test_layers_to_start_from_that_cannot_be_taken_are_refused_early(model, problem):
    with pytest.raises(ConfigError, match=re.escape(problem)):
        config.from_dict({"stage": "finetune", "model": {"name": "bert"} | model})


def test_a_list_of_layers_is_written_only_where_there_is_one():
    model = ModelConfig(name="bert", start_from="r", layers_from=(0, 2))
    assert config.to_dict(FinetuneConfig(model=model))["model"]["layers_from"] == [0, 2]
    assert "layers_from" not in config.to_dict(FinetuneConfig())["model"]


def test_both_weights_at_zero_leave_nothing_to_learn():
    found = problems(lambda: DistillConfig(teacher="a", soft_weight=0, hard_weight=0))
    assert found == ("soft_weight, hard_weight: both are 0, so there is nothing to learn",)


def test_a_method_that_the_student_cannot_serve_is_refused_with_who_can(monkeypatch):
    needs = frozenset({"hidden_states", "attentions"})
    entry = Method("Inside", "made here", "none", ResponseParams, needs)
    monkeypatch.setitem(catalog.METHODS, "inside", entry)
    found = problems(
        lambda: DistillConfig(
            teacher="a", student=ModelConfig(name="cdssm"), method=MethodConfig(name="inside")
        )
    )
    assert found == (
        "method: Inside needs attention maps and token states of each layer, "
        "which C-DSSM does not give; choose BERT-n or Pretrained encoder",
    )


def test_a_changed_copy_is_checked_again():
    with pytest.raises(ConfigError):
        replace(TrainingConfig(), epochs=-1)


@pytest.mark.parametrize(
    "content", [b"just words", b"[1, 2]", b"a: [", b"\xff\xfe\x00", b"", b"stage: 3"]
)
def test_a_file_without_settings_is_refused_in_words(tmp_path, content):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        config.load(path)


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "none.yaml")


def test_a_knob_that_the_loss_would_ignore_is_refused():
    with pytest.raises(ConfigError, match="has no place in mse"):
        FinetuneConfig(loss="mse", label_smoothing=0.1)
    with pytest.raises(ConfigError, match="whose hard_weight is 0"):
        DistillConfig(teacher="x", hard_weight=0, label_smoothing=0.1)


OLD_CONFIGS = sorted((Path(__file__).parent / "fixtures" / "first_house" / "configs").glob("*"))


@pytest.mark.parametrize("path", OLD_CONFIGS, ids=lambda path: path.stem)
def test_a_config_written_before_the_move_opens_with_every_value(path):
    assert config.to_dict(config.load(path)) == yaml.safe_load(path.read_text(encoding="utf-8"))


FEATURE = {"weight": 0.5, "params": {"loss": "cosine"}}


def test_terms_beside_the_first_are_read_by_name_and_written_back():
    data = {"stage": "distill", "teacher": "a", "terms": {"feature": FEATURE, "ranking": {}}}
    made = config.from_dict(data)
    assert [(t.name, t.weight) for t in made.terms] == [("feature", 0.5), ("ranking", 1.0)]
    assert list(made.soft_terms) == ["soft", "feature", "ranking"]
    assert made.soft_terms["soft"].method == "response"
    assert made.terms[0].params.loss == "cosine"
    assert (made.reads, made.compares_lists) == ({"logits", "features"}, True)
    assert config.from_dict(config.to_dict(made)) == made


def test_a_list_of_terms_is_the_whole_soft_loss():
    terms = [
        {"method": "feature", "weight": 0.5},
        "response:temperature=4",
        {"method": "feature", "params": {"loss": "l1"}},
    ]
    made = config.from_dict({"stage": "distill", "teacher": "a", "terms": terms})
    assert (made.method.name, made.soft_weight) == ("feature", 0.5)
    assert [t.name for t in made.terms] == ["feature", "response"]
    assert config.from_dict(config.to_dict(made)) == made
    both = {"stage": "distill", "teacher": "a", "terms": ["x"], "soft_weight": 1}
    found = problems(lambda: config.from_dict(both))
    assert found[0].startswith("soft_weight: is the first of the terms when they are a list")
    assert "no method is called 'x'" in found[1]


def test_a_method_used_twice_gets_a_number_and_a_weight_of_0_takes_a_term_away():
    twice = (TermConfig(name="ranking"), TermConfig(name="ranking", params={"loss": "pearson"}))
    made = DistillConfig(teacher="a", terms=twice)
    assert [t.name for t in made.terms] == ["ranking", "ranking_2"]
    gone = replace(made, terms=(replace(made.terms[0], weight=0), made.terms[1]))
    assert [t.name for t in gone.terms] == ["ranking_2"]


def test_what_is_wrong_with_a_term_is_named_by_its_path():
    found = problems(
        lambda: config.from_dict(
            {
                "stage": "distill",
                "teacher": "a",
                "terms": {
                    "feature": {"params": {"loss": "cosin"}, "weight": -1},
                    "featur": {},
                    "internal": 3,
                },
            }
        )
    )
    assert any(p.startswith("terms.feature.params.loss: 'cosin' is not one of") for p in found)
    assert any(p.startswith("terms.feature.weight: -1.0 is outside") for p in found)
    assert any(p.startswith("terms.featur.name: ") and "'feature'" in p for p in found)
    assert any(p.startswith("terms.internal: 3 is not a group") for p in found)
    inside = problems(lambda: DistillConfig(teacher="a", terms=(TermConfig(name="internal"),)))
    assert inside[0].startswith("terms.internal: Internal needs attention maps")


def test_a_config_without_more_terms_is_written_as_before_they_existed():
    written = config.to_dict(DistillConfig(teacher="a"))
    assert "terms" not in written
    assert list(written["method"]["params"]) == ["loss", "temperature", "teacher_temperature"]


@pytest.mark.parametrize(
    "term",
    [
        TermConfig(name="ranking"),
        TermConfig(name="feature", weight=0.5, params={"on": "cls", "layers": "1:2 3:6"}),
        TermConfig(name="relation", params={"unit_teacher": False}),
    ],
)
def test_the_short_text_of_a_term_is_read_back(term):
    assert TermConfig.parse(term.spec) == term


def test_weights_and_temperature_may_change_in_the_course_of_the_training():
    data = {
        "stage": "distill",
        "teacher": "a",
        "terms": {"feature": {"weight": 0.0}},
        "schedules": {
            "soft": {"end": 0.5},
            "feature": {"end": 1.0, "kind": "cosine"},
            "temperature": {"end": 1.0},
            "hard": {"kind": "constant"},
        },
    }
    made = config.from_dict(data)
    assert [s.name for s in made.schedules] == ["feature", "soft", "temperature"]
    assert [t.name for t in made.terms] == ["feature"]  # it begins with 0
    assert config.from_dict(config.to_dict(made)) == made
    again = changed(made, {"schedules.soft.kind": "constant", "schedules.feature.kind": "constant"})
    assert [s.name for s in again.schedules] == ["temperature"]
    assert changed(made, differences(made, again)) == again
    assert changed(again, differences(again, made)) == made


def test_a_schedule_of_nothing_is_refused():
    wrong = {"ranking": {}, "temperature": {"end": 0.1}, "soft": {"kind": "sudden"}}
    data = {"stage": "distill", "teacher": "a", "schedules": wrong}
    found = problems(lambda: config.from_dict(data))
    assert any(
        p.startswith("schedules.temperature.end: 0.1 is too low for a temperature") for p in found
    )
    assert any(p.startswith("schedules.soft.kind: 'sudden' is not one of") for p in found)
    alone = ScheduleConfig(name="ranking")
    found = problems(lambda: DistillConfig(teacher="a", schedules=(alone,)))
    assert found == ("schedules.ranking: no such term; it is one of soft, hard",)
    hot, order = ScheduleConfig(name="temperature", end=1.0), MethodConfig(name="ranking")
    assert problems(lambda: DistillConfig(teacher="a", method=order, schedules=(hot,))) == (
        "schedules.temperature: no term has soft labels, so there is no temperature to change; "
        "remove this schedule",
    )
