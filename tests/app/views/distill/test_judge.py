"""What came of a run, as the Distill page tells it: verdict, cards, retention, what next."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import services
from app.services import access, draft
from app.services.draft import decode
from app.state import State, changed, of_keys
from app.views.distill.queries import next_steps, verdict
from app.views.distill.verdict import judge as distill_judge
from app.views.distill.verdict import retention
from kdcore.errors import LabError
from kdcore.judging.seeds import Seeded, fold
from kdcore.judging.verdict import NO_TWIN
from kdcore.predictions import Predictions
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record
from kdcore.runs.speed import Latency
from kdcore.runs.store import Run
from tests.app.made_lab import Made, make_lab
from tests.app.visitor import choices, texts
from tests.runs.made_runs import speed_of

BUNDLED = "twinbert_cos-kd"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """lab(Made(...), seeds) -> the folder of a made story whose student is judged."""
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))

    def made(story: Made | None = None, *seeds: int) -> Path:
        make_lab(tmp_path / "demo", story or Made(queries=40, bare=True))
        runs = tmp_path / "demo" / "runs"
        for seed in seeds:
            for name in ("student-kd", "student-hard"):
                copy = runs / f"{name}-{seed}"
                shutil.copytree(runs / name, copy)
                config = json.loads((copy / "config.json").read_text()) | {"seed": seed}
                (copy / "config.json").write_text(json.dumps(config))
        return runs

    return made


def drawn(**fields) -> AppTest:
    def panel():
        from app import state
        from app.views.distill.verdict import judge

        judge.draw(state.now().distill.run or "student-kd")

    at = AppTest.from_function(panel, default_timeout=60)
    at.session_state["kd_state"] = changed(State(), **of_keys(fields))
    at.run()
    assert not at.exception
    return at


def labels(at: AppTest) -> list[str]:
    return [b.label.replace("\\", "") for b in at.button]


def case(run_id: str = "student-kd") -> verdict.Case:
    shown = verdict.case_of(run_id)
    assert shown is not None
    return shown


def stop_early(run: Path) -> None:
    (run / "metrics.jsonl").write_text('{"step": 9, "epoch": 0.5}\n')


def test_the_bundled_student_is_better_than_its_twin_and_the_sentence_holds_the_numbers():
    said = distill_judge.finding(BUNDLED)
    students = json.loads((access.demo().root / "demo.json").read_text())["figures"]["students"]
    (student,) = (each for each in students if f"{each['name']}-kd" == BUNDLED)
    gain = student["distilled"]["roc_auc"]["value"] - student["hard"]["roc_auc"]["value"]
    assert said.startswith(f"BETTER than its twin: ROC-AUC +{gain:.3f}")
    recovered = f"gap recovered {100 * student['gap_recovered']['value']:.0f} %"
    assert f"on 10,000 pairs of 500 queries, one seed; {recovered}" in said


def test_an_experiment_puts_its_one_change_into_the_form():
    at = drawn(run=BUNDLED)
    assert labels(at)[:3] == ["half the layers (2 → 1)", "T 2 → 4", "seed 0 → 1"]
    at.button(key=f"next_1_{BUNDLED}").click().run()
    asked = choices(at).distill.settings
    assert decode(asked)["method.params.temperature"] == "4"
    run = services.model_run(BUNDLED)
    draft.prefill(run)
    same = decode(st.session_state["kd_state"].distill.settings)
    both = set(decode(asked).items()) ^ set(same.items())
    assert {path for path, _ in both} == {"method.params.temperature"}


def test_a_public_showing_judges_but_starts_nothing(lab, monkeypatch):
    lab(Made(twin=False, bare=True))
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = drawn()
    closed = [b for b in at.button if b.label != "Open in Compare"]
    assert len(closed) == 5  # three experiments, the twin, the speed
    assert all(b.disabled and b.help == services.PUBLIC_REASON for b in closed)
    with pytest.raises(LabError, match="public showing"):
        next_steps.train_twin(case())


def test_cards_hold_student_twin_and_teacher_with_interval_n_and_definition(lab):
    lab()
    cards = [
        distill_judge._card(case(), role, "roc_auc") for role in ("student", "twin", "teacher")
    ]
    assert [c.role for c in cards] == ["student", "twin", "teacher"]
    assert all(c.n == "n = 200 pairs" and c.interval and "95 %" in c.definition for c in cards)
    assert "vs twin" in cards[0].delta
    assert cards[0].verdict.endswith((" than its twin", " against its twin"))
    assert [c.verdict for c in cards[1:]] == ["", ""]


def test_without_a_twin_the_page_offers_to_train_it(lab, home, monkeypatch):
    lab(Made(twin=False, bare=True))
    waiting: list[Run] = []
    stats = SimpleNamespace(no_twin="", transfer=0, labelled=0)
    monkeypatch.setattr(next_steps, "stats_of", lambda *_: stats)
    monkeypatch.setattr(next_steps, "enqueue", lambda runs, _: waiting.extend(runs))
    at = drawn()
    assert "NO TWIN" in texts(at)
    assert verdict.judgement(case()).verdict == NO_TWIN
    at.button(key="judge_twin_student-kd").click().run()
    assert [run.purpose.role for run in waiting] == ["twin"]
    assert waiting[0].model_name == "twinbert_cos"
    assert waiting[0].folder.parent == home.runs


def test_while_the_twin_trains_the_sentence_is_called_preliminary(lab):
    twin = lab() / "student-hard"
    shutil.rmtree(twin / "predictions")
    (twin / "metrics.jsonl").write_text(
        line := '{"step": 3, "validation_nll": 1.0, "validation_roc_auc": 0.61}\n'
    )
    (twin.parent / "student-kd" / "metrics.jsonl").write_text(line.replace("0.61", "0.72"))
    Record(state="queued", created=1.0).write(twin)
    said = distill_judge.finding("student-kd")
    assert said.startswith("PRELIMINARY: the twin waits in the queue; on validation")
    assert "the student reached ROC-AUC 0.720 at step 3 and the twin 0.610 at step 3" in said
    at = drawn()
    assert "BETTER" not in texts(at)
    assert "Train the twin" not in labels(at)


def test_a_twin_that_was_stopped_is_said_to_be_resumed(lab):
    twin = lab() / "student-hard"
    shutil.rmtree(twin / "predictions")
    Record(state="stopped", created=1.0).write(twin)
    assert distill_judge.finding("student-kd").endswith(
        "was stopped before its end. Resume it, or train another, for a verdict."
    )


def test_open_in_compare_sets_this_run_and_its_teacher_on_the_table(lab, monkeypatch):
    lab()
    gone: list[str] = []
    monkeypatch.setattr(st, "switch_page", gone.append)
    at = drawn()
    at.button(key="judge_compare_student-kd").click().run()
    now = choices(at)
    assert (now.data_set, now.student, now.teacher) == ("world", "student-kd", "teacher")
    assert gone == ["views/compare/page.py"]


def test_a_run_of_other_pairs_is_judged_on_its_own_and_not_offered_to_compare(lab, monkeypatch):
    lab()
    pairs = case().board.pairs
    monkeypatch.setattr(verdict, "data_choices", list)
    monkeypatch.setattr("kdcore.judging.results.split_of", lambda run, split: pairs)
    assert distill_judge.finding("student-kd").split(" ")[0] in ("BETTER", "WORSE", "INCONCLUSIVE")
    at = drawn()
    assert at.button(key="judge_compare_student-kd").disabled


def test_the_teachers_answers_beside_the_run_serve_where_its_own_run_has_none(lab):
    runs = lab()
    own = runs / "teacher" / "predictions" / "test.parquet"
    kept = Predictions.load(own)
    replace(kept, data_hash="other").save(own)
    services.sources.clear()
    assert case().board.teacher is None
    assert "has not scored these pairs" in texts(drawn())
    kept.save(Run.load(runs / "student-kd").teacher_path())
    assert case().board.teacher.key == "teacher"


def test_a_run_from_labels_alone_gets_no_verdict_but_a_reason(lab):
    lab()
    assert "learned from labels alone" in distill_judge.finding("student-hard")
    assert "not here any more" in distill_judge.finding("nobody")
    assert "learned from labels alone" in texts(drawn(run="student-hard"))


def test_retention_tells_measured_speed_with_its_conditions_or_that_there_is_none(lab):
    runs = lab()
    assert "Speed was not measured on this machine." in texts(drawn())
    speed = speed_of(2.0, parameters=600_000)
    slow = replace(speed_of(5.0, parameters=1_000_000), one_thread=speed.one_thread)
    Latency(student=speed, teacher=slow).write(Run.load(runs / "student-kd"), access.home())
    kept = verdict.retention_of(case())
    cards = {c.label: c for c in [*retention._size(kept), *retention._speed(kept)]}
    assert cards["Size"].delta == "60 % of the teacher's"
    assert cards["Speed"].value == "2.5 ×"
    assert cards["Latency of one pair"].delta == "p95 3.00 ms"
    assert "Batch 1" in cards["Speed"].definition
    assert "n = 200 pairs of test" in texts(drawn())


def test_speed_is_measured_on_a_click_and_then_told(lab, home, monkeypatch):
    lab()
    asked: list[list[str]] = []

    def child(command, **_):
        asked.append(command)
        Latency(student=speed_of(2.0), teacher=speed_of(2.0)).write(case().run, access.home())
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(next_steps.subprocess, "run", child)
    at = drawn()
    at.button(key="judge_speed_student-kd").click().run()
    assert asked[0][2:4] == ["kdcore", "latency"]
    assert "n = 200 pairs of test" in texts(at)
    assert list((home.cache / "latency").glob("*.json"))  # the demo is left as it is


def test_a_measurement_that_fails_is_told_in_a_sentence(lab, monkeypatch):
    lab()
    failed = SimpleNamespace(returncode=4, stderr="trace\nit has no model yet")
    monkeypatch.setattr(next_steps.subprocess, "run", lambda *a, **k: failed)
    at = drawn()
    at.button(key="judge_speed_student-kd").click().run()
    assert "could not be measured: it has no model yet" in texts(at)


def test_what_was_foreseen_stands_beside_what_it_took(lab):
    run = lab() / "student-kd"
    assert retention._time(case()) == []
    Purpose(estimate={"seconds": 50.0}).write(run)
    (run / "metrics.jsonl").write_text(json.dumps({"step": 9, "seconds": 60.0}) + "\n")
    (card,) = retention._time(case())
    assert (card.value, card.n, card.delta) == ("60 s", "estimated 50 s", "+20 %")


def test_seeds_of_one_setting_are_folded_and_the_sentence_counts_them(lab):
    lab(None, 1, 2)
    row = verdict.seeds_of(case())
    assert verdict.left_out(case()) == ""
    assert row.seeds == (0, 1, 2)
    assert (row.value.n, row.delta.n) == (3, 3)
    said = distill_judge.finding("student-kd")
    assert "one seed of 3" in said
    assert "Student's t over 3 seeds" in said
    assert "3 seeds of this setting" in texts(drawn())


def test_a_student_ended_early_carries_that_caveat(lab):
    stop_early(lab() / "student-kd")
    said = distill_judge.finding("student-kd")
    assert "The student was ended early, after 0.5 of 1 epochs." in said


def test_experiments_follow_the_verdict_over_seeds_where_seeds_were_varied(lab):
    lab()
    found = verdict.judgement(case())
    doubt = fold([Seeded(f"run-{s}", "one", s, 0.8, d) for s, d in enumerate((0.03, -0.02, 0.01))])[
        0
    ]
    labels_of = [e.label for e in next_steps.experiments(case(), found, doubt)]
    assert labels_of[:2] == ["seed 0 → 1", "test pairs 10,000 → 40,000"]


@pytest.mark.parametrize(("name", "who"), [("student-kd-1", "it"), ("student-hard-1", "its twin")])
def test_a_seed_that_was_stopped_early_or_whose_twin_was_is_left_out_and_named(lab, name, who):
    runs = lab(None, 1, 2)
    stop_early(runs / name)
    assert verdict.seeds_of(case()).seeds == (0, 2)
    said = f"student-kd-1 ({who} was stopped after 0.5 of 1 epochs)"
    assert said in distill_judge.finding("student-kd")
    assert said in texts(drawn())


def test_damaged_answers_of_another_seed_cost_that_seed_alone(lab):
    runs = lab(None, 1, 2)
    (runs / "student-kd-2" / "predictions" / "test.parquet").write_bytes(b"PAR1 damaged")
    at = drawn()
    assert "student-kd-2 (its saved predictions, or its twin's, cannot be read)" in texts(at)
    assert verdict.seeds_of(case()).seeds == (0, 1)
    assert len(at.button) >= 3


def test_damaged_answers_of_the_twin_leave_the_page_standing(lab):
    runs = lab(None, 1, 2)
    (runs / "student-hard" / "predictions" / "test.parquet").write_bytes(b"PAR1 damaged")
    assert "does not hold predictions" in texts(drawn())


def test_the_answers_of_a_deleted_teacher_still_serve(lab):
    runs = lab(None, 1, 2)
    kept = Predictions.load(runs / "teacher" / "predictions" / "test.parquet")
    kept.save(Run.load(runs / "student-kd").teacher_path())
    shutil.rmtree(runs / "teacher")
    services.sources.clear()
    assert case().board.teacher.key == "teacher"
    assert verdict.retention_of(case()) is not None


def test_one_speed_is_measured_at_a_time(lab):
    lab()
    with next_steps.MEASURING, pytest.raises(LabError, match="is being measured"):
        next_steps.measure_speed(case())
