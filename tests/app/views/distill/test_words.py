"""What the Distill page says of a paused run, of one that failed, and of a changed preset."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.services.live import status as live_status
from kdcore.runs.record import Record, message_fields, resumable
from tests.app.views.distill.acting import made, page
from tests.app.visitor import texts


@pytest.fixture(autouse=True)
def unasked(monkeypatch):
    monkeypatch.setattr("app.services.live.run.ask_teacher", lambda *a, **k: None)


def test_a_paused_run_is_called_paused_and_names_no_command(home):
    run = made(home, "stopped", resumable("stopped on request at step 3", "x"))
    run.checkpoint_folder.mkdir()
    (run.checkpoint_folder / "checkpoint.json").write_text("{}")
    said = texts(page(run=run.id))
    assert said.count("Paused at step 3**; Resume continues from there") == 1
    assert "A try is paused" in said
    assert "kdlab runs resume" not in said
    assert "stopped" not in said


def test_a_failure_of_settings_is_told_with_its_bullets_and_offers_no_blue_resume(home):
    run = made(home, "failed", "These settings do not fit:\n- method: it needs four grades")
    end = message_fields(run.status().message, "settings")
    Record(state="failed", created=1.0, **end).write(run.folder)
    at = page(run=run.id)
    assert "fit:\n\n- method: it needs four grades\n\n" in texts(at)
    resume = next(b for b in at.button if b.label == "Resume")
    assert resume.proto.type == "secondary"


def test_a_changed_preset_keeps_its_promise_to_itself_and_names_a_teacher_by_its_title():
    at = page(settings="limit=500;teacher=twinbert_cos-hard")
    said = texts(at)
    assert "Changed from the preset: " in said
    assert "2,000 pairs that the demo" not in said
    assert "the student was better than its twin" not in said
    assert "**twinbert_cos-hard**" not in said


@pytest.mark.parametrize(("saved", "before"), [(900.0, 40.0), (1005.0, 35.0)])
def test_the_legs_before_a_resume_are_counted_once(tmp_path: Path, saved: float, before: float):
    """40 seconds were told when this leg began at 1,000, or five seconds into it."""
    card = tmp_path / "checkpoint.json"
    card.write_text(json.dumps({"seconds": 40.0}))
    os.utime(card, (saved, saved))
    run, status = SimpleNamespace(checkpoint_folder=tmp_path), SimpleNamespace(started=1000.0)
    assert live_status._before(run, [], status) == before
