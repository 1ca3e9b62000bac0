import pytest

from kdcore.runs.loss_terms import FAMILIES, family_of

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
