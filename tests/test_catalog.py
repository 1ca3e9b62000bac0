"""The catalog: every entry is explained, possible, and says why when it does not fit."""

from dataclasses import MISSING, fields
from importlib import import_module

import pytest

from kdcore import catalog
from kdcore.catalog import METHODS, SIZES, STUDENTS, Method, misfit
from kdcore.config import ModelConfig
from kdcore.errors import UnknownNameError
from kdcore.knobs import problems_of
from kdcore.objectives.params import ResponseParams
from kdcore.outputs import FIELDS

INTERNAL = Method(
    title="Internal representations",
    summary="made for this test",
    paper="none",
    params=ResponseParams,
    needs=frozenset({"hidden_states", "attentions"}),
)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_explained_and_possible(name):
    method = METHODS[name]
    assert method.title
    assert method.summary
    assert method.paper
    assert all(knob.metadata["help"] for knob in fields(method.params))
    assert any(method.reads() <= spec.gives for spec in STUDENTS.values())


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_its_file(name):
    assert callable(import_module(f"kdcore.objectives.{name}").objective)


@pytest.mark.parametrize("name", STUDENTS)
def test_every_student_is_explained(name):
    student = STUDENTS[name]
    assert student.title
    assert student.summary
    assert student.paper
    assert all(knob.metadata["help"] for knob in fields(student.params))


@pytest.mark.parametrize("name", [*METHODS, *STUDENTS])
def test_every_default_is_inside_its_own_range(name):
    kind = (METHODS | STUDENTS)[name].params
    assert all(knob.default is not MISSING for knob in fields(kind))
    assert problems_of(kind()) == []


@pytest.mark.parametrize("name", [*METHODS, *STUDENTS])
def test_what_is_needed_and_given_are_fields_of_outputs(name):
    entry = (METHODS | STUDENTS)[name]
    named = entry.reads() if isinstance(entry, Method) else entry.gives
    assert named
    assert named <= set(FIELDS)


@pytest.mark.parametrize("name", SIZES)
def test_every_size_is_a_valid_model(name):
    made = ModelConfig.parse(name)
    assert made.name == "bert"
    assert {knob: getattr(made.params, knob) for knob in SIZES[name]} == SIZES[name]


@pytest.mark.parametrize("name", STUDENTS)
def test_response_fits_every_student(name):
    assert misfit("response", name) == ""


def test_a_misfit_says_what_is_missing_and_who_has_it(monkeypatch):
    monkeypatch.setitem(catalog.METHODS, "made_up", INTERNAL)
    assert misfit("made_up", "bert") == ""
    assert misfit("made_up", "cdssm") == (
        "Internal representations needs attention maps and token states of each layer, "
        "which C-DSSM does not give; choose BERT-n or Pretrained encoder"
    )


@pytest.mark.parametrize(
    ("method", "knobs", "reads", "teacher"),
    [
        ("response", {}, {"logits"}, "cached"),
        ("feature", {}, {"features"}, "cached"),
        ("feature", {"on": "tokens"}, {"hidden_states"}, "live"),
        ("relation", {}, {"features"}, "cached"),
        ("ranking", {}, {"logits"}, "cached"),
        ("feature", {"on": "cls"}, {"cls_states"}, "live"),
        ("internal", {}, {"cls_states", "attentions"}, "live"),
        ("internal", {"loss": "minilm"}, {"cls_states", "projections"}, "live"),
    ],
)
def test_knobs_decide_what_is_read_and_whether_the_teacher_runs_at_every_step(
    method, knobs, reads, teacher
):
    entry = METHODS[method]
    params = entry.params(**knobs)
    assert entry.reads(params) == reads
    assert entry.teacher(params) == teacher
    assert bool(misfit(method, "cdssm", params)) == (teacher == "live")


@pytest.mark.parametrize(
    ("ask", "typo", "near"),
    [("student_entry", "twinbert_cosine", "twinbert_cos"), ("method_entry", "respons", "response")],
)
def test_a_typo_is_answered_with_the_nearest_name(ask, typo, near):
    with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
        getattr(catalog, ask)(typo)
