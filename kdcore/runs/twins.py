"""The twin and the teacher of a distilled student.

A twin is the same student trained on the labels alone. Twins share model, data, seed, limit,
schedule and number of steps. A student that also learns from unlabelled pairs takes more steps per
epoch: its twin goes over the labelled pairs more often, until it has taken as many steps, and saves
its best epoch on validation. So the two differ in the teacher's answers and in the pairs that only
a teacher can label, from which a student of the log also learns its tokens, but not in practice.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from kdcore.config import UNSEEN_BY_THE_MODEL, DistillConfig, FinetuneConfig, TrainingConfig
from kdcore.errors import LabError
from kdcore.runs.facts import checked
from kdcore.runs.record import CONFIG
from kdcore.runs.store import Run, RunStore
from kdcore.workspace import Workspace

# stages in which the steps of a run are its own
TRAINED = ("pretrain", "finetune", "multitask", "distill", "evaluate")


def twin_of(config: DistillConfig, transfer: int = 0, labelled: int = 0) -> FinetuneConfig:
    """Make the config of a student's twin: trained on the labelled pairs of train alone.

    transfer, labelled: how many pairs the student and the twin learn from; needed where they
    differ (transfer "log" or "train+log"), so that both take as many steps. The twin's loss is
    cross-entropy, or squared error where the student's soft loss is that of the KDD 2022 tutorial.
    """
    training = config.training
    if transfer and labelled:
        size = training.batch_size
        steps = math.ceil(transfer / size) * training.epochs
        epochs = max(1, round(steps / math.ceil(labelled / size)))
        training = replace(training, epochs=min(epochs, 1000))
    squared = getattr(config.method.params, "loss", "") == "mse_probabilities"
    return FinetuneConfig(
        data=config.data,
        limit=config.limit,
        seed=config.seed,
        device=config.device,
        threads=config.threads,
        model=config.student,
        loss="mse" if squared else "ce",
        label_smoothing=0.0 if squared else config.label_smoothing,
        training=training,
    )


def is_twin(student: Run, other: Run) -> bool:
    """Whether a run is the twin of a student: as they were launched, else as they learned."""
    if not _may_be_twins(student.settings, other.settings):  # most end here, and no file is read
        return False
    if student.purpose.twin == other.id or are_twins(student.settings, other.settings):
        return True
    return are_twins(student.settings, other.settings, (steps_of(student), steps_of(other)))


def find_twin(student: Run | None, others: Iterable[Run]) -> Run | None:
    """A student's twin among other runs: the one launched with it, else the first that is one."""
    if student is None or not student.is_distilled:
        return None
    launched_first = sorted(others, key=lambda run: run.id != student.purpose.twin)
    return next((run for run in launched_first if is_twin(student, run)), None)


def launched_twin(student: Run) -> Run | None:
    """The twin that was launched with a student, in the folder beside it; None when it is gone."""
    folder = student.folder.parent / student.purpose.twin if student.purpose.twin else None
    return Run.load(folder) if folder is not None and (folder / CONFIG).is_file() else None


def teacher_of(student: Run, *elsewhere: Path) -> Run | None:
    """The teacher of a student: beside it, by its path, or in other folders of runs.

    None where it is no single run: of several, what they answered together lies in teacher_path().
    """
    names = student.teachers
    for root in (student.folder.parent, *elsewhere) if len(names) == 1 else ():
        with suppress(LabError):
            return RunStore(root).get(names[0])
    return None


def steps_of(run: Run) -> int:
    """How many steps a run's whole training has; 0 before the run has written it down."""
    status = run.status()
    return status.total_steps if status.stage in TRAINED else 0


def are_twins(
    distilled: Mapping[str, Any], other: Mapping[str, Any], steps: tuple[int, int] = (0, 0)
) -> bool:
    """Whether the second config is that of a twin of the first one's student, both as plain data.

    Same model, data, limit, seed and schedule; device, threads and how the training is watched may
    differ. Epochs may differ where both take as many steps, to half an epoch of the twin.
    steps: how many each takes, 0 where that is unknown.
    """
    if not _may_be_twins(distilled, other):
        return False
    try:
        student = checked({**distilled, "stage": "distill"})
        twin = checked({**other, "stage": "finetune"})
    except LabError:
        return False
    assert isinstance(student, DistillConfig)
    assert isinstance(twin, FinetuneConfig)
    return _same(student, twin, steps)


def _may_be_twins(distilled: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one learned from a teacher and the other did not, on the same data and seed."""
    if "student" not in distilled or "model" not in other or "student" in other:
        return False
    return all(distilled.get(key) == other.get(key) for key in ("data", "seed"))


def same_training(one: FinetuneConfig, other: FinetuneConfig) -> bool:
    """Whether two trainings on labels learn the same, wherever they run and however watched."""
    parts = [
        replace(config, training=_learned(config.training), device="auto", threads=0)
        for config in (one, other)
    ]
    return parts[0] == parts[1]


def _same(student: DistillConfig, twin: FinetuneConfig, steps: tuple[int, int]) -> bool:
    if (student.student, student.limit) != (twin.model, twin.limit):
        return False
    if twin.loss == "ce" and twin.label_smoothing != student.label_smoothing:
        return False
    ours, theirs = _learned(student.training), _learned(twin.training)
    if all(steps) and abs(steps[0] - steps[1]) <= steps[1] / theirs.epochs / 2:
        theirs = replace(theirs, epochs=ours.epochs)
    return ours == theirs


def _learned(training: TrainingConfig) -> TrainingConfig:
    """The schedule without what does not change the model; equal for equal learning."""
    usual: dict[str, Any] = {
        spec.name: spec.default for spec in fields(training) if spec.name in UNSEEN_BY_THE_MODEL
    }
    return replace(training, **usual)


class Twins:
    """The runs of a workspace that trained on labels only; students with equal twins share one.

    Configs given to it are resolved (kdcore.runs.resolve).
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._existing = list(_finetunings(workspace))
        self._created: list[tuple[FinetuneConfig, Run]] = []

    def find(self, twin: FinetuneConfig) -> Run | None:
        """A run of the same training: created here, or finished, running or queued before."""
        for config, run in self._created:
            if same_training(twin, config):
                return run
        for config, run in self._existing:
            if same_training(twin, config) and _will_be_whole(run, config, self.workspace):
                return run
        return None

    def forget(self, run: Run) -> None:
        """Do not reuse a run that was created here."""
        self._created = [entry for entry in self._created if entry[1].id != run.id]

    def add(self, twin: FinetuneConfig, run: Run) -> None:
        """Reuse a run that was created here for the next equal twins."""
        self._created.append((twin, run))


def _finetunings(workspace: Workspace) -> Iterator[tuple[FinetuneConfig, Run]]:
    """Every run that trained on labels only, newest first."""
    for run in RunStore(workspace.runs).list():
        if run.stage == "finetune":
            with suppress(LabError):
                config = run.config
                if isinstance(config, FinetuneConfig):
                    yield config, run


def _will_be_whole(run: Run, config: FinetuneConfig, workspace: Workspace) -> bool:
    """Whether a training has all of its epochs, or will: one that was ended early has fewer."""
    state = run.status().state
    if state == "finished":
        done = max((line.get("epoch", 0.0) for line in run.metrics()), default=0.0)
        return done >= config.training.epochs - 1e-6
    if state == "running":
        return True
    return state == "queued" and (run.status().pid is not None or _is_queued(run, workspace))


def _is_queued(run: Run, workspace: Workspace) -> bool:
    from kdcore.runs.queue import queue

    return queue.position(run, workspace) is not None
