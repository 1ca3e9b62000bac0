"""The report of a run: one page that opens offline and in which texts stay texts."""

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from kdcore import lab
from kdcore.config import DistillConfig, ModelConfig, to_dict
from kdcore.data.pairs import PairTable
from kdcore.export.card import model_card
from kdcore.export.exported import Exported
from kdcore.predictions import Predictions
from kdcore.report.curves import Curve, chart, ticks
from kdcore.report.facts import answered_twin, facts_of
from kdcore.report.run_report import run_report
from kdcore.report.words import at_most
from kdcore.runs.purpose import Purpose
from kdcore.runs.store import Run, RunStore
from kdcore.runs.twins import twin_of as planned_twin
from kdcore.workspace import Workspace
from tests.export.conftest import invented

NASTY = (
    "<script>window.hit=1</script>",
    "' onmouseover='window.hit=1",
    '"><img src=http://192.0.2.1/x.png onerror=alert(1)>',
    "</pre></table><iframe src=//192.0.2.1></iframe>",
)
FETCHES = ("src", "href", "srcset", "data", "action", "xlink:href", "poster")
SMALL = ModelConfig.parse("cdssm:buckets=150,filters=12,semantic=8")


class Read(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def answered(run: Run, pairs: PairTable, skill: float) -> Run:
    """The run with predictions on test, metric lines and an end."""
    test = pairs.split("test")
    logits = np.random.default_rng(1).normal(size=(len(test), 4)).astype(np.float32)
    logits[np.arange(len(test)), test.grades] += skill
    Predictions(logits, test.content_hash, run.id).save(run.predictions_path("test"))
    with run.write() as writer:
        writer.log(0, teacher_validation_roc_auc=0.9)
        for step in (10, 20):
            writer.log(step, loss=1 / step, soft=0.5 / step, hard=math.nan)
            writer.log(step, validation_roc_auc=0.5 + step / 100, validation_nll=1, kept_step=step)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Run]:
    """Teacher, twin and student on invented pairs."""
    home, pairs = Workspace(tmp_path / "home"), invented()
    pairs.save(home.data_folder("invented"))
    store = RunStore(home.runs)
    base = {"data": "invented", "model": to_dict(SMALL), "stage": "finetune"}
    teacher = answered(store.create({**base, "model": {"name": "bert"}}), pairs, 3.0)
    config = DistillConfig(teacher=teacher.id, student=SMALL, data="invented")
    twin = answered(store.create(to_dict(planned_twin(config))), pairs, 0.5)
    student = answered(store.create(to_dict(config), title="What if T is 4?"), pairs, 1.5)
    return {"teacher": teacher, "twin": twin, "student": student}


def test_the_report_tells_verdict_metrics_data_settings_and_command(runs: dict[str, Run]) -> None:
    page = run_report(runs["student"])
    text = "".join(Read(page).words)
    assert "What if T is 4?" in text
    assert "its twin" in text
    assert runs["twin"].id in text
    assert runs["teacher"].id in text
    pairs = lab.split_of(runs["student"], "test")
    assert f"{len(pairs)} pairs" in text
    assert "Invented for a test." in text
    assert "soft_weight: 1.0" in text
    assert "kdlab distill --teacher" in text
    assert len(page.encode()) <= 2_000_000


def test_report_and_card_tell_what_else_stands_between_student_and_twin(
    runs: dict[str, Run],
) -> None:
    student, twin = runs["student"], runs["twin"]
    with (twin.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 20, "time": 1, "epoch": 1.0}\n')
    for run, steps in ((student, 40), (twin, 20)):
        status = json.loads((run.folder / "status.json").read_text())
        told = status | {"stage": "evaluate", "total_steps": steps}
        (run.folder / "status.json").write_text(json.dumps(told))
    made = Exported(student.id, student.folder, (), "script", 8, 0.0)
    card = model_card(facts_of(student), made, {"name": "cdssm"})
    for text in (run_report(student), card):
        assert "training has 40 steps and its twin" in text.replace("&#x27;", "'")
        assert "The twin was ended early, after 1 of" in text


def test_a_report_counts_the_seeds_that_its_setting_was_trained_with(runs: dict[str, Run]) -> None:
    student = runs["student"]
    assert "Seeds were not varied" in run_report(student)
    other = RunStore(student.folder.parent).create(student.settings | {"seed": 7})
    assert "Seeds were not varied" in run_report(student)
    with other.write():
        pass
    text = run_report(student)
    assert "one seed of 2" in text
    assert "Seeds were not varied" not in text


def test_the_twin_that_was_launched_is_found_whatever_its_epochs(runs: dict[str, Run]) -> None:
    student, twin = runs["student"], runs["twin"]
    longer = twin.settings | {"training": twin.settings["training"] | {"epochs": 99}}
    (twin.folder / "config.json").write_text(json.dumps(longer))
    assert answered_twin(student) is None
    Purpose(twin=twin.id).write(student.folder)
    found = answered_twin(Run.load(student.folder))
    assert found is not None
    assert found.id == twin.id


def test_the_curves_are_told_in_words_with_the_teachers_line(runs: dict[str, Run]) -> None:
    text = "".join(Read(run_report(runs["student"])).words)
    assert "ROC-AUC on validation over steps: student from 0.6 to 0.7; twin" in text
    assert "teacher 0.9" in text


def test_the_page_fetches_nothing_and_runs_nothing(runs: dict[str, Run]) -> None:
    page = run_report(runs["student"])
    read = Read(page)
    assert "script" not in read.elements
    assert not read.attributes & set(FETCHES)
    assert "http" not in page.replace("https://arxiv", "")


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_run_adds_an_element_or_a_handler(runs: dict[str, Run], text: str) -> None:
    """Titles, settings and messages are written by people, and by what they import."""
    run = runs["student"]
    plain = Read(run_report(run))
    status = json.loads((run.folder / "status.json").read_text())
    changed = status | {"title": text, "state": "failed", "message": text}
    (run.folder / "status.json").write_text(json.dumps(changed))
    config = run.settings | {"data": text, "device": text}
    (run.folder / "config.json").write_text(json.dumps(config))
    (run.folder / "README.md").write_text(f"Data: {text}\n")
    read = Read(run_report(Run.load(run.folder)))
    assert read.elements <= plain.elements
    assert not [name for name in read.attributes if name.startswith("on") or name in FETCHES]
    assert text in "".join(read.words)


def test_a_run_that_has_only_begun_has_a_report_too(tmp_path: Path) -> None:
    run = RunStore(tmp_path / "runs").create(to_dict(DistillConfig(teacher="gone")))
    text = "".join(Read(run_report(run)).words)
    assert "This run is queued at step 0" in text
    assert "Not measured" in text


def test_a_curve_of_many_points_stays_small_and_keeps_its_ends() -> None:
    curve = Curve("loss", "student", [(i, 1 / (i + 1)) for i in range(100_000)])
    drawn = chart("Loss", [curve])
    assert len(drawn) < 20_000
    assert "loss from 1 to 1e-05" in drawn


def test_nothing_is_drawn_of_nothing() -> None:
    assert chart("Loss", []) == ""
    assert chart("Loss", [Curve("loss", "student", [(1, math.nan), (2, math.inf)])]) == ""


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.79, 0.8), (-3, 1e6), (1, 1.0000001)])
def test_ticks_are_inside_and_few(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 8
    assert all(low - 1e-9 <= v <= high + 1e-9 for v in found)


@pytest.mark.parametrize("value", [1.19e-6, 4.77e-7, 9.99e-5, 2e-6, 0.5])
def test_a_bound_that_is_told_is_never_below_what_was_seen(value: float) -> None:
    assert float(at_most(value)) >= value * (1 - 1e-9)


def test_every_term_of_the_loss_is_a_curve_of_its_own(runs: dict[str, Run]) -> None:
    student = runs["student"]
    settings = dict(student.settings) | {"terms": {"feature": {}, "ranking_2": {"weight": 2.0}}}
    (student.folder / "config.json").write_text(json.dumps(settings))
    with (student.folder / "metrics.jsonl").open("a") as file:
        for step in (30, 40):
            line = {"step": step, "time": 1, "feature": 0.2, "ranking_2": 9 / step}
            file.write(json.dumps(line) + "\n")
    page = run_report(Run.load(student.folder))
    text = "".join(Read(page).words)
    assert "feature from 0.2 to 0.2; ranking 2 from 0.3 to 0.225" in text
    assert "response + feature + ranking" in text
    assert all(f"var(--{role})" in page for role in ("soft", "term1", "term2"))


def test_a_report_names_files_and_folders_without_the_places_they_lie_in(tmp_path: Path) -> None:
    place = tmp_path / "secret"
    student = replace(SMALL, name="checkpoint", params={}, checkpoint=str(place / "encoder"))
    config = DistillConfig(
        teacher=f"file:{place / 'one.csv'}+{place / 'two.csv'}",
        student=student,
        data=str(place / "pairs.tsv"),
    )
    changed = {"student.checkpoint": str(place / "encoder")}
    run = RunStore(tmp_path / "runs").create(to_dict(config), purpose=Purpose(changed=changed))
    (run.folder / "provenance.json").write_text(json.dumps({"notes": [f"{place}/one.csv: read"]}))
    with run.write() as writer:
        writer.note([f"{place}/one.csv: 3 scores"])
    page = run_report(Run.load(run.folder))
    assert "secret" not in page
    text = "".join(Read(page).words)
    assert "kdlab distill --teacher file:one.csv+two.csv" in text
    for name in ("--data pairs.tsv", "checkpoint: encoder", "one.csv: 3 scores"):
        assert name in text
