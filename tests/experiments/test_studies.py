from dataclasses import replace

import pytest

from kdcore.config import FinetuneConfig, ModelConfig, from_dict, to_dict
from kdcore.errors import ConfigError, UnknownNameError
from kdcore.experiments.studies import study_entry
from kdcore.experiments.sweep import Sweep
from kdcore.runs.loss_terms import family_of
from kdcore.runs.resolve import resolved
from kdcore.runs.store import RunStore

from .planned import planned, pretended


def test_figure_2_has_students_of_one_to_six_layers_that_start_from_their_teacher(tmp_path):
    workspace, _ = planned(tmp_path)
    model = ModelConfig.parse("bert:layers=12,hidden=64,heads=4,ad_tokens=20,dropout=0.3")
    teacher = pretended(workspace, FinetuneConfig(data="invented", model=model))
    study = study_entry("figure2")
    start = {"stage": "distill", "teacher": teacher.id, "data": "invented", **study.start(teacher)}
    configs = Sweep(from_dict(start), study.grid).configs()
    assert len(configs) == 30
    assert {config.student.params.layers for config in configs} == {1, 2, 3, 4, 6}
    families = [family_of(to_dict(config)) for config in configs]
    assert families.count("response") == families.count("internal") == 15
    for config in configs:
        params = config.student.params
        assert (params.hidden, params.heads, params.ad_tokens) == (64, 4, 20)
        assert params.dropout == 0.1  # no part of the shape
        assert resolved(config, workspace).student.start_from == teacher.id
    grown = pretended(workspace, FinetuneConfig(model=replace(model, start_from=teacher.id)))
    assert study.start(grown)["student"]["start_from"] == teacher.id  # what it started from


def test_a_teacher_without_layers_is_refused_and_a_typo_answered(tmp_path):
    workspace, _ = planned(tmp_path)
    model = ModelConfig.parse("cdssm")
    teacher = pretended(workspace, FinetuneConfig(data="invented", model=model))
    with pytest.raises(ConfigError, match="not a BERT-n"):
        study_entry("figure2").start(RunStore(workspace.runs).get(teacher.id))
    with pytest.raises(UnknownNameError, match="figure2"):
        study_entry("figure_2")
