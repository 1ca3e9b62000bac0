"""How fast this machine trains and scores, as runs that it made itself have shown.

Kept in the workspace's cache as throughput.json. Runs from elsewhere (the bundled demo, a copied
folder) never count: a run counts when its provenance bears this machine's mark. Before there is
one, `measure` times a few steps of small models; `python -m kdcore measure HOME` does that in a
process of its own.
"""

import json
import statistics
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from kdcore.config import (
    DistillConfig,
    FinetuneConfig,
    InferConfig,
    ModelConfig,
    TrainingConfig,
    to_dict,
)
from kdcore.errors import LabError
from kdcore.experiments.estimate.data_stats import amounts_of
from kdcore.experiments.estimate.flops import Work, work_of
from kdcore.runs.machine import machine_mark
from kdcore.runs.queue.launch import start_detached
from kdcore.runs.store import Run
from kdcore.workspace import Workspace, write_json_atomic

FILE = "throughput.json"
FEWEST_LINES = 3  # metric lines below which a run says nothing of speed
MOST = 200  # measured things kept
PATIENCE = 60  # seconds until a measurement is asked for again

FORMAT = 1  # raised when the sums of a pair are counted otherwise
LEAST_SPAN = 0.004  # seconds; the clock of metric lines has milliseconds
USUAL_TEXTS = (3.0, 12.0)  # words of a query and of an ad, where none can be read

Kind = Literal["train", "score"]
KINDS: tuple[Kind, ...] = ("train", "score")


@dataclass(frozen=True)
class Measured:
    """Pairs a second of a model: in training at a batch size, or when scored.

    model: its config as text. cost: sums a pair (see costs.py). run: who showed it, "" for a
    short measurement. memory_mb: the most that the run told, 0 when it told none.
    """

    kind: Kind
    device: str  # "cpu", "cuda" or "mps"
    model: str
    family: str
    batch: int
    threads: int
    cost: float
    pairs_per_second: float
    run: str = ""
    memory_mb: float = 0.0
    seconds: float = 0.0

    @property
    def speed(self) -> float:
        """Sums a second."""
        return self.cost * self.pairs_per_second


def known(workspace: Workspace) -> list[Measured]:
    """All that was measured on this machine, oldest first; new finished runs are read now."""
    kept = _read(workspace)
    seen = set(kept["seen"])
    fresh = list(_finished(workspace, seen))
    if fresh:
        for run in sorted(fresh, key=lambda run: run.created):
            kept["measured"] += [asdict(m) for m in shown_by(run, workspace)]
        kept["seen"] = sorted(seen | {run.id for run in fresh})
        _write(workspace, kept)
    return [Measured(**entry) for entry in kept["measured"]]


def keep(workspace: Workspace, found: Iterable[Measured]) -> None:
    """Add what a measurement showed."""
    kept = _read(workspace)
    kept["measured"] = [asdict(m) for m in found] + kept["measured"]
    _write(workspace, kept)


def ensure_measured(workspace: Workspace) -> bool:
    """Whether any speed is known here; a child process begins the short measurement once.

    The child is asked for at most once a minute and workspace.
    """
    found = known(workspace)
    if any(not m.run for m in found):
        return True
    asked = workspace.cache / ".measuring"
    with suppress(OSError):
        if asked.exists() and time.time() - asked.stat().st_mtime < PATIENCE:
            return bool(found)
        workspace.cache.mkdir(parents=True, exist_ok=True)
        asked.touch()
        start_detached("measure", str(workspace.root.absolute()))
    return bool(found)


def family_of(model: ModelConfig) -> str:
    """Models whose sums a second are alike."""
    return "bert" if model.name == "checkpoint" else model.name.partition("_")[0]


def as_text(model: ModelConfig) -> str:
    """A model's config as one comparable text."""
    return json.dumps(to_dict(model), sort_keys=True)


def work_in(
    model: ModelConfig,
    config: FinetuneConfig | DistillConfig,
    workspace: Workspace,
    training: TrainingConfig | None = None,
) -> Work:
    """The work of a model on the pairs of a config; of usual texts where they cannot be read."""
    training = training or config.training
    try:
        counted = amounts_of(config, workspace)
    except (LabError, OSError):
        return work_of(model, *USUAL_TEXTS, 1 / training.ads_per_query)
    queries = max(1 / training.ads_per_query, counted.queries)
    return work_of(model, counted.query_words, counted.ad_words, queries)


def shown_by(run: Run, workspace: Workspace) -> list[Measured]:
    """What a finished training shows of this machine; nothing when it was made elsewhere."""
    try:
        config = run.config
    except LabError:
        return []
    validation, device = run.splits.get("validation"), run.provenance.get("device")
    if isinstance(config, InferConfig) or run.provenance.get("machine") != machine_mark():
        return []
    if validation is None or device is None:
        return []
    lines = run.metric_lines
    model = config.student if isinstance(config, DistillConfig) else config.model
    batch, work = config.training.batch_size, work_in(model, config, workspace)
    about: dict[str, Any] = {
        "device": str(device),
        "model": as_text(model),
        "family": family_of(model),
        "batch": batch,
        "threads": config.threads,
        "run": run.id,
        "memory_mb": max((line.get("memory_mb", 0.0) for line in lines), default=0.0),
        "seconds": next((line["seconds"] for line in reversed(lines) if "seconds" in line), 0.0),
    }
    scored = _judged(config, validation.pairs, workspace)
    rates = {"train": _trained(lines), "score": _validated(lines, scored)}
    costs = {"train": work.trained(batch), "score": work.scored}
    return [
        Measured(kind=kind, cost=costs[kind], pairs_per_second=rate, **about)
        for kind in KINDS
        if (rate := rates[kind])
    ]


def _judged(config: FinetuneConfig | DistillConfig, validation: int, workspace: Workspace) -> int:
    """How many validation pairs a training looks at: the labelled ones, where they can be told."""
    with suppress(LabError, OSError):
        counted = amounts_of(config, workspace)
        if counted.validation == validation:
            return counted.judged
    return validation


def _trained(lines: Sequence[Mapping[str, float]]) -> float:
    """Median pairs a second of a training, its first line (a cold start) left out; 0 for none."""
    rates = [line["pairs_per_second"] for line in lines if "loss" in line]
    return statistics.median(rates[1:]) if len(rates) >= FEWEST_LINES else 0.0


def _validated(lines: Sequence[Mapping[str, float]], pairs: int) -> float:
    """Median pairs a second of the validations, by the clock of the lines around them."""
    spans = [
        after["time"] - before["time"]
        for before, after in pairwise(lines)
        if "validation_nll" in after and "loss" in before and before["step"] == after["step"]
    ]
    span = statistics.median(spans) if spans else 0.0
    return pairs / span if span > LEAST_SPAN else 0.0


def _finished(workspace: Workspace, seen: Collection[str]) -> Iterator[Run]:
    """Trainings that have come to their end; folders that were seen are not opened again."""
    root = workspace.runs
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in seen and folder.name[0] != "." and folder.is_dir():
            run = Run.load(folder)
            if not run.is_scoring and run.status().state == "finished":
                yield run


def _read(workspace: Workspace) -> dict[str, Any]:
    """What was kept; nothing when it is damaged, of another machine, or of other arithmetic."""
    empty: dict[str, Any] = {"mark": machine_mark(), "format": FORMAT, "seen": [], "measured": []}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        kept = json.loads((workspace.cache / FILE).read_text(encoding="utf-8"))
        if {key: kept[key] for key in ("mark", "format")} == {
            key: empty[key] for key in ("mark", "format")
        }:
            [Measured(**entry) for entry in kept["measured"]]
            return empty | {"seen": list(kept["seen"]), "measured": list(kept["measured"])}
    return empty


def _write(workspace: Workspace, kept: dict[str, Any]) -> None:
    kept["measured"] = kept["measured"][-MOST:]
    with suppress(OSError):  # a full or read-only disk costs the memory of it, not the answer
        write_json_atomic(workspace.cache / FILE, kept)
