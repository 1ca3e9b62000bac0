"""The state of a training: model, optimizer, progress and checkpoints, and the step that moves it.

A recipe keeps its own loop and reads like the paper:

    session = Session(model, config, train, validation, run, writer)
    for rows, batch in training_batches(session):
        loss = ...
        session.step(loss, {"hard": loss})
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kdcore.config import DistillConfig, TrainedConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Encoded, Rows
from kdcore.models.packed import product_type
from kdcore.models.predict import stored_precision
from kdcore.predictions import Predictions
from kdcore.runs.record import StopKind
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.training.checkpoint import Checkpoints, Parts, seconds_before
from kdcore.training.checks import check_same, fresh_progress, refuse_torn, refuse_unlabelled
from kdcore.training.devices import keep_freed_memory, pick_device
from kdcore.training.optimizer import are_numbers, make_optimizer
from kdcore.training.order import Drawing, Order
from kdcore.training.ranks.group import ALONE, Group
from kdcore.training.ranks.shares import shared_out
from kdcore.training.training_pairs import calibrate_head, read_pairs
from kdcore.training.windows import Windows
from kdcore.workspace import new_folder

log = logging.getLogger("kdcore")
Matrix = NDArray[np.float32]


class Task(Protocol):
    """What a model learns that gives no grades: its batches, and how it is measured."""

    def batch(self, encoded: Encoded, rows: Rows) -> Batch:
        """Some of the pairs, ready for the model."""

    def measure(self, session: "Session", size: int) -> dict[str, float]:
        """Numbers of the validation pairs, `size` of them at once; by `loss` the best is saved."""


class Session:
    """The training of one model.

    extra: modules that learn beside the model and are dropped afterwards (an objective's
    projection). teacher: its predictions on the validation pairs, to be shown; nothing is learned
    from them. order: that of labelled and unlabelled pairs; None mixes them. group: the processes
    that share each batch; only the first of them writes anything.
    task: what is learned where it is not to give grades. windows: of training pairs that are not
    all in memory; train is then the first of them, and `soft` what the teacher predicts on it.
    message: why the training ended before its last step; empty when it did not.
    """

    def __init__(
        self,
        model: PairModel,
        config: TrainedConfig,
        train: PairTable,
        validation: PairTable,
        run: Run,
        writer: RunWriter,
        *,
        extra: Sequence[nn.Module] = (),
        teacher: Predictions | None = None,
        order: Order | None = None,
        group: Group = ALONE,
        task: Task | None = None,
        windows: Windows | None = None,
    ) -> None:
        refuse_unlabelled(config, train, validation)
        if isinstance(config, DistillConfig):
            refuse_torn(config, group.size)
        self.config, self.training, self.run, self.writer = config, config.training, run, writer
        self.teacher, self.group, self.task, self.message = teacher, group, task, ""
        self.lists = isinstance(config, DistillConfig) and config.compares_lists
        self._cuts: Rows | None = None  # of the present batch
        # what else is measured at a validation, of the (pairs, width) features of its pairs
        self.measure_also: Callable[[Matrix], dict[str, float]] = lambda features: {}
        self.peers: list[Session] = []  # that learn in the same steps; this one leads them
        self.leader: Session | None = None  # of a peer
        self.device = pick_device(config.device)
        keep_freed_memory()
        self.model = model.to(self.device)
        self.model.products = product_type(self.training.precision, self.device)
        # embedding rows that no pair uses are left out of the training; keep_best adds them again
        self.pairs = read_pairs(model, train, validation, narrow=windows is None)
        if task is None:
            calibrate_head(model, self.pairs, self.device, config.seed)
        extras = {f"extra{i}": module.to(self.device) for i, module in enumerate(extra)}
        self.modules: dict[str, nn.Module] = {"model": model} | extras
        self.optimizer = make_optimizer(list(self.modules.values()), self.training, self.device)
        self.weights = group.weights(self.optimizer, self.training)
        tokens, pads = self.pairs.encoded, model.pads
        self.drawing = Drawing(tokens, self.training, config.seed, self.lists, pads)
        self.order = order
        self.windows, self._turn = windows, (0, windows.turns(0)[0] if windows else 0)
        self.soft = windows.first.soft if windows else None
        sizes = windows.sizes if windows else (len(train),)
        self.steps_per_epoch = sum(map(self._steps, sizes))
        self.total_steps = self.steps_per_epoch * self.training.epochs
        self.progress = fresh_progress(config, train, validation, windows.key if windows else "")
        self.pending: Parts = []  # the losses of each step that no metric line holds yet
        folder = run.checkpoint_folder
        self.checkpoints = Checkpoints(folder, self.modules, self.optimizer, self.device)
        self._seconds_before = seconds_before(folder)

    def resume(self) -> bool:
        """Go back to the last checkpoint; whether there was one."""
        progress = self.checkpoints.progress()
        if progress is None:
            return False
        check_same(self.run, progress, self.progress)
        sessions = (self, *self.peers)
        states = self.checkpoints.restore([peer.checkpoints for peer in self.peers])
        for session, (done, pending) in zip(sessions, states, strict=True):
            check_same(session.run, done, session.progress)
            session.progress, session.pending = done, pending
        log.info("resumed at step %d of %d", progress.step, self.total_steps)
        return True

    def remaining_batches(self) -> Iterator[Rows]:
        """The rows of every batch that is still to be learned from."""
        # the order of an epoch depends on seed and epoch alone, so a resumed run continues it
        first = self.progress.step // self.steps_per_epoch
        for epoch in range(first, self.training.epochs):
            done = self.progress.step - epoch * self.steps_per_epoch
            if self.windows is None:
                yield from self._batches(epoch)[done:]
                continue
            for place in self.windows.turns(epoch):
                steps = self._steps(self.windows.sizes[place])
                if done < steps:
                    self._turn_to(self.windows, (epoch, place))
                    yield from self._batches(epoch)[done:]
                done = max(done - steps, 0)

    def share(self, rows: Rows) -> tuple[Rows, Batch]:
        """This process's share of a batch: rows, and tokens on the device; `step` must follow."""
        encoded, leader = self.pairs.encoded, self.leader
        if leader is None:
            by_work = self.group.meeting is not None and self.task is None
            shared = shared_out(encoded, rows, self.group.size, self.lists, by_work)
            self._batch, self._cuts = shared
        else:  # its tokens may be others, and its pairs have to be the same
            self._batch, self._cuts = leader._batch, leader._cuts
        self.group.reseed(self.config.seed, self.progress.step)
        own = self.group.share(self._batch, self._cuts)
        make = self.model.batch if self.task is None else self.task.batch
        return own, make(encoded, own).to(self.device)

    def lead(self, peers: Sequence["Session"]) -> None:
        """Let others learn in the same steps: they are saved, resumed and stopped with this one."""
        self.peers = list(peers)
        for peer in peers:
            peer.leader = self

    @property
    def stop_kind(self) -> StopKind:
        """What is requested of this run, or of one that learns in the same steps: a pause first."""
        requests = {session.writer.stop_kind for session in (self, *self.peers)}
        return "pause" if "pause" in requests else "keep" if "keep" in requests else ""

    @property
    def batch_rows(self) -> Rows:
        """The rows of the present batch, this process's share and the others'."""
        return self._batch

    def tensor(self, values: Any) -> Tensor:
        """An array of the training pairs on the device of the model."""
        return torch.tensor(values, device=self.device)

    def labelled_mean(self, mean: Tensor, grades: Rows) -> Tensor:
        """A mean over this process's labelled pairs, scaled to sum to the batch's mean."""
        return self.counted_mean(mean, grades >= 0)

    def counted_mean(self, mean: Tensor, counted: NDArray[np.bool_]) -> Tensor:
        """The same of a mean over some of the training pairs; counted: (pairs,) which ones."""
        return self.group.scaled_mean(mean, counted[self._batch], self._cuts)

    def list_mean(self, mean: Tensor, among: NDArray[np.bool_] | None = None) -> Tensor:
        """A mean over the lists of this process's share, scaled to sum to the batch's mean.

        among: (pairs,) of which training pairs lists are made; None for all.
        """
        queries = self.pairs.encoded.query_of[self._batch]
        if among is not None:  # each other pair gets a number of its own, and so no list
            apart = -1 - np.arange(len(queries))
            queries = np.where(among[self._batch], queries, apart)
        _, first, sizes = np.unique(queries, return_index=True, return_counts=True)
        counted = np.zeros(len(queries), dtype=bool)
        counted[first[sizes > 1]] = True
        return self.group.scaled_mean(mean, counted, self._cuts)

    def step(self, loss: Tensor, parts: Mapping[str, Tensor]) -> None:
        """Take one step down the gradient of `loss`; the parts are logged, unweighted."""
        # gradients and losses are those of the whole batch, also when this process had a share
        losses = self.group.backward({"loss": loss, **parts}, self._batch, self._cuts)
        losses = self.weights.step(losses, self.progress.step, self.total_steps)
        # they stay on the device until a metric line is due: reading one would wait for the GPU
        self.pending.append(losses)
        self.progress = replace(self.progress, step=self.progress.step + 1)

    @contextmanager
    def scoring_precision(self) -> Iterator[None]:
        """Inside the block the model computes as its stored predictions will be computed."""
        training, precision = self.model.products, stored_precision(self.training.precision)
        self.model.products = product_type(precision, self.device)
        try:
            yield
        finally:
            self.model.products = training

    def keep(self, name: str, module: nn.Module) -> None:
        """Store a module in the checkpoints, too, that moves in another way than by this loss."""
        self.modules[name] = module

    def save(self) -> None:
        """Write a checkpoint now; weights that are no numbers never replace good ones."""
        for session in (self, *self.peers):
            session.refuse_not_a_number()
        seconds = self._seconds_before + self.writer.elapsed
        peers = [(peer.checkpoints, peer.progress, peer.pending) for peer in self.peers]
        self.checkpoints.save(replace(self.progress, seconds=seconds), self.pending, peers)

    def keep_best(self) -> None:
        """Store the best model as the run's, with its embedding tables whole again."""
        self.checkpoints.load_best(self.progress.best_step)
        self.pairs.rows_in_use.widen()
        self.model.eval()
        with new_folder(self.run.model_folder, replace=True) as folder:
            self.model.save(folder)

    def refuse_not_a_number(self) -> None:
        """RunError when a weight is infinite or not-a-number."""
        if not are_numbers(self.modules.values()):
            raise self.not_a_number(self.progress.step)

    def not_a_number(self, step: int, moved: bool = True) -> RunError:
        """The error of a training whose loss or weights are no numbers any more at this step.

        moved: whether a weight had been changed before; if not, no learning rate can be the cause.
        """
        saved = (
            "The last good checkpoint is saved"
            if self.checkpoints.progress() is not None
            else "There is no checkpoint yet, so nothing is saved"
        )
        if not moved:
            return RunError(
                f"the loss is not a number at step {step} of {self.total_steps}, before any weight "
                "was changed, so the learning rate is not the cause: the initial weights or the "
                "teacher's predictions are too large or not numbers; choose other initial weights. "
                f"{saved}",
                cause="not a number",
            )
        rate = self.training.learning_rate
        return RunError(
            f"the training became not-a-number at step {step} of {self.total_steps} (learning "
            f"rate {rate:g}); try {rate / 10:g}. {saved}",
            cause="not a number",
            change={"training.learning_rate": float(f"{rate / 10:g}")},
        )

    def _steps(self, pairs: int) -> int:
        return -(-pairs // self.training.batch_size)

    def _turn_to(self, windows: Windows, turn: tuple[int, int]) -> None:
        """Learn from the window of an epoch and a place from now on; the one before is dropped."""
        if turn == self._turn:
            return
        window = windows.read(*turn)
        self._turn, self.soft = turn, window.soft
        self.pairs = self.pairs.turned_to(self.model, window.pairs)
        self.drawing = replace(self.drawing, encoded=self.pairs.encoded)

    def _batches(self, epoch: int) -> list[Rows]:
        drawing = self.drawing
        return self.order.batches(drawing, epoch) if self.order else drawing.mixed(epoch)
