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
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from kdcore.catalog import STORED
from kdcore.config import (
    DistillConfig,
    InferConfig,
    ModelConfig,
    MultitaskConfig,
    PretrainConfig,
    TeachConfig,
    TrainedConfig,
    TrainingConfig,
    to_dict,
)
from kdcore.config.groups import short_name
from kdcore.errors import LabError
from kdcore.experiments.estimate.data_stats import DataStats, Texts, stats_of
from kdcore.experiments.estimate.flops import ModelCost, cost_of, cost_on, word_head
from kdcore.runs.machine import machine_mark
from kdcore.runs.metric_lines import is_validation
from kdcore.runs.queue.processes import start_detached
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace, write_json_atomic

FILE = "throughput.json"
FEWEST_LINES = 3  # metric lines below which a run says nothing of speed
MOST = 200  # throughputs that are stored
PATIENCE = 60  # seconds until a measurement is requested again

FORMAT = 1  # raised when the FLOPs per pair are counted in another way
LEAST_SPAN = 0.004  # seconds; the clock of metric lines has milliseconds
USUAL_TEXTS = (3.0, 12.0)  # words of a query and of an ad, where none can be read

Kind = Literal["train", "score"]
KINDS: tuple[Kind, ...] = ("train", "score")


@dataclass(frozen=True)
class Throughput:
    """Pairs per second of a model: in training at a batch size, or when scored.

    model: its config as text. cost: FLOPs per pair (see flops.py). run: the run that it was
    measured on, "" for a short measurement. memory_mb: the peak, 0 where it is not known.
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
        """FLOPs per second."""
        return self.cost * self.pairs_per_second


def throughputs(workspace: Workspace) -> list[Throughput]:
    """All that was measured on this machine, oldest first; new finished runs are read now."""
    store = _read(workspace)
    seen = set(store["seen"])
    if new := list(_finished(workspace, seen)):
        for run in sorted(new, key=lambda run: run.created):
            store["measured"] += [asdict(t) for t in _of_run(run, workspace)]
        store["seen"] = sorted(seen | {run.id for run in new})
        _write(workspace, store)
    return [Throughput(**entry) for entry in store["measured"]]


def add(workspace: Workspace, measurements: Iterable[Throughput]) -> None:
    """Store what a short measurement showed."""
    store = _read(workspace)
    store["measured"] = [asdict(t) for t in measurements] + store["measured"]
    _write(workspace, store)


def ensure_measured(workspace: Workspace) -> bool:
    """Whether any speed is known here; a child process begins the short measurement once.

    The child is started at most once per minute and workspace.
    """
    measured = throughputs(workspace)
    if any(not t.run for t in measured):
        return True
    request = workspace.cache / ".measuring"
    with suppress(OSError):
        if request.exists() and time.time() - request.stat().st_mtime < PATIENCE:
            return bool(measured)
        workspace.cache.mkdir(parents=True, exist_ok=True)
        request.touch()
        start_detached("measure", str(workspace.root.absolute()))
    return bool(measured)


def family_of(model: ModelConfig) -> str:
    """The name that models of about equal FLOPs per second share."""
    short = "bert" if model.name == "ready" else short_name(model.name)
    return short.partition("_")[0]


def as_text(model: ModelConfig) -> str:
    """A model's config as one comparable text."""
    return json.dumps(to_dict(model), sort_keys=True)


def model_of(config: TrainedConfig) -> ModelConfig:
    """The model that a training trains."""
    return config.student if isinstance(config, DistillConfig) else config.model


def learned_pairs(config: TrainedConfig, stats: DataStats) -> tuple[int, Texts]:
    """How many pairs a training learns from, and their texts."""
    if isinstance(config, DistillConfig | MultitaskConfig | PretrainConfig):
        return stats.transfer, stats.transfer_texts
    return stats.labelled, stats.train_texts


def training_cost(config: TrainedConfig, texts: Texts, workspace: Workspace) -> ModelCost:
    """The cost of a training, with that of a teacher that runs at every step.

    LabError for an unknown teacher.
    """
    cost = own_cost(config, texts, config.training)
    if not isinstance(config, DistillConfig):
        return cost
    if config.teaching.students:
        peers = (cost_on(peer, texts, config.training) for peer in config.teaching.students)
        batch = config.training.batch_size
        return replace(cost, live_flops=sum(peer.training_flops(batch) for peer in peers))
    if config.teaching.kind == "ema":
        return replace(cost, live_flops=cost.scoring_flops)  # on the tokens that the student reads
    if not config.reads - STORED:
        return cost
    if config.teaching.kind == "born_again":  # a generation before it runs at every step
        return cost.with_live(cost)
    teacher = RunStore(workspace.runs).get(config.teaching.runs[0]).config
    if isinstance(teacher, InferConfig):
        return cost
    if isinstance(teacher, TeachConfig):
        return cost.with_live(cost_on(teacher.model, texts, config.training))
    return cost.with_live(own_cost(teacher, texts, config.training))


def own_cost(config: TrainedConfig, texts: Texts, training: TrainingConfig) -> ModelCost:
    """The cost of what a training trains, on the texts of this or another training.

    An assistant counts as if it learned all along, which is a little more than it does.
    """
    cost = cost_on(model_of(config), texts, training)
    if isinstance(config, PretrainConfig):
        return cost.plus(word_head(config.model, texts, config.mask_share))
    if not isinstance(config, DistillConfig) or config.assistant is None:
        return cost
    return cost.plus(cost_on(config.assistant, texts, training))


def _of_run(run: Run, workspace: Workspace) -> list[Throughput]:
    """What a finished training shows of this machine; nothing when it was made elsewhere."""
    try:
        config = run.config
    except LabError:
        return []
    validation, device = run.splits.get("validation"), run.provenance.get("device")
    is_foreign = run.provenance.get("machine") != machine_mark()
    if isinstance(config, InferConfig | TeachConfig) or is_foreign:
        return []
    if validation is None or device is None:
        return []
    lines = run.metric_lines
    model = model_of(config)
    batch, training, scored = config.training.batch_size, config.training, validation.pairs
    try:
        stats = stats_of(config, workspace)
        cost = training_cost(config, learned_pairs(config, stats)[1], workspace)
        if (
            config.gives_grades and stats.validation == scored
        ):  # only the labelled pairs are scored during training
            scored = stats.labelled_validation
    except (LabError, OSError):  # the data have gone
        cost = cost_of(model, *USUAL_TEXTS, 1 / training.ads_per_query)
    conditions: dict[str, Any] = {
        "device": str(device),
        "model": as_text(model),
        "family": family_of(model),
        "batch": batch,
        "threads": config.threads,
        "run": run.id,
        "memory_mb": max((line.get("memory_mb", 0.0) for line in lines), default=0.0),
        "seconds": run.seconds or 0.0,
    }
    rates = {"train": _trained(lines), "score": _validated(lines, scored)}
    costs = {"train": cost.training_flops(batch), "score": cost.scoring_flops}
    return [
        Throughput(kind=kind, cost=costs[kind], pairs_per_second=rate, **conditions)
        for kind in KINDS
        if (rate := rates[kind])
    ]


def _trained(lines: Sequence[Mapping[str, float]]) -> float:
    """Median pairs per second of a training, its first line (a cold start) left out; 0 for none."""
    rates = [line["pairs_per_second"] for line in lines if "loss" in line]
    return statistics.median(rates[1:]) if len(rates) >= FEWEST_LINES else 0.0


def _validated(lines: Sequence[Mapping[str, float]], pairs: int) -> float:
    """Median pairs per second of the validations, by the clock of the lines around them."""
    spans = [
        after["time"] - before["time"]
        for before, after in pairwise(lines)
        if is_validation(after) and "loss" in before and before["step"] == after["step"]
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
    """What is stored; nothing when it is damaged, of another machine, or of other arithmetic."""
    empty: dict[str, Any] = {"mark": machine_mark(), "format": FORMAT, "seen": [], "measured": []}
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        store = json.loads((workspace.cache / FILE).read_text(encoding="utf-8"))
        if all(store[key] == empty[key] for key in ("mark", "format")):
            [Throughput(**entry) for entry in store["measured"]]
            return empty | {"seen": list(store["seen"]), "measured": list(store["measured"])}
    return empty


def _write(workspace: Workspace, store: dict[str, Any]) -> None:
    store["measured"] = store["measured"][-MOST:]
    with suppress(OSError):  # a full or read-only disk costs the memory of it, not the answer
        write_json_atomic(workspace.cache / FILE, store)
