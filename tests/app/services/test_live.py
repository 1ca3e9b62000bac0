"""What a browser is told of a run that learns: only what is new, of known ids, by one address."""

import asyncio
import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from streamlit import config
from streamlit.testing.v1 import AppTest

from app.__main__ import main
from app.serve import SecurityHeaders
from app.services.live import files
from app.services.live import run as live
from app.services.live.run import Known, answer
from app.services.live.status import time_left
from app.shell.live_route import routes
from kdcore.data.pairs import PairTable
from kdcore.metrics.agreement import same_top_grade, truth_error
from kdcore.predictions import Predictions
from kdcore.runs.purpose import Purpose
from kdcore.runs.record import Record, process_start
from kdcore.softlabels import kl, soften
from tests.app.made_lab import STEPS, Made, make_lab

RUN = "student-kd"
NOTHING = Known()


@pytest.fixture
def folder(lab: Path) -> Path:
    """The folder of a distilled student in an invented story, with no metric line yet."""
    make_lab(lab / "demo", Made())
    return lab / "demo" / "runs" / RUN


def write(folder: Path, *steps: int, **values: float) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        for step in steps:
            file.write(json.dumps({"step": step, "time": 1e9 + step, "loss": 1 / step} | values))
            file.write("\n")


def news(seen: Known = NOTHING) -> dict[str, Any]:
    message = answer(RUN, seen)
    assert message is not None
    return message


def steps_of(lines: list[dict[str, Any]]) -> list[int]:
    return [line["step"] for line in lines]


def test_a_browser_is_told_only_the_lines_that_it_does_not_know(folder):
    write(folder, 1, 2)
    first = news()["student"]
    assert steps_of(first["lines"]) == [1, 2]
    write(folder, 3)
    second = news(Known(after=first["next"]))["student"]
    assert (steps_of(second["lines"]), second["reset"]) == ([3], False)
    assert news(Known(after=second["next"]))["student"]["lines"] == []


def test_a_line_that_is_half_written_waits_until_it_is_whole(folder):
    write(folder, 1)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    first = news()["student"]
    assert steps_of(first["lines"]) == [1]
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('ss": 0.5}\n')
    assert steps_of(news(Known(after=first["next"]))["student"]["lines"]) == [2]


def test_lines_that_a_resumed_run_cut_away_are_forgotten_even_when_as_many_came_anew(folder):
    write(folder, 1, 2, 3, 4)
    known = Known(after=news()["student"]["next"], moment=STEPS[-1])
    (folder / "metrics.jsonl").write_text("")
    write(folder, 1, 2)
    write(folder, 3, 4, 5, loss=9.0)
    again = news(known)
    assert again["student"]["reset"]
    assert steps_of(again["student"]["lines"]) == [1, 2, 3, 4, 5]
    assert [m["step"] for m in again["moments"]] == list(STEPS)  # the picture begins anew, whole
    (folder / "metrics.jsonl").unlink()
    assert news(Known(after=again["student"]["next"]))["student"]["reset"]


def test_a_server_that_was_started_anew_goes_on_from_the_same_cursor(folder, monkeypatch):
    write(folder, 1, 2, 3)
    known = Known(after=news()["student"]["next"])
    live.opened.clear()
    write(folder, 4)
    again = news(known)["student"]
    assert (steps_of(again["lines"]), again["reset"]) == ([4], False)


@pytest.mark.parametrize("cursor", ["999", "2.00000000", "x", "-1", "1e3", "٣", "9" * 30])
def test_a_cursor_that_fits_no_line_begins_anew(folder, cursor):
    write(folder, 1, 2, 3)
    message = news(Known(after=cursor))["student"]
    assert message["reset"]
    assert steps_of(message["lines"]) == [1, 2, 3]


def test_damaged_lines_are_left_out_and_what_is_no_number_is_null(folder):
    (folder / "metrics.jsonl").write_bytes(
        b'{"step": 1, "loss": NaN}\n\xff\xfe\n[]\n{"step": "x"}\n{"step": 2, "loss": null}\n'
    )
    lines = news()["student"]["lines"]
    assert [(line["step"], line["loss"]) for line in lines] == [(1, None), (2, None)]


def test_many_lines_come_in_parts(folder, monkeypatch):
    monkeypatch.setattr("kdcore.runs.metric_lines.MOST_LINES", 2)
    write(folder, 1, 2, 3)
    first = news()["student"]
    assert (steps_of(first["lines"]), first["more"]) == ([1, 2], True)
    rest = news(Known(after=first["next"]))["student"]
    assert (steps_of(rest["lines"]), rest["more"]) == ([3], False)


def test_moments_are_measured_as_the_metrics_of_the_lab_measure(folder):
    probe = PairTable.load(folder / "replay" / "probe")
    teacher = Predictions.load(folder.parent / "teacher" / "predictions" / "test.parquet")
    rows = np.arange(len(probe))
    Predictions(teacher.logits[rows], probe.content_hash, "teacher").save(
        folder / "replay" / "teacher.parquet"
    )
    message = news()
    said = Predictions.load(folder / "replay" / f"step-{STEPS[0]:08d}.parquet").logits
    first, scheme = message["moments"][0], probe.scheme
    assert first["kl"] == pytest.approx(kl(teacher.logits[rows], said, 3.0).mean(), abs=1e-4)
    agreed = same_top_grade(said, teacher.logits[rows]).mean()
    assert first["agreement"] == pytest.approx(agreed, abs=1e-4)
    far = truth_error(scheme.relevance(probe.truth), scheme.relevance(soften(said))).mean()
    assert first["distance"] == pytest.approx(far, abs=1e-4)
    assert len(first["logits"]) == len(message["probe"]["labels"]) * len(scheme)


def test_the_probe_is_told_once_and_then_the_newer_moments_only(folder):
    message = news()
    assert [m["step"] for m in message["moments"]] == list(STEPS)
    assert message["probe"]["pairs"] == 10
    newer = news(Known(after=message["student"]["next"], moment=STEPS[1]))
    assert [m["step"] for m in newer["moments"]] == list(STEPS[2:])
    assert "probe" not in newer


def test_pinned_pairs_are_twenty_and_of_every_grade():
    grades = np.repeat([0, 1, 2, 3], [250, 30, 15, 5])
    rows = files.pinned(grades)
    assert len(set(rows)) == 20
    assert set(grades[rows]) == {0, 1, 2, 3}


def test_what_a_teacher_was_asked_later_is_measured_in_every_moment(folder):
    assert news()["moments"][0]["kl"] is None  # nothing is known of the teacher before
    run = live.find(RUN)
    live.ask_teacher(run, ask=False)  # its kept answers to the validation pairs are enough
    assert all(moment["kl"] > 0 for moment in news()["moments"])


def test_the_teacher_s_line_is_what_the_run_told_else_what_the_teacher_s_own_run_kept(folder):
    teacher = folder.parent / "teacher"
    own = {"validation_nll": 0.4, "validation_roc_auc": 0.9, "kept_step": 7}
    write(teacher, 7, **own)
    write(teacher, 8, **(own | {"validation_roc_auc": 0.8}))
    assert news()["teacher"] == {"nll": 0.4, "roc_auc": 0.9}
    write(folder, 1, teacher_validation_nll=0.3, teacher_validation_roc_auc=0.95)
    assert news()["teacher"] == {"nll": 0.3, "roc_auc": 0.95}


def test_a_teacher_that_was_validated_on_other_pairs_has_no_line(folder):
    teacher = folder.parent / "teacher"
    write(teacher, 7, validation_nll=0.4, validation_roc_auc=0.9, kept_step=7)
    seen = {"seed": 0, "pairs": {"validation": [60, "other"]}}
    (teacher / "provenance.json").write_text(json.dumps(seen))
    assert news()["teacher"] is None


def test_the_twin_is_the_one_that_was_launched_else_the_one_of_the_same_budget(folder):
    twin = folder.parent / "student-hard"
    write(twin, 5)
    write(twin, 9, validation_nll=1.0, validation_roc_auc=0.7, kept_step=9)
    message = news()["twin"]
    assert (message["id"], steps_of(message["lines"])) == ("student-hard", [9])
    known = Known(twin=message["next"], twin_moment=STEPS[-1])
    assert news(known)["twin"]["lines"] == []
    assert news(known)["twin"]["moments"] == []
    shutil.copytree(twin, folder.parent / "launched")
    Purpose(role="student", twin="launched").write(folder)
    assert news()["twin"]["id"] == "launched"


def test_a_twin_s_agreement_with_another_teacher_is_not_sent(folder):
    probe = PairTable.load(folder / "replay" / "probe")
    twin = folder.parent / "student-hard"
    write(twin, 9, validation_nll=1.0)
    if not (twin / "replay").exists():
        shutil.copytree(folder / "replay", twin / "replay")
    logits = np.random.default_rng(0).normal(size=(len(probe), len(probe.scheme)))
    answers = Predictions(logits, probe.content_hash, "teacher")
    for run in (folder, twin):
        answers.save(run / "replay" / "teacher.parquet")
    assert all(moment["agreement"] is not None for moment in news()["twin"]["moments"])
    other = Predictions(-logits, probe.content_hash, "other")
    other.save(twin / "replay" / "teacher.parquet")
    moments = news()["twin"]["moments"]
    assert moments
    assert not any("agreement" in moment for moment in moments)


def test_the_time_left_follows_the_pace_of_the_newest_lines(folder):
    lines = [{"step": 10, "time": 100.0}, {"step": 20, "time": 105.0}, {"step": 30, "time": 110.0}]
    assert time_left(lines, 30, 90) == {"seconds": 30.0, "at": 110.0, "steps": 20}
    assert time_left(lines[:1], 10, 90) is None
    assert time_left(lines, 30, 0) is None


@pytest.mark.parametrize(
    ("stage", "step", "total", "words"),
    [
        ("", 0, 0, "reading the data"),
        ("teacher", 1200, 4000, "asking the teacher: 1,200 of 4,000 pairs"),
        ("distill", 0, 80, "the first steps"),
        ("distill", 5, 80, "training the student"),
        ("evaluate", 80, 80, "scoring validation and test pairs"),
    ],
)
def test_the_stage_is_told_in_words(folder, stage, step, total, words):
    pid = os.getpid()
    Record(
        state="running",
        stage=stage,
        step=step,
        total_steps=total,
        pid=pid,
        process_start=process_start(pid),
    ).write(folder)
    assert news()["status"]["words"] == words


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../runs", "student", "nobody", "student-kd/", "a" * 500, "x\0y", "con"]
)
def test_only_a_whole_id_of_the_store_is_a_run(folder, name):
    assert answer(name) is None
    assert answer(str(folder)) is None  # the path of a real run


APP = SecurityHeaders(Starlette(routes=routes()))


def get(path: str, query: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One GET by the ASGI protocol: status, headers, body."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"host": "localhost:8501"} | {k.replace("_", "-"): v for k, v in headers.items()}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        "server": ("localhost", 8501),
    }
    asyncio.run(APP(scope, receive, send))
    held = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return sent[0]["status"], held, b"".join(m.get("body", b"") for m in sent[1:])


@pytest.mark.parametrize("base", ["", "/lab", "/some/where"])
def test_the_address_answers_below_any_base_path_with_the_security_headers(folder, base):
    write(folder, 1)
    status, headers, body = get(f"{base}/kd/live/{RUN}", "after=0")
    assert status == 200
    assert steps_of(json.loads(body)["student"]["lines"]) == [1]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_nothing_new_is_a_short_answer(folder):
    write(folder, 1)
    _, headers, _ = get(f"/kd/live/{RUN}", "after=0")
    status, _, body = get(f"/kd/live/{RUN}", "after=0", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")
    write(folder, 2)
    assert get(f"/kd/live/{RUN}", "after=0", if_none_match=headers["etag"])[0] == 200


def test_what_is_no_run_is_not_found(folder):
    for name in ("nobody", "..", "%2e%2e", "..%2f..", "C:\\run", "student"):
        assert get(f"/kd/live/{name}")[0] == 404, name


def test_odd_questions_get_the_whole_answer_and_no_error(folder):
    write(folder, 1)
    status, _, body = get(f"/kd/live/{RUN}", "after=%00&moment=abc&twin=;&twin_moment=1e9&x=1")
    assert status == 200
    assert steps_of(json.loads(body)["student"]["lines"]) == [1]


def test_a_public_showing_may_look(folder, monkeypatch):
    monkeypatch.setenv("KDLAB_PUBLIC", "1")
    assert get(f"/kd/live/{RUN}")[0] == 200


def test_a_page_of_another_name_that_points_here_learns_nothing(folder):
    before = config.get_option("server.allowedHosts")
    config.set_option("server.allowedHosts", ["localhost", "*.lab.example"])
    try:
        assert get(f"/kd/live/{RUN}", host="evil.example")[0] == 403
        assert get(f"/kd/live/{RUN}", host="a.lab.example:80")[0] == 200
    finally:
        config.set_option("server.allowedHosts", before)


def panel(run: str) -> None:
    from app.views.distill import watch

    watch.draw(run)


def test_the_panel_opens_on_every_kind_of_run_and_says_that_one_is_not_there(folder):
    for run in ("student-kd", "student-hard", "teacher", "gone"):
        page = AppTest.from_function(panel, args=(run,), default_timeout=30).run()
        assert not page.exception
        assert ["No run here" in info.value for info in page.info] == [True] * (run == "gone")


def test_the_page_runs_again_once_when_a_run_has_ended(folder):
    page = AppTest.from_function(panel, args=(RUN,), default_timeout=30)
    page.session_state["kd_run_ended"] = True
    page.run()
    assert not page.exception
    assert "kd_run_ended" not in page.session_state


def test_a_port_in_use_is_told_before_any_address_is_printed(monkeypatch, capsys):
    """The address of the other program was printed first, and opened."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["app", "--port", str(port), "--no-browser"])
        with pytest.raises(SystemExit, match=f"Port {port} is used by another.*--port [0-9]"):
            main()
    assert capsys.readouterr().err == ""
