"""What every training stage shares: device, optimizer, schedule, checkpoints, the best moment.

A recipe keeps its own loop and reads like the paper; this holds what would be the same lines in
each of them:

    with Session(model, config, train, validation, run, writer) as session:
        for rows, batch in session.batches():
            loss = ...
            session.step(loss, {"hard": loss})
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from kdcore.config import DistillConfig, FinetuneConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import RunError
from kdcore.models.base import PairModel
from kdcore.models.batches import Batch, Rows, bucketed, epoch_order
from kdcore.models.packed import product_type
from kdcore.models.predict import kept_products, score, score_size
from kdcore.models.rows_in_use import RowsInUse
from kdcore.predictions import Predictions
from kdcore.runs.record import address
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.training.beginning import check_same, fresh, refuse_unlabelled
from kdcore.training.checkpoint import Checkpoints, Parts, seconds_before
from kdcore.training.devices import pick_device
from kdcore.training.interrupt import InterruptFlag, StoppedError
from kdcore.training.memory import not_a_number
from kdcore.training.metric_log import Meter, evenly, quality
from kdcore.training.optimizer import are_numbers, make_optimizer, set_rate
from kdcore.training.ranks import ALONE, Group
from kdcore.training.replay import Replay
from kdcore.workspace import new_folder

log = logging.getLogger("kdcore")


class Session:
    """The training of one model: hands out batches, takes steps, keeps the best moment.

    extra: modules that learn beside the model and are dropped after (an objective's projection).
    teacher: its answers on the validation pairs, for those who watch; nothing is learned of them.
    group: the processes that share each batch; only the first of them says and writes anything.
    message: why the training ended before its last step; empty when it did not.
    """

    def __init__(
        self,
        model: PairModel,
        config: FinetuneConfig | DistillConfig,
        train: PairTable,
        validation: PairTable,
        run: Run,
        writer: RunWriter,
        extra: Sequence[nn.Module] = (),
        teacher: Predictions | None = None,
        group: Group = ALONE,
    ) -> None:
        refuse_unlabelled(config, train, validation)
        self.config, self.knobs, self.run, self.writer = config, config.training, run, writer
        self.teacher, self.group, self.message = teacher, group, ""
        self.device = pick_device(config.device)
        self.model = model.to(self.device)
        self.model.products = product_type(self.knobs.precision, self.device)
        self.train, self.validation = train, validation
        encoded = model.read(train), model.read(validation)
        used = np.union1d(encoded[0].used(), encoded[1].used())
        self.narrow = RowsInUse(self.model, used)
        self.encoded, self.encoded_validation = (e.mapped(self.narrow.table) for e in encoded)
        self._calibrate()
        beside = {f"extra{i}": module.to(self.device) for i, module in enumerate(extra)}
        self.modules: dict[str, nn.Module] = {"model": self.model} | beside
        self.optimizer = make_optimizer(list(self.modules.values()), self.knobs, self.device)
        self.steps_an_epoch = len(self._epoch(0))
        self.total_steps = self.steps_an_epoch * self.knobs.epochs
        self.interrupt = InterruptFlag()
        self.checkpoints = Checkpoints(
            run.checkpoint_folder, self.modules, self.optimizer, self.device
        )
        points, seed = self.knobs.replay_points, config.seed
        probed = validation, self.encoded_validation
        self.replay = Replay(run, *probed, points, self.total_steps, seed)
        self.progress = fresh(config, train, validation)
        self._seconds_before = seconds_before(run.checkpoint_folder)
        self.meter = Meter(
            writer, self.device, self.knobs.batch_size, self.steps_an_epoch, self._no_loss
        )
        self._due = evenly(self.knobs.validations, self.steps_an_epoch)
        self._last_saved = time.monotonic()

    def __enter__(self) -> Self:
        before, pending = self.checkpoints.progress(), []
        if before is not None:
            check_same(self.run, before, self.progress)
            pending = self.checkpoints.restore()
            self.progress = before
            log.info("resumed at step %d of %d", before.step, self.total_steps)
        if self.group.leads:
            self._announce(pending, resumed=before is not None)
        self.interrupt.__enter__()
        for module in self.modules.values():
            module.train()
        return self

    def _announce(self, pending: Parts, resumed: bool) -> None:
        """Tell from the start how far there is to go, and what of model and texts is not whole."""
        sides = ("train", self.encoded), ("validation", self.encoded_validation)
        cut = [note for name, side in sides for note in self.model.cut_notes(side, name)]
        self.writer.note([*self.model.notes, *cut])
        self.meter.begin(self.progress.step, pending)
        self.writer.progress(self.progress.step, self.total_steps, self.config.stage)
        if not resumed:
            self.meter.teacher(self.teacher, self.validation)
            self.replay.taught_by(self.teacher)
            self._look(0)

    def tensor(self, values: Any) -> Tensor:
        """An array of the training pairs on the device of the model."""
        return torch.tensor(values, device=self.device)

    def batches(self) -> Iterator[tuple[Rows, Batch]]:
        """Every batch that is still to be learned from; in the end the best moment is kept."""
        for rows in self._left():
            own = self._own(rows)
            yield own, self.model.batch(self.encoded, own).to(self.device)
            if self.group.leads:
                self._after_step()
            if self.message:
                break
        if self.group.leads:
            self._keep()

    def _own(self, rows: Rows) -> Rows:
        self._batch = rows
        self.group.reseed(self.config.seed, self.progress.step)
        return self.group.share(rows)

    def _left(self) -> Iterator[Rows]:
        for epoch in range(self.progress.step // self.steps_an_epoch, self.knobs.epochs):
            yield from self._epoch(epoch)[self.progress.step - epoch * self.steps_an_epoch :]

    def labelled(self, mean: Tensor, grades: Rows) -> Tensor:
        """A mean over the labelled pairs of this process's share, as a part of the batch's."""
        return self.group.evened(mean, grades[self._batch] >= 0)

    def step(self, loss: Tensor, parts: Mapping[str, Tensor]) -> None:
        """Backward, clip, move; parts are logged unweighted."""
        weights = [p for group in self.optimizer.param_groups for p in group["params"]]
        told = self.group.backward({"loss": loss, **parts}, weights, self._batch)
        if self.knobs.clip:
            nn.utils.clip_grad_norm_(weights, self.knobs.clip, foreach=True)
        set_rate(self.optimizer, self.progress.step, self.total_steps, self.knobs.warmup)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.meter.add(told)
        self.progress = replace(self.progress, step=self.progress.step + 1)

    def _after_step(self) -> None:
        """Log, validate, look, then save: a checkpoint holds all that was done at its step."""
        step = self.progress.step
        due = (step - 1) % self.steps_an_epoch + 1 in self._due
        if due or step == 1 or step % self.knobs.log_every == 0:
            self.meter.losses(step)
        if due:
            self._validate()
        self._look(step)
        self.writer.progress(step, self.total_steps, self.config.stage)
        asked = "pause" if self.interrupt.raised else self.writer.stop_kind
        if asked == "keep" and step < self.total_steps:
            self._end_here(validated=due)
        elif asked == "pause":
            self.save()
            if self.interrupt.raised:
                raise KeyboardInterrupt
            raise StoppedError(
                f"stopped on request at step {step} of {self.total_steps}; continue with `kdlab "
                f"runs resume {address(self.run.folder)}`"
            )
        elif time.monotonic() - self._last_saved >= self.knobs.checkpoint_seconds:
            self.save()

    def _end_here(self, validated: bool) -> None:
        """Stop and keep: this step is the last, and one of those that may be the best."""
        step = self.progress.step
        if not validated:
            self.meter.losses(step)
            self._validate()
            with self.measuring():
                self.replay.look_last(self.model, self.device, step)
        self.message = f"stopped early at step {step} of {self.total_steps}, and saved"

    def _look(self, step: int) -> None:
        with self.measuring():
            looked = self.replay.look(self.model, self.device, step)
        if looked:
            self.meter.restart(step)

    def measuring(self) -> AbstractContextManager[None]:
        """Where the model is looked at, it computes as its kept answers will be computed."""
        return kept_products(self.model, self.knobs.precision, self.device)

    def _validate(self) -> None:
        """Score the validation pairs; keep the weights when they are the best so far."""
        step = self.progress.step
        self._refuse_not_a_number()
        size = score_size(self.knobs.batch_size)
        with self.measuring():
            logits, _ = score(self.model, self.encoded_validation, self.device, size)
        if not np.isfinite(logits).all():
            raise self._not_a_number(step)
        found = quality(logits, self.validation)
        value = found["roc_auc"] if self.knobs.select_by == "roc_auc" else -found["nll"]
        if not self.progress.best_step or value > self.progress.best_value:
            self.checkpoints.save_best(step)
            self.progress = replace(self.progress, best_step=step, best_value=value)
        told = {f"validation_{name}": x for name, x in found.items()}
        self.meter.line(step, **told, kept_step=self.progress.best_step)
        self.meter.restart(step)

    def save(self) -> None:
        """Write a checkpoint now; weights that are no numbers never replace good ones."""
        self._refuse_not_a_number()
        taken = self._seconds_before + self.writer.elapsed
        self.checkpoints.save(replace(self.progress, seconds=taken), self.meter.pending)
        self._last_saved = time.monotonic()

    def _refuse_not_a_number(self) -> None:
        if not are_numbers(self.modules.values()):
            raise self._not_a_number(self.progress.step)

    def _no_loss(self, step: int) -> RunError:
        """The loss of this step, which was computed before its weights moved, is not a number."""
        return self._not_a_number(step, moved=step > 1)

    def _not_a_number(self, step: int, moved: bool = True) -> RunError:
        rate, kept = self.knobs.learning_rate, self.checkpoints.progress() is not None
        return not_a_number(step, self.total_steps, rate, moved=moved, checkpoint=kept)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.interrupt.__exit__()

    def _keep(self) -> None:
        """The best moment becomes the run's model, its embedding tables whole again."""
        self.checkpoints.load_best(self.progress.best_step)
        self.narrow.widen()
        self.model.eval()
        with new_folder(self.run.model_folder, replace=True) as folder:
            self.model.save(folder)

    def _epoch(self, epoch: int) -> list[Rows]:
        knobs, seed = self.knobs, self.config.seed
        order = epoch_order(self.encoded, knobs.batch_size, knobs.ads_per_query, seed, epoch)
        return bucketed(order, self.encoded, seed) if self.model.pads else order

    @torch.no_grad()
    def _calibrate(self) -> None:
        grades = self.train.grades
        labelled = grades[grades >= 0]
        if not len(labelled):
            labelled = self.validation.grades
        shares = np.bincount(labelled, minlength=len(self.train.scheme)) / len(labelled)
        rows = np.random.default_rng(self.config.seed).permutation(len(self.train))[:512]
        first = self.model.batch(self.encoded, rows).to(self.device)
        self.model.eval().calibrate(first, torch.tensor(shares, dtype=torch.float32))
