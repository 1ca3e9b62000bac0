import pytest

from kdcore.runs.loss_terms import FAMILIES, Change, changes_of, family_of

RESPONSE = {"stage": "distill", "student": {"name": "bert"}, "soft_weight": 1.0}


@pytest.mark.parametrize(
    ("settings", "family"),
    [
        ({"stage": "finetune", "model": {"name": "bert"}}, "labels"),
        ({"stage": "infer", "run": "r"}, ""),
        ({}, ""),
        ({"student": {}}, "response"),  # as the first version wrote it
        (RESPONSE, "response"),
        (RESPONSE | {"terms": {"response": {}}}, "response"),
        (RESPONSE | {"terms": {"feature": {"weight": 0.5}, "feature_2": {}}}, "feature"),
        (RESPONSE | {"terms": {"feature": {}, "internal": {}}}, "several"),
        (RESPONSE | {"terms": {"feature": {"weight": 0}, "internal": {}}}, "internal"),
        ({**RESPONSE, "soft_weight": 0, "method": {"name": "ranking"}}, "response"),
        (RESPONSE | {"method": {"name": "ranking"}}, "ranking"),
        (RESPONSE | {"method": {"name": "a method of the future"}}, ""),
        (RESPONSE | {"teacher": "ensemble:a+b", "terms": {"feature": {}}}, "ensemble"),
        (RESPONSE | {"teacher": "peer:bert_mini"}, "online"),
        (RESPONSE | {"teacher": "born_again"}, "self"),
        (RESPONSE | {"teacher": "peer"}, "online"),
    ],
)
def test_a_run_has_the_family_of_its_teacher_or_of_its_terms(settings, family):
    assert family_of(settings) == family
    assert family in {"", *FAMILIES}


def test_changes_are_those_of_schedules_from_the_setting_to_the_end_temperature_first():
    linear, cosine = {"kind": "linear", "end": 1.0}, {"kind": "cosine", "end": 0.0}
    settings = RESPONSE | {
        "method": {"name": "response", "params": {"temperature": 8.0}},
        "terms": {"feature_2": {"weight": 0.0}},
        "hard_weight": 0.1,
        "schedules": {"feature_2": linear, "hard": cosine, "soft": linear, "temperature": linear},
    }
    assert changes_of(settings) == [  # soft weight 1 stays 1, so it does not change
        Change("temperature", "linear", 8.0, 1.0),
        Change("feature_2", "linear", 0.0, 1.0),
        Change("hard", "cosine", 0.1, 0.0),
    ]
    assert changes_of(settings)[1].words == "the weight of feature 2 from 0 to 1 (linear)"
    assert changes_of({"schedules": "all"}) == []
