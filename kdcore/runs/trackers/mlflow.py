"""MLflow, written to by a thread of its own: a slow or dead server does not slow a training."""

import importlib.util
import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from kdcore.knobs import flat
from kdcore.runs.facts import RunFacts

EXPERIMENT = "kdlab"
MEMORY = "mlflow.json"  # which of MLflow's runs is ours, for a resume
ROOM = 10_000  # lines that may wait
BATCH = 200  # lines handed over at once
TRIES = 3  # failures in a row before MLflow is given up
FAILING_PATIENCE = 1.0  # seconds that the end waits for one that has been failing
STATES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_LONGEST = 5000  # characters of a parameter
_AT_ONCE = 100  # parameters, MLflow's own limit

_LOGIN = re.compile(r"//[^/\s@]+@")  # name and password in any address

_logger = logging.getLogger("kdcore")

Line = tuple[int, float, dict[str, float]]  # step, seconds since the epoch, numbers


class MlflowTracker:
    """One run of the experiment "kdlab"; a resumed run continues it and sends no step twice."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder, self._address = folder, address
        self._waiting: queue.Queue[Line | str] = queue.Queue(ROOM)
        self._client: Any = None
        self._run_id = ""
        self._resumed = False
        self._sent: dict[str, int] = {}  # last step of each metric that the server holds
        self._failures = 0
        self._ended = False
        self._thread: threading.Thread | None = None  # started with the first line

    def log(self, step: int, moment: float, values: dict[str, float]) -> None:
        """Hand over a line; when the server is too slow for all of them, some are left out."""
        self._put((step, moment, values))

    def end(self, state: str) -> None:
        """Send how the run ended, as the last thing."""
        if not self._ended:
            self._ended = True
            self._put(state)

    def wait(self, patience: float) -> None:
        """Wait until all is sent, MLflow is given up, or `patience` seconds have passed."""
        if self._thread is None:
            return
        self.end("failed")  # in case no end was sent
        began = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - began < patience:
            self._thread.join(0.05)
            if self._failures and time.monotonic() - began > FAILING_PATIENCE:
                return  # it has been failing: do not delay the end of the run

    def _put(self, what: Line | str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(what)
        except queue.Full:
            return

    def _work(self) -> None:
        """Send what waits until the run's end; three failures in a row end it before."""
        lines: list[Line] = []
        end, is_over = "", False
        while not is_over:
            if not end:
                lines, end = self._gathered(lines)
            try:
                self._tell(lines, end)
            except Exception as cause:  # whatever MLflow, its store or the network raises
                self._failures += 1
                reason = _safe_reason(cause, self._address)
                if self._failures >= TRIES or self._client is None:
                    _logger.warning("MLflow at %s is given up: %s", _plain(self._address), reason)
                    return
                time.sleep(0.2 * self._failures)
            else:
                lines, self._failures, is_over = [], 0, bool(end)

    def _gathered(self, before: list[Line]) -> tuple[list[Line], str]:
        """All that waits now, at least one item; and the end state, if it is among them."""
        lines, end = list(before), ""
        item: Line | str | None = self._waiting.get()
        while item is not None:
            if isinstance(item, str):
                return lines, item
            lines.append(item)
            if len(lines) >= BATCH:
                break
            try:
                item = self._waiting.get(timeout=0.2)
            except queue.Empty:
                item = None
        return lines, end

    def _tell(self, lines: list[Line], end: str) -> None:
        if self._client is None:
            self._client = _client(self._address)
        if not self._run_id:
            self._run_id = self._begun()
        metric = import_module("mlflow.entities").Metric
        metrics = [
            metric(name, value, int(moment * 1000), step)
            for step, moment, values in lines
            for name, value in values.items()
            if step > self._last_of(name)
        ]
        for portion in _portions(metrics, 1000):
            self._client.log_batch(self._run_id, metrics=portion)
            for sent in portion:
                self._sent[sent.key] = max(self._sent.get(sent.key, -1), sent.step)
        if end:
            self._client.set_terminated(self._run_id, STATES.get(end, "FAILED"))

    def _last_of(self, name: str) -> int:
        """The last step of a metric that the server has; requested once, after a resume only.

        The same seed gives the same lines, so those that were sent before need not be sent again.
        """
        if name not in self._sent:
            history = self._client.get_metric_history(self._run_id, name) if self._resumed else ()
            self._sent[name] = max((metric.step for metric in history), default=-1)
        return self._sent[name]

    def _begun(self) -> str:
        """The id of MLflow's run: the one of before where it is still there, else a new one."""
        address, before = remembered(self._folder) or ("", "")
        before = before if address == _plain(self._address) else ""
        if before:
            try:
                self._client.update_run(before, status="RUNNING")
            except Exception:  # deleted there, or another store
                before = ""
        self._resumed = bool(before)
        return before or self._created()

    def _created(self) -> str:
        param = import_module("mlflow.entities").Param
        existing = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = (
            existing.experiment_id if existing else self._client.create_experiment(EXPERIMENT)
        )
        run = RunFacts.load(self._folder)
        tags = {"run": run.id, "role": run.purpose.role, "group": run.purpose.group}
        used_tags = {f"kdlab.{name}": value for name, value in tags.items() if value}
        created = self._client.create_run(experiment, run_name=run.id, tags=used_tags)
        run_id = str(created.info.run_id)
        params = [param(k, str(v)[:_LONGEST]) for k, v in flat(run.settings).items()]
        for portion in _portions(params, _AT_ONCE):
            self._client.log_batch(run_id, params=portion)
        memory = json.dumps({"address": _plain(self._address), "run": run_id})
        with suppress(OSError):  # then a resume begins another one there
            (self._folder / MEMORY).write_text(memory, encoding="utf-8")
        return run_id


def _client(address: str) -> Any:
    if importlib.util.find_spec("mlflow") is None:
        raise ModuleNotFoundError("mlflow is not installed; type: pip install 'kdlab[track]'")
    # MLflow would report its use to its makers; a run contacts only the address that is set
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    return import_module("mlflow.tracking").MlflowClient(tracking_uri=address)


def remembered(folder: Path) -> tuple[str, str] | None:
    """The address and MLflow run that are written in a run's folder; None without any."""
    try:
        memory = json.loads((folder / MEMORY).read_text(encoding="utf-8"))
        return str(memory["address"]), str(memory["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(address: str) -> str:
    """An address without the name and password that may stand in it."""
    scheme, sign, rest = address.partition("://")
    return f"{scheme}{sign}{rest.rpartition('@')[2]}"


def _safe_reason(cause: Exception, address: str) -> str:
    """The first line of what went wrong, without a name or password of the address.

    An exception may quote the address as it was given, in part, or decoded.
    """
    text = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    login = address.partition("://")[2].rpartition("@")[0]
    password = login.partition(":")[2]
    for secret in (login, unquote(login)):
        text = text.replace(f"{secret}@", "") if secret else text
    for secret in (password, unquote(password)):
        text = text.replace(secret, "***") if secret else text
    return _LOGIN.sub("//", text)[:200]


def _portions(things: list[Any], most: int) -> Iterator[list[Any]]:
    for start in range(0, len(things), most):
        yield things[start : start + most]
