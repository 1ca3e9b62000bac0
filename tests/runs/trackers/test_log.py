"""Metric lines also reach TensorBoard and MLflow, and neither can harm a run."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kdcore.runs.store import Run
from kdcore.runs.trackers import log as trackers_module
from kdcore.runs.trackers import mlflow as mlflow_module
from kdcore.runs.trackers.tensorboard import header, scalars
from tests.runs.conftest import wait_until

Child = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def events(run: Run) -> list[tuple[int, dict[str, float]]]:
    """Every record as tensorboardX's own definitions read it, checksums checked."""
    from tensorboardX.proto import event_pb2
    from tensorboardX.record_writer import masked_crc32c

    (path,) = (run.folder / "tensorboard").iterdir()
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 8], "little")
        event = data[at + 12 : at + 12 + size]
        assert int.from_bytes(data[at + 8 : at + 12], "little") == masked_crc32c(data[at : at + 8])
        end = at + 12 + size
        assert int.from_bytes(data[end : end + 4], "little") == masked_crc32c(event)
        read = event_pb2.Event.FromString(event)
        found.append((read.step, {v.tag: v.simple_value for v in read.summary.value}))
        at = end + 4
    return found[1:]  # the first one tells the format


def test_every_metric_line_is_read_back_by_another_library(run: Run) -> None:
    with run.write() as writer:
        writer.log(1, loss=0.5, soft=0.25)
        assert events(run) == [(1, {"loss": 0.5, "soft": 0.25})]  # at once, for a live look
        writer.log(300, loss=0.125)
    assert events(run)[1] == (300, {"loss": 0.125})


def test_the_records_are_those_of_tensorboardx_byte_for_byte(tmp_path: Path) -> None:
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto import event_pb2
    from tensorboardX.summary import scalar

    theirs = EventsWriter(str(tmp_path / "events"))
    event = event_pb2.Event(wall_time=12.5, step=70_000)
    for name, value in (("loss", 0.75), ("validation_nll", -3.5)):
        event.summary.value.extend(scalar(name, value).value)
    theirs.write_event(event)
    theirs.close()
    (path,) = tmp_path.iterdir()
    ours = scalars(12.5, 70_000, {"loss": 0.75, "validation_nll": -3.5})
    assert path.read_bytes().endswith(ours)
    assert len(path.read_bytes()) == len(header(0)) + len(ours)


def test_what_is_no_number_is_left_out_of_the_curves(run: Run) -> None:
    with run.write() as writer:
        writer.log(1, loss=float("nan"))
        writer.log(2, loss=1.0, soft=float("inf"))
    assert events(run) == [(2, {"loss": 1.0})]


def test_a_resume_has_no_step_twice_and_none_from_after_its_checkpoint(run: Run) -> None:
    with run.write() as writer:
        for step in range(1, 6):
            writer.log(step, loss=float(step))
        writer.finish("stopped")
    with run.write() as writer:
        writer.truncate_after(3)
        writer.log(4, loss=40.0)
    assert events(run) == [(1, {"loss": 1}), (2, {"loss": 2}), (3, {"loss": 3}), (4, {"loss": 40})]


def test_a_run_that_was_killed_goes_on_with_a_whole_event_file(run: Run, child: Child) -> None:
    process = child("for step in range(1, 10**6):\n        w.log(step, loss=0.5)")
    wait_until(lambda: len(run.metrics()) > 20, "twenty lines")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    (torn,) = (run.folder / "tensorboard").iterdir()
    torn.write_bytes(torn.read_bytes()[:-3])
    with run.write() as writer:
        writer.truncate_after(10)
        writer.log(11, loss=0.25)
    assert [step for step, _ in events(run)] == list(range(1, 12))


def test_a_full_disk_costs_the_event_file_and_not_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trackers_module.EventFile, "log", full)
    with run.write() as writer:
        writer.log(1, loss=0.5)
        writer.log(2, loss=0.25)
    assert [line["loss"] for line in run.metrics()] == [0.5, 0.25]
    assert run.status().state == "finished"
    assert run.log_path.read_text().count("given up") == 1


def test_logging_imports_neither_torch_nor_a_tracker(run: Run) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom kdcore.runs.store import Run\n"
        "with Run.load(Path(sys.argv[1])).write() as w: w.log(1, loss=0.5)\n"
        "print([m for m in ('torch', 'tensorboardX', 'mlflow') if m in sys.modules])"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(run.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the file store that runs are told to use."""
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    address = (tmp_path / "mlruns").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr(trackers_module, "PATIENCE", 60.0)
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=address)


def only_run(client: Any) -> Any:
    experiment = client.get_experiment_by_name("kdlab")
    (found,) = client.search_runs([experiment.experiment_id])
    return found


def test_mlflow_is_told_settings_metrics_and_the_end(run: Run, told: Any) -> None:
    with run.write() as writer:
        writer.log(1, loss=0.5)
        writer.log(2, loss=0.25, validation_nll=0.75)
    found = only_run(told)
    assert found.info.run_name == run.id
    assert found.info.status == "FINISHED"
    assert found.data.params == {"stage": "distill", "seed": "1"}
    history = told.get_metric_history(found.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 0.5), (2, 0.25)]


def test_a_resumed_run_goes_on_in_mlflow_and_tells_no_step_twice(run: Run, told: Any) -> None:
    with run.write() as writer:
        for step in (1, 2, 3):
            writer.log(step, loss=float(step))
        writer.finish("stopped")
    assert only_run(told).info.status == "KILLED"
    with run.write() as writer:
        writer.truncate_after(1)
        for step in (2, 3, 4):
            writer.log(step, loss=float(step))
    found = only_run(told)
    assert found.info.status == "FINISHED"
    history = told.get_metric_history(found.info.run_id, "loss")
    assert [m.step for m in history] == [1, 2, 3, 4]


@pytest.fixture
def silent_server() -> Iterator[str]:
    """An address that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # the kernel takes, nobody answers
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers_holds_no_line_up_and_the_end_for_a_bounded_moment(
    run: Run, silent_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    genuine = mlflow_module.MlflowTracker.wait
    monkeypatch.setattr(trackers_module, "PATIENCE", 0.2)
    monkeypatch.setattr(
        mlflow_module.MlflowTracker,
        "wait",
        lambda self, patience: (waited.append(patience), genuine(self, patience))[1],
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    with run.write() as writer:
        for step in range(200):
            writer.log(step, loss=0.5)
    assert waited == [0.2]
    assert run.status().state == "finished"
    assert len(run.metrics()) == 200


def test_a_dead_server_is_given_up_with_a_line_in_the_log_and_no_password(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Dead:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError("refused")

    monkeypatch.setattr(mlflow_module, "_client", lambda address: Dead())
    monkeypatch.setattr(trackers_module, "PATIENCE", 30.0)
    monkeypatch.setattr(mlflow_module, "FAILING_PATIENCE", 30.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    with run.write() as writer:
        writer.log(1, loss=0.5)
    assert run.status().state == "finished"
    assert "MLflow at http://127.0.0.1:9 is given up: refused" in caplog.text
    assert "secret" not in caplog.text


def test_mlflow_that_is_not_installed_is_told_with_the_line_to_type(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mlflow_module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(trackers_module, "PATIENCE", 30.0)
    monkeypatch.setattr(mlflow_module, "FAILING_PATIENCE", 30.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with run.write() as writer:
        writer.log(1, loss=0.5)
    assert "pip install 'kdlab[track]'" in caplog.text


@pytest.mark.parametrize(
    "said",
    [
        "no route to http://me:s%40fe@127.0.0.1:9/api",
        "me:s@fe@127.0.0.1 refused",
        "Basic s%40fe",
        "see http://you:other@10.0.0.1/",
    ],
)
def test_no_name_or_password_of_the_address_reaches_the_log(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: str
) -> None:
    def refuse(address: str) -> None:
        raise OSError(said)

    monkeypatch.setattr(mlflow_module, "_client", refuse)
    monkeypatch.setattr(trackers_module, "PATIENCE", 30.0)
    monkeypatch.setattr(mlflow_module, "FAILING_PATIENCE", 30.0)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s%40fe@127.0.0.1:9")
    with run.write() as writer:
        writer.log(1, loss=0.5)
    assert "is given up" in caplog.text
    for secret in ("s%40fe", "s@fe", "me:", "you:other"):
        assert secret not in caplog.text


class Stand(BaseHTTPRequestHandler):
    """The few answers of MLflow's own server that a run needs; what was asked is kept."""

    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    INFO: ClassVar[dict[str, Any]] = {
        "run_id": "r1", "run_uuid": "r1", "experiment_id": "7", "status": "RUNNING",
        "start_time": 1, "artifact_uri": "mlflow-artifacts:/7/r1", "lifecycle_stage": "active",
    }  # fmt: skip

    def do_GET(self) -> None:
        missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none yet"}
        known = "runs/get" in self.path
        self._answer(200 if known else 404, {"run": {"info": self.INFO}} if known else missing)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        what = self.path.rpartition("/mlflow/")[2]
        self.asked.append((what, json.loads(body)))
        said = {
            "experiments/create": {"experiment_id": "7"},
            "runs/create": {"run": {"info": self.INFO, "data": {}}},
            "runs/update": {"run_info": self.INFO},
        }
        self._answer(200, said.get(what, {}))

    def _answer(self, code: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""


def test_a_server_is_told_over_http_in_few_requests(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setattr(Stand, "asked", [])
    monkeypatch.setattr(trackers_module, "PATIENCE", 60.0)
    with HTTPServer(("127.0.0.1", 0), Stand) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        with run.write() as writer:
            for step in range(50):
                writer.log(step, loss=0.5)
        server.shutdown()
    told = [what for what, _ in Stand.asked]
    assert told[:2] == ["experiments/create", "runs/create"]
    steps = [m["step"] for what, body in Stand.asked for m in body.get("metrics", ())]
    assert sorted(map(int, steps)) == list(range(50))
    assert len(told) <= 20
    assert Stand.asked[-1][0] == "runs/update"
    assert Stand.asked[-1][1]["status"] == "FINISHED"
