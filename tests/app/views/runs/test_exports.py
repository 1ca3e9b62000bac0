"""The Keep box: what can be taken out of the lab, how that is followed, and who may not."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.services.models import model_run
from app.views.runs.one.export import settings
from app.views.runs.queries import exports
from kdcore.errors import RunError

RUN = "twin-kd"


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of the visitor's workspace, beside an empty demo."""
    folder = tmp_path / "home" / "runs" / RUN
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text(json.dumps({"stage": "distill", "seed": 7}))
    (folder / "status.json").write_text(json.dumps({"state": "finished"}))
    (tmp_path / "demo" / "runs").mkdir(parents=True)
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    monkeypatch.setattr(exports, "_WORKING", {})
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that were started; each writes a little and answers, as `kdlab export` does."""
    code = (
        "import sys, json\nfrom pathlib import Path\nwords = sys.argv[1:]\n"
        "to = Path(words[words.index('--to' if '--to' in words else '--report') + 1])\n"
        "if '--to' in words:\n"
        "    to.mkdir(parents=True)\n    (to / 'student.py').write_text('a script')\n"
        "else:\n    to.write_text('<h1>a page</h1>')\n"
        "print(json.dumps({'sentence': 'Checked on 56 pairs.'}))"
    )
    return instead(monkeypatch, code)


def instead(monkeypatch: pytest.MonkeyPatch, code: str) -> list[list[str]]:
    """Let each export run this code in the place of its command; the commands are listed."""
    commands: list[list[str]] = []
    genuine = subprocess.Popen

    def started(arguments: list[str], **streams: Any) -> Any:
        commands.append(arguments)
        return genuine([sys.executable, "-c", code, *arguments[3:]], **streams)

    monkeypatch.setattr(exports.subprocess, "Popen", started)
    return commands


def finish() -> None:
    for process in exports._WORKING.values():
        process.wait(timeout=30)


def box() -> AppTest:
    """The box alone on a page."""

    def page() -> None:
        from app.services.models import model_run
        from app.views.runs.one import export

        export.draw(model_run("twin-kd"))

    return AppTest.from_function(page, default_timeout=30).run()


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button] + [
        element.proto.label for element in at.get("download_button")
    ]


def test_the_student_is_made_on_demand_and_then_handed_over_as_a_zip(
    command: list[list[str]],
) -> None:
    at = box()
    at.button(key="keep_make_folder").click().run()
    assert not at.exception
    assert at.button(key="keep_make_folder").disabled or "Student as a folder" in labels(at)[-1]
    finish()
    at.run()
    assert any(label.startswith("Student as a folder (") for label in labels(at))
    assert any("Checked on 56 pairs" in caption.value for caption in at.caption)
    held = zipfile.ZipFile(io.BytesIO(exports.content(model_run(RUN), "folder")))
    assert held.namelist() == [f"{RUN}/student.py"]
    assert command[0][1:4] == ["-m", "kdcore", "export"]
    assert "--onnx" not in command[0]


def test_a_form_is_chosen_and_stays_beside_the_plain_folder(command: list[list[str]]) -> None:
    at = box()
    at.selectbox(key="keep_form").select("int8").run()
    assert any("its loss in ROC" in caption.value for caption in at.caption)
    at.button(key="keep_make_int8").click().run()
    finish()
    assert "--int8" in command[0]
    exports.start(model_run(RUN), "onnx")
    assert command[1][-4:-2] == ["--format", "onnx"]
    finish()
    assert exports.standing(model_run(RUN), "int8").name == f"{RUN}-int8.zip"
    assert exports.standing(model_run(RUN), "folder").state == "none"


def test_only_forms_that_the_model_can_take_are_offered(run: Path) -> None:
    card = {"model": {"name": "twinbert_cos", "params": {}}, "scheme": {}}
    (run / "model" / "kdlab.json").write_text(json.dumps(card))
    at = box()
    titles = at.selectbox(key="keep_form").options
    assert "SentenceTransformer" in titles
    assert "CrossEncoder" not in titles
    assert any("apart, so it is not a cross" in caption.value for caption in at.caption)


def test_a_folder_in_the_export_is_packed_too(command: list[list[str]]) -> None:
    exports.start(model_run(RUN), "folder")
    finish()
    inner = exports._place(model_run(RUN), "folder") / RUN / "1_Pooling"
    inner.mkdir()
    (inner / "config.json").write_text("{}")
    packed = zipfile.ZipFile(io.BytesIO(exports.content(model_run(RUN), "folder")))
    assert f"{RUN}/1_Pooling/config.json" in packed.namelist()


def test_the_report_is_one_file(command: list[list[str]]) -> None:
    exports.start(model_run(RUN), "report")
    finish()
    assert exports.content(model_run(RUN), "report") == b"<h1>a page</h1>"
    assert exports.standing(model_run(RUN), "report").name == f"{RUN}.html"


def test_what_was_made_is_still_there_after_a_restart_of_the_app(
    command: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.start(model_run(RUN), "folder")
    finish()
    monkeypatch.setattr(exports, "_WORKING", {})
    assert exports.standing(model_run(RUN), "folder").state == "done"
    exports.start(model_run(RUN), "folder")
    assert len(command) == 1


def test_a_run_that_went_on_is_made_anew(command: list[list[str]], run: Path) -> None:
    exports.start(model_run(RUN), "folder")
    finish()
    (run / "metrics.jsonl").write_text('{"step": 1}\n')
    assert exports.standing(model_run(RUN), "folder").state == "none"


def test_a_report_is_made_anew_when_the_twin_it_is_judged_by_has_ended(
    command: list[list[str]], run: Path
) -> None:
    twin = run.parent / "twin-hard"
    twin.mkdir()
    (twin / "config.json").write_text('{"stage": "finetune"}')
    (twin / "status.json").write_text('{"state": "running"}')
    (run / "config.json").write_text('{"stage": "distill", "seed": 7, "student": {}}')
    (run / "about.json").write_text('{"twin": "twin-hard"}')
    exports.start(model_run(RUN), "report")
    finish()
    assert exports.standing(model_run(RUN), "report").state == "done"
    (twin / "predictions").mkdir()
    (twin / "predictions" / "test.parquet").write_bytes(b"answers")
    assert exports.standing(model_run(RUN), "report").state == "none"
    assert "keep_make_report" in [button.key for button in box().button]


def test_the_oldest_exports_make_room(
    command: list[list[str]], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_KEPT", 2)
    for number in range(4):
        (run / "metrics.jsonl").write_text('{"step": 1}\n' * number)
        exports.start(model_run(RUN), "report")
        finish()
    places = list((run.parents[1] / "cache" / "kept").iterdir())
    assert len(places) == 2
    assert exports.standing(model_run(RUN), "report").state == "done"


def test_a_failure_is_told_in_the_commands_own_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = json.dumps({"error": "the disk is <full>", "problems": []})
    instead(monkeypatch, f"import sys; sys.stderr.write({said!r}); sys.exit(4)")
    at = box()
    at.button(key="keep_make_folder").click().run()
    finish()
    at.run()
    assert at.error[0].value == "the disk is \\<full\\>"
    assert not at.button(key="keep_make_folder").disabled


def test_more_than_two_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, "import time; time.sleep(60)")
    exports.start(model_run(RUN), "folder")
    exports.start(model_run(RUN), "report")
    try:
        with pytest.raises(RunError, match="2 exports are running"):
            exports.start(model_run(RUN), "onnx")
    finally:
        for process in exports._WORKING.values():
            process.kill()
            process.wait()


def test_a_public_showing_makes_nothing_and_says_why(
    command: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    at = box()
    assert all(button.disabled for button in at.button)
    assert any("public showing" in caption.value for caption in at.caption)
    with pytest.raises(RunError):
        exports.start(model_run(RUN), "folder")
    assert command == []


def test_the_settings_are_yaml_and_the_curves_name_their_command(run: Path) -> None:
    assert settings(model_run(RUN)) == "stage: distill\nseed: 7\n"
    assert not box().code
    (run / "tensorboard").mkdir()
    assert box().code[0].value == f"tensorboard --logdir {run / 'tensorboard'}"
