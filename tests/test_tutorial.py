"""The tutorial's five tasks end in one honest table."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from kdcore import lab
from kdcore.config import MethodConfig, ModelConfig, TrainingConfig
from kdcore.errors import ConfigError, LabError, RunError
from kdcore.evaluation.exports import evaluation_from_json
from kdcore.labels import LabelScheme
from kdcore.runs.store import Run
from kdcore.training.session import Session
from kdcore.tutorial import TASKS, TutorialPlan, TutorialResult, tutorial
from kdcore.workspace import Workspace

WORLD = "world:seed=1,log=0,train=240,validation=80,test=80"
MODEL = "layers=1,hidden=16,heads=2,vocabulary=300"
TRAINED = ("teacher_ft", "student_ft", "student_kd")


def plan(**changes: Any) -> TutorialPlan:
    training = TrainingConfig(epochs=2, batch_size=32, learning_rate=5e-3)
    usual: dict[str, Any] = {
        "data": WORLD,
        "device": "cpu",
        "threads": 1,
        "teacher": ModelConfig.parse(f"bert:{MODEL}"),
        "student": ModelConfig.parse(f"twinbert_cos:{MODEL}"),
        "teacher_training": training,
        "student_training": training,
    }
    return TutorialPlan(**(usual | changes))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial") / "out"


@pytest.fixture(scope="module")
def result(out: Path) -> TutorialResult:
    return tutorial(plan(), out=out)


def test_the_table_has_a_row_a_trained_model_in_order(result: TutorialResult) -> None:
    rows = result.rows()
    assert [row["task"] for row in rows] == list(TRAINED)
    assert set(result.seconds) == set(TASKS)
    assert result.source
    for row in rows:
        assert row["roc_auc_low"] <= row["roc_auc"] <= row["roc_auc_high"]
        assert 0 <= row["pr_auc"] <= 1
        assert row["n"] == result.splits["test"]
        assert row["seconds"] > 0


def test_the_gap_is_that_of_the_three_rows(result: TutorialResult) -> None:
    teacher, twin, student = (row["roc_auc"] for row in result.rows())
    gap = result.gap
    assert (gap.teacher, gap.student_ft, gap.student_kd) == pytest.approx((teacher, twin, student))
    if teacher > twin:
        assert gap.value == pytest.approx((student - twin) / (teacher - twin))
    else:
        assert gap.value != gap.value
    assert result.difference().delta == pytest.approx(student - twin)
    assert result.difference().verdict in ("BETTER", "WORSE", "INCONCLUSIVE")
    assert result.difference().verdict in result.sentence()


def test_the_students_differ_in_nothing_but_the_teacher(result: TutorialResult) -> None:
    twin, student = (dict(result.runs[task].settings) for task in ("student_ft", "student_kd"))
    assert twin.pop("model") == student.pop("student")
    assert (twin.pop("stage"), student.pop("stage")) == ("finetune", "distill")
    assert student.pop("teacher") == result.runs["teacher_ft"].id
    assert twin.pop("loss") == "ce"
    assert (student.pop("soft_weight"), student.pop("hard_weight")) == (1.0, 0.1)
    assert student.pop("method")["name"] == "response"
    assert student.pop("transfer") == "train"
    assert twin == student
    steps = [result.runs[task].metrics()[-1]["step"] for task in ("student_ft", "student_kd")]
    assert steps[0] == steps[1] > 0


def test_the_last_student_finds_the_teacher_s_answers_in_the_cache(
    result: TutorialResult, out: Path
) -> None:
    assert len(list(Workspace(out).cache_folder("logits").glob("*.parquet"))) == 2  # two splits


def test_the_folder_holds_all_that_was_found(result: TutorialResult, out: Path) -> None:
    kept = json.loads((out / "tutorial.json").read_text())
    assert kept["runs"] == {task: run.id for task, run in result.runs.items()}
    assert json.loads(json.dumps(result.to_dict()))["runs"] == kept["runs"]
    test = result.splits["test"]
    assert len((out / "test.qrels").read_text().splitlines()) == test
    for task in TRAINED:
        assert len((out / f"{task}.run").read_text().splitlines()) == test
        assert "roc_auc" in (out / f"{task}.csv").read_text()
        path = result.runs[task].evaluation_path("test")
        found = evaluation_from_json(path.read_text()).metrics["roc_auc"].value
        assert found == result.evaluations[task].metrics["roc_auc"].value
    assert "roc_auc" in (out / "comparison.csv").read_text()
    assert {run.id for run in lab.store(Workspace(out)).list()} == set(kept["runs"].values())


def test_a_plan_that_cannot_end_well_is_refused_before_it_begins() -> None:
    with pytest.raises(ConfigError) as caught:
        plan(seed=-1, hard_weight=-2)
    assert len(caught.value.problems) >= 1
    with pytest.raises(ConfigError, match="both are 0"):
        plan(soft_weight=0, hard_weight=0)
    with pytest.raises(ConfigError, match="no method is called"):
        plan(method=MethodConfig(name="respnse"))
    assert {"seed", "data", "limit"} <= {field.name for field in fields(TutorialPlan)}


@pytest.fixture
def unlabelled_test(tmp_path: Path) -> Workspace:
    """A workspace whose data set `holes` has one unlabelled pair in its test split."""
    data = lab.pairs_of(plan().finetuning("teacher_ft"), Workspace(tmp_path))
    frame = data.frame.copy()
    frame.loc[frame.index[frame["split"] == "test"][3], "grade"] = -1
    replace(data, frame=frame, name="holes").save(Workspace(tmp_path).data_folder("holes"))
    return Workspace(tmp_path)


def test_an_unlabelled_test_pair_is_left_out_and_spoils_nothing(
    unlabelled_test: Workspace, tmp_path: Path
) -> None:
    result = tutorial(plan(data="holes"), out=tmp_path / "out", workspace=unlabelled_test)
    test = result.splits["test"]
    assert {row["n"] for row in result.rows()} == {test - 1}
    assert len((tmp_path / "out" / "test.qrels").read_text().splitlines()) == test - 1
    assert len((tmp_path / "out" / "student_kd.run").read_text().splitlines()) == test


def test_a_stop_ends_the_whole_tutorial_and_the_run_stays_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    told: list[str] = []

    def tell(task: str, run: Run | None) -> None:
        told.append(task)

    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        genuine(self, *args)
        self.run.request_stop()

    monkeypatch.setattr(Session, "step", step)
    with pytest.raises(
        RunError, match=r"is stopped: .* continue with `kdlab runs resume .*out/runs"
    ):
        tutorial(plan(), out=tmp_path / "out", workspace=Workspace(tmp_path), tell=tell)
    (run,) = lab.store(Workspace(tmp_path / "out")).list()
    assert run.status().state == "stopped"
    assert told == ["teacher_ft"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transfer": "log"}, "has no split 'log'"),
        ({"student": "empty"}, "empty"),
        ({"student": "twinbert_cos:head=half_cosine", "data": "four"}, "half_cosine knows 2"),
        ({"data": "blank"}, "no pair of split 'validation' is labelled"),
    ],
)
def test_what_the_last_student_would_die_of_is_told_before_the_teacher_trains(
    changes: dict[str, str], said: str, tmp_path: Path
) -> None:
    home = Workspace(tmp_path)
    data = lab.pairs_of(plan().finetuning("teacher_ft"), home)
    if changes.get("data") == "four":
        data = replace(data, scheme=LabelScheme(("a", "b", "c", "d"), 2))
    frame = data.frame.copy()
    if changes.get("data") == "blank":
        frame.loc[frame["split"] == "validation", "grade"] = -1
    replace(data, frame=frame).save(home.data_folder(changes.get("data", "spare")))
    given: dict[str, Any] = dict(changes)
    if student := changes.get("student"):
        (tmp_path / "empty").mkdir()
        spec = str(tmp_path / "empty") if student == "empty" else student
        given["student"] = ModelConfig.parse(spec)
    with pytest.raises(LabError, match=said):
        tutorial(plan(**given), workspace=home)
    assert lab.store(home).list() == []


def test_the_sentence_claims_no_loss_that_its_interval_does_not_hold(
    result: TutorialResult,
) -> None:
    gap = replace(result.gap, trustworthy=True, reason="", value=-0.24, low=-0.5, high=0.1)
    said = replace(result, gap=gap).sentence()
    assert "Gap recovered −24 % [−50, 10]: perhaps nothing." in said
    said = replace(result, gap=replace(gap, high=-0.1)).sentence()
    assert "Gap recovered −24 % [−50, −10]: the gap grew." in said
    unsure = replace(result, gap=replace(gap, trustworthy=False, reason="its lead holds 0"))
    said = unsure.sentence()
    assert (
        "Gap recovered n/a: the teacher is not clearly better than the twin; its lead holds 0."
        in said
    )
    assert unsure.to_dict()["gap_recovered"] is None


def test_a_student_that_saw_other_pairs_than_its_twin_is_noted(
    result: TutorialResult, tmp_path: Path
) -> None:
    assert not any("other pairs" in note for note in result.notes)
    other = plan(data=WORLD.replace("log=0", "log=320"), transfer="train+log")
    (note,) = (n for n in tutorial(other, out=tmp_path).notes if "other pairs" in n)
    assert "560 of train+log in" in note
    assert "the twin 240 labelled ones" in note
