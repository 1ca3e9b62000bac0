"""The training part of a run: its teacher is asked once, then the recipe of its stage learns.

Alone or on several devices at once (parallel.py); a full memory is answered with what fits.
"""

import logging
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

import numpy as np

from kdcore.config import DistillConfig, FinetuneConfig, InferConfig, StageConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.predictions import Predictions
from kdcore.recipes.distill import distill
from kdcore.recipes.finetune import finetune
from kdcore.recipes.infer import infer
from kdcore.runs.record import address
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.stops import heeded
from kdcore.training.beginning import transfer_set
from kdcore.training.devices import pick_device, ranks
from kdcore.training.fitting import Trial, free_memory, largest_fitting
from kdcore.training.interrupt import StoppedError
from kdcore.training.memory import is_full_memory, memory_problem
from kdcore.training.ranks import FULL, Group, PeerLostError, following, leading
from kdcore.training.session import Session
from kdcore.workspace import Workspace

log = logging.getLogger("kdcore")
Answers = tuple[Predictions, Predictions | None]  # on the transfer set, on validation


@dataclass(frozen=True)
class Lesson:
    """A recipe with all that it needs but the session and the batch size."""

    config: FinetuneConfig | DistillConfig
    pairs: PairTable
    run: Run
    writer: RunWriter
    answers: Answers | None  # of the teacher, where there is one

    def learn(self, begin: Callable[..., Session], batch_size: int = 0) -> str:
        """Leave the best model in the run; returns why training ended early, or nothing."""
        config = self.config
        if batch_size:
            config = replace(config, training=replace(config.training, batch_size=batch_size))
        if isinstance(config, FinetuneConfig):
            return finetune(config, self.pairs, self.run, self.writer, begin)
        if self.answers is None:
            raise TypeError("a distillation needs its teacher's answers")
        taught, judged = self.answers
        return distill(config, self.pairs, taught, self.run, self.writer, judged, begin)


def train(
    config: FinetuneConfig | DistillConfig,
    pairs: PairTable,
    run: Run,
    writer: RunWriter,
    workspace: Workspace,
) -> str:
    """Leave the best model in the run; returns why training ended early, or nothing."""
    pick_device(config.device)  # one that cannot be used is told before any process is started
    look = partial(_refuse_to_begin, writer)
    with heeded(look):
        answers = None
        if isinstance(config, DistillConfig):
            answers = _answers(config, pairs, run, workspace, writer)
        return _learn(Lesson(config, pairs, run, writer, answers), look)


def _learn(lesson: Lesson, look: Callable[[], None]) -> str:
    """The lesson, alone or in a group; a full memory is answered with the batch size that fits."""
    config, run, pairs = lesson.config, lesson.run, lesson.pairs
    try:
        together = leading(config.device, config.threads, run, pairs.content_hash, look)
        with together as group:
            return lesson.learn(partial(Session, group=group))
    except Exception as error:
        if not is_full_memory(error):
            raise
        log.warning("%s", traceback.format_exc())
        tell = partial(memory_problem, type(error)(str(error)), config.training.batch_size)
    # out here: nothing of the step that failed is held any more
    fits = _fitting(lesson)
    raise RunError(tell(fits))


def follow(config: StageConfig, pairs: PairTable, run: Run, workspace: Workspace) -> NoReturn:
    """Learn along as another rank than the first, which says and writes everything; then exit."""
    try:
        if not isinstance(config, InferConfig):  # scoring is for the first alone
            _follow(config, pairs, run, workspace)
    except PeerLostError:  # rank 0 has ended, early or not; it has said why
        sys.exit(0)
    except Exception as error:
        traceback.print_exc()
        sys.exit(FULL if is_full_memory(error) else 1)
    sys.exit(0)


def _follow(
    config: FinetuneConfig | DistillConfig, pairs: PairTable, run: Run, workspace: Workspace
) -> None:
    with following(config.device, config.threads, pairs.content_hash) as group:
        answers = None
        if isinstance(config, DistillConfig):  # from the cache: rank 0 has asked
            answers = _answers(config, pairs, run, workspace, None)
        writer = run.write()  # never entered, so it writes nothing
        Lesson(config, pairs, run, writer, answers).learn(partial(Session, group=group))


def _fitting(lesson: Lesson) -> int | None:
    """The batch size that fits, by trying; None when a stop came between."""
    size = lesson.config.training.batch_size
    begin = partial(Trial, group=Group(0, ranks(lesson.config.device)))

    def tell(tried: int) -> bool:
        lesson.writer.progress(0, 1, f"try batch size {tried}")
        return not lesson.writer.stop_requested

    found = largest_fitting(partial(lesson.learn, begin), size, tell)
    free_memory()
    return found


def _answers(
    config: DistillConfig,
    pairs: PairTable,
    run: Run,
    workspace: Workspace,
    writer: RunWriter | None,
) -> Answers:
    """What the teacher says of the transfer set and of the labelled validation pairs, cached.

    In the grades of the data, whatever its own are; where its P(relevant) has to be spread over
    more grades, the labels of train tell how, and no others.
    writer: who is told how far it is; a stop is heeded between two batches.
    """
    how = InferConfig(run=config.teacher, device=config.device)
    source = RunStore(run.folder.parent).get(config.teacher).require_model()
    transfer = transfer_set(pairs, config.transfer)
    validation = pairs.split("validation").labelled()
    total = len(transfer) + len(validation)

    def watch(before: int, done: int) -> None:
        if writer is not None:
            writer.progress(before + done, total, "teacher")
            _refuse_to_begin(writer)

    watch(0, 0)
    spoken = model_scheme(source.model_folder)
    train = pairs.take(np.flatnonzero((pairs.frame["split"] == "train").to_numpy()))
    taught, _ = infer(how, transfer, source, workspace, partial(watch, 0))
    taught = regraded(taught, spoken, train)
    for note in taught.notes:
        log.info("the teacher's %s", note)
    if not len(validation):  # the session refuses this in words
        return taught, None
    judged, _ = infer(how, validation, source, workspace, partial(watch, len(transfer)))
    return taught, regraded(judged, spoken, train)


def _refuse_to_begin(writer: RunWriter) -> None:
    """Heed a stop that came before the first step."""
    if writer.stop_requested:
        raise StoppedError(
            "stopped on request before any further training, so there is nothing new to keep; "
            f"continue with `kdlab runs resume {address(writer.folder)}`"
        )
