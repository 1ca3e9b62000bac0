import json
import subprocess
import sys

import pytest

from kdcore.cli.kit import frame
from kdcore.cli.kit.frame import EXIT_CODES, explain

from .conftest import Home, Kdlab, in_its_own_process

COMMANDS = {
    "tutorial": ("--data", "--limit", "--out", "--teacher", "--student-epochs", "--temperature"),
    "pretrain": ("--model", "--split", "--mask-share", "--next-ad-weight", "--detach"),
    "finetune": ("--model", "--loss", "--config", "--set", "--detach", "--print-config"),
    "distill": ("--teacher", "--method", "--soft-weight", "--hard-weight", "--transfer"),
    "infer": ("RUN", "--split", "--batch-size"),
    "evaluate": ("RUN", "--teacher", "--against", "--csv", "--trec", "--per-query"),
    "predict": ("QUERY", "TITLE", "DESCRIPTION", "--run", "--temperature"),
    "methods": ("NAME", "--json"),
    "students": ("NAME", "--json"),
    "runs list": ("--json",),
    "runs show": ("RUN", "--json"),
    "runs resume": ("RUN", "--detach"),
    "runs stop": ("RUN",),
    "runs watch": ("RUN",),
    "runs delete": ("RUN",),
    "runs restore": ("RUN",),
    "runs path": ("RUN",),
    "data import": ("SOURCE", "--name", "--map", "--skip-bad", "--grades", "--replace"),
    "data list": ("--json",),
    "data show": ("NAME", "--rows"),
    "data check": ("NAME",),
    "data export": ("NAME", "PATH", "--split"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(
    command: str, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    said = kdlab(*command.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert [option for option in COMMANDS[command] if option.lower() not in said.out.lower()] == []


def test_without_a_command_the_help_is_shown_with_the_exit_codes(kdlab: Kdlab) -> None:
    said = kdlab()
    text = " ".join(said.out.split())
    assert said.code == 0
    assert all(command.split()[0] in text for command in COMMANDS)
    assert [
        f"{code} {what}" for code, what in EXIT_CODES.items() if f"{code} {what}" not in text
    ] == []
    assert "run FOLDER" not in text


LIGHT = """
import sys
from kdcore.__main__ import main
import kdcore
code = main(sys.argv[1:])
import kdcore.lab, kdcore.tutorial
heavy = [m for m in ("torch", "transformers") if m in sys.modules]
assert not heavy, heavy
sys.exit(code)
"""


@pytest.mark.parametrize(
    "command", [("--help",), ("data", "list"), ("data", "show", "small"), ("runs", "list")]
)
def test_what_computes_nothing_does_not_wait_for_torch(
    command: tuple[str, ...], home: Home
) -> None:
    """Torch takes seconds to import; a list should not."""
    subprocess.run([sys.executable, "-c", LIGHT, *command], check=True, capture_output=True)


def test_an_unknown_option_is_a_usage_error_that_offers_the_right_one(kdlab: Kdlab) -> None:
    said = kdlab("tutorial", "--studnt", "x")
    assert (said.code, said.out) == (2, "")
    assert "--student" in said.err
    assert "kdlab tutorial --help" in said.err


def test_a_missing_argument_and_an_unknown_command_are_usage_errors(kdlab: Kdlab) -> None:
    assert kdlab("evaluate").code == 2
    assert kdlab("runs").code == 2
    said = kdlab("tutorail")
    assert said.code == 2
    assert "tutorial" in said.err


def test_with_json_an_error_is_json_on_stderr_and_stdout_stays_empty(kdlab: Kdlab) -> None:
    said = kdlab("finetune", "--epochs", "-1", "--seed", "-1", "--json")
    told = json.loads(said.err)
    assert (said.code, said.out) == (2, "")
    assert told["exit_code"] == 2
    assert [p.split(":")[0] for p in told["problems"]] == ["training.epochs", "seed"]


def test_an_unknown_run_is_answered_with_the_nearest(home: Home, kdlab: Kdlab) -> None:
    said = kdlab("runs", "show", home.teacher[:-1] + "?")
    assert said.code == 2
    assert f"did you mean '{home.teacher}'?" in said.err


def test_an_unexpected_error_is_one_line_and_a_traceback_only_when_asked_for(
    home: Home, kdlab: Kdlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nchance")

    monkeypatch.setattr("kdcore.lab.store", surprise)
    said = kdlab("runs", "list")
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "ZeroDivisionError: by chance" in said.err
    assert "Traceback" in kdlab("--traceback", "runs", "list").err
    monkeypatch.setenv("KDLAB_TRACEBACK", "1")
    assert "Traceback" in kdlab("runs", "list").err


def test_full_memory_and_a_full_disk_are_said_in_words() -> None:
    assert explain(MemoryError()).exit_code == 4
    full = explain(OSError(28, "No space left on device", "x"))
    assert full.exit_code == 4
    assert "free some space" in full.sentence
    assert explain(PermissionError(13, "Permission denied", "a.csv")).sentence == (
        "a.csv: permission denied"
    )


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    """kdlab students | head -1"""
    process = in_its_own_process("students", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141
    process.stderr.close()


def test_every_exit_code_of_an_error_is_documented() -> None:
    from kdcore import errors

    kinds = (errors.LabError, errors.ConfigError, errors.DataError, errors.RunError)
    assert {kind.exit_code for kind in kinds} <= EXIT_CODES.keys()
    assert frame.explain(KeyboardInterrupt()).exit_code in EXIT_CODES


def test_the_package_offers_the_stages_without_importing_them() -> None:
    import kdcore
    import kdcore.evaluation.evaluate

    assert kdcore.distill is kdcore.lab.distill
    assert kdcore.evaluation.evaluate.evaluate is not kdcore.lab.evaluate
    with pytest.raises(AttributeError, match="no attribute 'distil'"):
        kdcore.distil  # noqa: B018


def test_bytes_that_are_no_utf_8_are_told_by_their_place(kdlab: Kdlab) -> None:
    said = kdlab("predict", "caf\udce9", "title", "--run", "x")
    assert said.code == 2
    assert "word 2, 'caf\\\\udce9', is not valid UTF-8" in said.err
