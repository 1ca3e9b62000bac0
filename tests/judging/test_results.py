"""A finished run is measured at its end, whichever of it and its twin ends last."""

import math

import pytest

from kdcore.data.pairs import PairTable, make_frame
from kdcore.errors import LabError, RunError
from kdcore.evaluation.result_files import read_differences, stored_differences
from kdcore.judging import background, results
from kdcore.judging.background import Request, failures, progress, request, serve
from kdcore.judging.results import measure_finished, measure_missing, starred_run
from kdcore.lab import stored_evaluation
from kdcore.labels import FOUR_GRADES
from kdcore.runs.marks import Marks
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run
from kdcore.workspace import Workspace
from tests.runs.made_runs import answer, config_of, make_run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Few draws; the demo lies elsewhere; nothing of another test is remembered."""
    whole = results.compare
    monkeypatch.setattr(
        results,
        "compare",
        lambda *a, **k: whole(*a, **(k | {"resamples": 60, "permutations": 60,
                                          "area_permutations": 20})),
    )  # fmt: skip
    monkeypatch.setattr(background, "ensure_process", lambda workspace: None)
    read_differences.cache_clear()


@pytest.fixture
def home(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    return Workspace(tmp_path / "home")


def pairs() -> PairTable:
    query = [f"q{i // 5}" for i in range(100)]
    frame = make_frame(query, [f"t{i}" for i in range(100)], [""] * 100,
                       [i % 4 for i in range(100)], "test")  # fmt: skip
    return PairTable(frame, FOUR_GRADES, "made")


def twin_config(student):
    kept = {k: v for k, v in student.items() if k not in ("student", "method", "teacher")}
    return kept | {"stage": "finetune", "model": student["student"]}


def run(home, name, config, skill=1.0, **made) -> Run:
    folder = make_run(home.runs / name, config, auc=None, **made)
    if skill is not None:
        answer(folder, pairs(), skill, evaluated=False)
    return Run.load(folder)


@pytest.mark.parametrize("last", ["student", "twin"])
def test_whichever_of_student_and_twin_answers_last_measures_the_difference(home, last):
    config = config_of()
    about = Purpose(twin="alone")
    made = {
        "student": run(home, "kd", config, 3.0, purpose=about),
        "twin": run(home, "alone", twin_config(config), 0.1),
    }
    measure_finished(made[last], pairs(), home)
    assert stored_evaluation(made[last]) is not None
    found = stored_differences(home, made["student"], made["twin"])
    assert found["roc_auc"].verdict == "BETTER"
    assert found["roc_auc"].n == 100


def test_a_run_whose_twin_has_not_answered_is_evaluated_alone(home):
    config = config_of()
    student = run(home, "kd", config, 3.0, purpose=Purpose(twin="alone"))
    twin = run(home, "alone", twin_config(config), None)
    measure_finished(student, pairs(), home)
    assert stored_evaluation(student).metrics["roc_auc"].value > 0.8
    assert stored_differences(home, student, twin) is None


def test_a_finished_run_is_compared_with_the_star_only_on_the_same_pairs(home):
    base = run(home, "base", config_of(8.0), 0.5)
    other = run(home, "other", config_of(4.0), None)
    few = pairs().take(range(50))
    answer(other.folder, few, 1.0, evaluated=False)
    Marks(home).keep("base", star=True)
    assert starred_run(home).folder == base.folder
    student = run(home, "kd", config_of(), 3.0)
    measure_finished(student, pairs(), home)
    assert stored_differences(home, student, base)["roc_auc"].delta > 0
    measure_finished(other, few, home)
    assert stored_differences(home, other, base) is None
    assert stored_evaluation(other) is not None


def test_a_difference_of_answers_that_changed_is_not_found_again(home):
    one, two = run(home, "one", config_of(), 3.0), run(home, "two", config_of(4.0), 0.2)
    results.compare_runs(one, two, pairs(), home)
    kept = stored_differences(home, one, two)
    read_differences.cache_clear()
    again = stored_differences(home, one, two)
    assert again["roc_auc"] == kept["roc_auc"]
    answer(two.folder, pairs(), 2.5, evaluated=False)
    read_differences.cache_clear()
    now = stored_differences(home, one, two)
    assert now is None or math.isclose(now["roc_auc"].delta, kept["roc_auc"].delta)


def test_requests_are_served_in_the_background_and_failures_kept_with_their_reason(
    home, monkeypatch
):
    def split_of(found, split, *_):
        if found.id == "lost":
            raise RunError("gone")
        return pairs()

    monkeypatch.setattr(results, "split_of", split_of)
    good, base = run(home, "good", config_of(), 2.0), run(home, "base", config_of(4.0), 0.1)
    lost = run(home, "lost", config_of(1.0), 1.0)
    wanted = [Request(good, base), Request(lost), Request(good)]
    request(wanted, home)
    assert progress(wanted, home).left == 3
    serve(home, idle=0)
    assert progress(wanted, home) == (0, None)
    assert stored_differences(home, good, base) is not None
    assert stored_evaluation(good) is not None
    assert failures(wanted, home) == {
        Request(lost).name: "the pairs that it was scored on are not here any more"
    }
    request([Request(lost)], home)
    assert failures(wanted, home) == {}


def test_a_run_without_answers_cannot_be_measured(home):
    blank = run(home, "blank", config_of(), None)
    with pytest.raises((LabError, OSError)):
        measure_missing(blank, None, home)
