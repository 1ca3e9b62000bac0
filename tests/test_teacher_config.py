"""The teacher of a distillation as a short text: read, written again, and refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdcore.catalog import METHODS, TEACHERS
from kdcore.config import (
    DistillConfig,
    MethodConfig,
    TeacherConfig,
    from_dict,
    teacher_misfit,
    to_dict,
)
from kdcore.config.teacher import read_teacher, without_folders
from kdcore.errors import ConfigError

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@pytest.mark.parametrize(
    "text",
    ["20260728-1200-distill-ab12", "demo:teacher", "/a/b+c,d", "C:\\runs\\a", "peer", "run:a"],
)
def test_a_text_that_names_no_kind_is_a_run_and_stays_as_it_is(text: str) -> None:
    teacher = TeacherConfig.parse(text)
    assert (teacher.kind, teacher.runs, teacher.text) == ("run", (text,), text)
    config = DistillConfig(teacher=text)
    assert to_dict(from_dict(to_dict(config)))["teacher"] == text


@given(
    st.lists(NAMES, min_size=2, max_size=4, unique=True),
    st.sampled_from(["probabilities", "logits"]),
)
def test_several_runs_are_read_back_whatever_their_folders_are_called(
    names: list[str], average: str
) -> None:
    teacher = TeacherConfig(kind="ensemble", names=tuple(names), params={"average": average})
    assert TeacherConfig.parse(teacher.text) == teacher


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), st.floats(0.25, 4))
def test_files_are_read_back_whatever_they_are_called(names: list[str], weight: float) -> None:
    weights = "+".join([f"{weight:g}"] * len(names))
    teacher = TeacherConfig(kind="file", names=tuple(names), params={"weights": weights})
    assert TeacherConfig.parse(teacher.text) == teacher
    assert (teacher.files, teacher.runs) == (tuple(names), ())
    assert teacher.weights == (float(f"{weight:g}"),) * len(names)


def test_a_file_is_shown_without_its_folder() -> None:
    teacher = TeacherConfig.parse("file:/home/me/secret/a.csv+A judge,weights=2+1")
    assert without_folders(teacher.text) == "file:a.csv+A judge,weights=2+1"
    assert TeacherConfig.parse("file:a.csv,kind=auto,smoothing=0.1").text == "file:a.csv"


def test_a_file_teaches_by_what_it_gives() -> None:
    """Soft labels and orders; neither vectors nor, from a free score, probabilities."""
    can = {method for method in METHODS if not teacher_misfit("file", method)}
    assert can == {"response", "label_aware", "ranking"}
    refused = [("file:a", "feature"), ("file:a", "residual")]
    refused += [("file:a,kind=score", ""), ("file:a,kind=score", "label_aware")]
    for text, method in refused:
        settings = {"method": {"name": method}} if method else {}
        student = {"name": "twinbert_cos"}
        with pytest.raises(ConfigError) as error:
            from_dict({"stage": "distill", "teacher": text, "student": student, **settings})
        assert any(p.startswith("teacher: ") for p in error.value.problems)
    DistillConfig(teacher="file:a,kind=score", method=MethodConfig(name="ranking"))


def test_knobs_at_their_defaults_are_left_out() -> None:
    assert TeacherConfig.parse("ensemble:a + b,average=probabilities").text == "ensemble:a+b"
    assert TeacherConfig.parse("ema:decay=0.999").text == "ema"
    assert TeacherConfig.parse("ema:decay=0.5").params.decay == 0.5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "name the run that teaches"),
        ("ensemble:a", "name two runs or more"),
        ("ensemble:a+b+a", "a is named twice"),
        ("ensemble:a+", "a name is empty"),
        ("ensemble:a+b,average=median", "'median' is not one of probabilities, logits"),
        ("ensemble:a+b,mean=logits", "mean: no such setting"),
        ("file:", "name the file with the scores"),
        ("file:a+a", "a is named twice; name different files"),
        ("file:a+b,weights=2", "1 given for 2 files"),
        ("file:a+b,weights=2+x", "cannot be read; write one number per file"),
        ("file:a+b,weights=2+0", "must all be above 0"),
        ("file:a,kind=stars", "'stars' is not one of auto, logits"),
        ("ema:decay=2", "outside 0..0.99999"),
        ("ema:decay=[", "cannot be read; write knob=value"),
    ],
)
def test_what_is_wrong_is_said_beside_the_teacher(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        DistillConfig(teacher=text)
    assert any(p.startswith("teacher: ") and problem in p for p in error.value.problems)
    assert read_teacher(text) is None


def test_runs_are_renamed_and_shown_without_their_folders() -> None:
    teacher = TeacherConfig.parse("ensemble:/x/a+b,average=logits")
    assert teacher.renamed(str.upper).text == "ensemble:/X/A+B,average=logits"
    assert without_folders(teacher.text) == "ensemble:a+b,average=logits"
    assert without_folders("/x/a") == "a"
    assert without_folders("ema:decay=2") == "ema:decay=2"  # unreadable, so as it is


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_reads_more_than_a_kind_of_teacher_gives_is_refused(method: str) -> None:
    for kind, entry in TEACHERS.items():
        too_much = entry.gives is not None and bool(METHODS[method].reads() - entry.gives)
        too_much |= method == "residual" and kind in ("peer", "ema")
        assert bool(teacher_misfit(kind, method)) == too_much


@pytest.mark.parametrize("kind", TEACHERS)
def test_every_kind_of_teacher_is_explained(kind: str) -> None:
    entry = TEACHERS[kind]
    assert entry.title
    assert entry.summary.endswith(".")
    assert "arXiv" in entry.paper
    assert entry.params() == entry.params()  # every knob has a default
