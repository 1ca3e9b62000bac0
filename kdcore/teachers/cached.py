"""A teacher whose logits are computed once for each (model, data) and looked up at every step."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kdcore.config import DistillConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable
from kdcore.data.splits import transfer_set
from kdcore.errors import DataError
from kdcore.models.batches import Batch, Rows
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.models.predict import Watch, predict_table
from kdcore.outputs import Outputs
from kdcore.predictions import Predictions, model_hash
from kdcore.runs.store import Run, RunStore
from kdcore.teachers.ensemble import averaged, notes_of, refuse_other_grades
from kdcore.training.devices import pick_device
from kdcore.training.windows import Windows
from kdcore.workspace import Workspace

log = logging.getLogger("kdcore")


@dataclass(frozen=True)
class CachedTeacher:
    """Logits (and features) that were computed once: offline distillation, free at every step."""

    logits: Tensor  # (pairs, classes), on the student's device
    features: Tensor  # (pairs, width), or (pairs, 0) when they were not stored

    @classmethod
    def of(cls, predictions: Predictions, device: torch.device) -> "CachedTeacher":
        """From a finished run's predictions on the transfer set."""
        features = predictions.features
        empty = torch.empty(len(predictions), 0, device=device)
        # copies: what Arrow reads from a file cannot be written to, which torch warns of
        return cls(
            torch.tensor(predictions.logits, dtype=torch.float32, device=device),
            empty if features is None else torch.tensor(features, device=device),
        )

    def __call__(self, rows: Rows, batch: Batch) -> Outputs:
        """Look the rows up."""
        index = torch.from_numpy(rows).to(self.logits.device)
        return Outputs(self.logits[index], self.features[index])

    def after_step(self, step: int) -> None:
        """A frozen teacher does not change."""


@dataclass(frozen=True)
class TeacherPredictions:
    """A teacher's predictions on the transfer set and on the labelled validation pairs.

    The student learns from the first; the second only show how good its teacher is. notes: what
    must be known of several teachers or of files, a sentence each. answered: (pairs,) which pairs
    of the transfer set are answered, None for all. test: the answers of files to the test pairs.
    windows: the transfer set where it is not all in memory; the first predictions are then those
    on its first window.
    """

    transfer: Predictions
    validation: Predictions | None
    notes: tuple[str, ...] = ()
    answered: NDArray[np.bool_] | None = None
    test: Predictions | None = None
    windows: Windows | None = None


def teachers_of(run: Run) -> list[Run]:
    """The finished runs that teach a run; none where the student teaches itself."""
    runs = RunStore(run.folder.parent)
    return [runs.get(name).require_model() for name in run.teachers]


def teacher_predictions(
    config: DistillConfig,
    teachers: Sequence[Run],
    pairs: PairTable,
    workspace: Workspace,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> TeacherPredictions:
    """Score what a distillation needs from its teachers, in the grades of the data.

    Where P(relevant) has to be spread over more grades, the labels of train alone decide the
    proportions. Several teachers are averaged. watch: called with the number of pairs that are
    done, and of all.
    """
    transfer = transfer_set(pairs, config.transfer)
    validation = pairs.split("validation").labelled()
    total = len(teachers) * (len(transfer) + len(validation))
    train = pairs.take(np.flatnonzero((pairs.frame["split"] == "train").to_numpy()))
    average = config.teaching.average
    refuse_other_grades([(t.id, model_scheme(t.require_model().model_folder)) for t in teachers])

    def tell(before: int, done: int) -> None:
        watch(before + done, total)

    def scored(part: PairTable, before: int) -> list[Predictions]:
        members = []
        for place, teacher in enumerate(teachers):
            report = partial(tell, before + place * len(part))
            predictions, _ = cached_predictions(
                teacher, part, workspace, device=config.device, watch=report
            )
            members.append(regraded(predictions, model_scheme(teacher.model_folder), train))
        return members

    watch(0, total)
    members = scored(transfer, 0)
    soft = averaged(members, average, pairs.scheme)
    for note in soft.notes:
        log.info("the teacher's %s", note)
    notes = notes_of(members, average, pairs.scheme)
    if not len(validation):  # the session refuses this in words
        return TeacherPredictions(soft, None, notes)
    checks = scored(validation, len(teachers) * len(transfer))
    return TeacherPredictions(soft, averaged(checks, average, pairs.scheme), notes)


def cached_predictions(
    source: Run,
    pairs: PairTable,
    workspace: Workspace,
    *,
    device: str = "auto",
    precision: str = "auto",
    batch_size: int = 512,
    watch: Watch | None = None,
) -> tuple[Predictions, bool]:
    """Logits and features of a run's model on every pair, and whether the cache held them."""
    place = pick_device(device)
    products = str(product_type(precision, place)).removeprefix("torch.")
    key = f"{model_hash(source.model_folder)}-{pairs.content_hash}-{products}-{place.type}"
    path = workspace.cache_folder("logits") / f"{hashlib.sha256(key.encode()).hexdigest()}.parquet"
    with suppress(DataError):  # a damaged cache is made again
        cached = Predictions.load(path).require(pairs.content_hash, len(pairs))
        return replace(cached, model=source.id), True  # an equal model of another run made it
    predictions = predict_table(
        load_model(source.model_folder),
        pairs,
        place,
        name=source.id,
        precision=precision,
        batch_size=batch_size,
        watch=watch,
    )
    predictions.save(path)
    return predictions, False
