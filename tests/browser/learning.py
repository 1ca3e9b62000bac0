"""A run that a test writes in the place of a training child: lines, moments, and how it stands."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from kdcore.data.pairs import PairTable
from kdcore.predictions import Predictions
from kdcore.runs.metric_lines import METRICS
from kdcore.runs.record import Record, process_start
from kdcore.workspace import write_json_atomic

WEIGHTS = {"soft_weight": 1.0, "hard_weight": 0.1}
HALF = {"soft": 0.5, "hard": 1.0, "loss": 0.6, "pairs_per_second": 123.0}


class Learning:
    """A run of the workspace root/home beside the invented story root/demo.

    As long as it runs, the process of the test is its child.
    """

    def __init__(self, root: Path, name: str) -> None:
        told = json.loads((root / "demo" / "runs" / "student-kd" / "config.json").read_text())
        self.root, self.folder = root, root / "home" / "runs" / name
        self.folder.mkdir(parents=True)
        write_json_atomic(self.folder / "config.json", told | WEIGHTS | {"seed": 9})
        self.record = Record(state="queued", title=f"Run {name}", created=time.time())
        self.stand(state="running", stage="distill", total_steps=80, started=time.time())

    def stand(self, **changes: object) -> None:
        """Write how the run stands."""
        pid = os.getpid()
        who = {"pid": pid, "process_start": process_start(pid), "heartbeat": time.time()}
        self.record = replace(self.record, **(who | changes))
        self.record.write(self.folder)

    def line(self, step: int, **values: float) -> None:
        """Append a metric line."""
        with (self.folder / METRICS).open("a") as file:
            file.write(json.dumps({"step": step, "time": time.time()} | (values or HALF)) + "\n")

    def moment(self, step: int, sure: float) -> None:
        """What the student says at a step: the truth, so many times as sure."""
        replay = self.folder / "replay"
        probe = PairTable.load(self.root / "demo" / "runs" / "teacher" / "replay" / "probe")
        probe.save(replay / "probe")
        right = np.log(probe.truth + 1e-3).astype(np.float32)
        Predictions(right, probe.content_hash, "teacher").save(replay / "teacher.parquet")
        said = Predictions(sure * right, probe.content_hash, self.folder.name)
        said.save(replay / f"step-{step:08d}.parquet")
