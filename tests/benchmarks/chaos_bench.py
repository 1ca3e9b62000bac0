"""The tiny students of the chaos benchmark, what they come to, and what must be equal."""

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kdcore import lab
from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    MethodConfig,
    ModelConfig,
    StageConfig,
    TrainingConfig,
)
from kdcore.errors import LabError
from kdcore.runs.queue import queue
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

DATA = "world:train=320,validation=80,test=80"
SMALL = "layers=1,hidden=16,heads=2,vocabulary=300"
STUDENTS = {
    "bert": f"bert:{SMALL},ad_tokens=16",
    "cdssm": "cdssm:buckets=300,filters=12,semantic=8,dropout=0.2",
    "twin": f"twinbert_cos:{SMALL},ad_tokens=16,dropout=0.2",
    "distilled": f"twinbert_cos:{SMALL},ad_tokens=16,dropout=0.2",
}
CLOCKS = ("time", "pairs_per_second", "seconds", "memory_mb")
PATIENCE = 1800.0  # seconds after which a queue is called stuck


def training(checkpoint_seconds: int) -> TrainingConfig:
    return TrainingConfig(
        epochs=20,
        batch_size=16,
        learning_rate=2e-3,
        checkpoint_seconds=checkpoint_seconds,
        replay_points=4,
    )


def config_of(kind: str, data: str, teacher: str, every: int) -> StageConfig:
    model = ModelConfig.parse(STUDENTS[kind])
    usual: dict[str, Any] = {"data": data, "threads": 1, "device": "cpu"}
    usual["training"] = training(every)
    if kind != "distilled":
        return FinetuneConfig(model=model, **usual)
    method = MethodConfig(name="response", params={"temperature": 2})
    return DistillConfig(teacher=teacher, student=model, method=method, **usual)


def result_of(run: Run) -> dict[str, str]:
    """What must be the same whatever happened on the way: weights, answers, numbers."""
    told = [{k: v for k, v in line.items() if k not in CLOCKS} for line in run.metrics()]
    lines = [line for line in told if set(line) != {"step"}]
    answers = hashlib.sha256()
    for split in ("validation", "test"):
        answers.update(lab.predictions(run, split).logits.tobytes())
    weights = (run.model_folder / "model.safetensors").read_bytes()
    return {
        "weights": hashlib.sha256(weights).hexdigest(),
        "answers": answers.hexdigest(),
        "metric lines": json.dumps(lines, sort_keys=True),
    }


class Laboratory:
    """A workspace with its data, a teacher, and the undisturbed run of each kind."""

    def __init__(self, home: Workspace, kinds: Sequence[str] = tuple(STUDENTS)) -> None:
        self.home, self.kinds = home, tuple(kinds)
        self.teacher = ""
        self.undisturbed: dict[str, dict[str, str]] = {}
        self.seconds: dict[str, tuple[float, float]] = {}  # from the queue on; of training alone

    def prepare(self) -> None:
        for kind in self.kinds:
            run = self.create(kind)
            began = time.monotonic()
            queue.enqueue([run], self.home)
            wait_for_end(run, self.home)
            if run.status().state != "finished":
                raise SystemExit(f"the undisturbed {kind} is {run.status()}")
            lines = [line["time"] for line in run.metrics()]
            self.seconds[kind] = time.monotonic() - began, lines[-1] - lines[0]
            self.undisturbed[kind] = result_of(run)
            self.teacher = self.teacher or str(run.folder)

    def create(self, kind: str, home: Workspace | None = None, every: int = 1) -> Run:
        """A run that waits; every: seconds between its checkpoints, 0 is one at each step."""
        data = str(self.home.data_folder("tiny"))
        return lab.create(config_of(kind, data, self.teacher, every), home or self.home)


def wait_for_end(run: Run, home: Workspace) -> bool:
    """Whether a run came to rest; the app that is back keeps the dispatcher alive meanwhile."""
    until = time.monotonic() + PATIENCE
    while run.status().state in ("queued", "running"):
        if time.monotonic() > until:
            return False
        with suppress(LabError, OSError):
            queue.ensure_dispatcher(home)
        time.sleep(0.2)
    return True
