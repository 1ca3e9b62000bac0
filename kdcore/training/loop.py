"""The loop around a recipe's steps: it hands out batches and does what is due between two steps.

That is: log, validate, replay, save, and stop when the run was asked to. Only the first of several
processes does so; the others just take their share of every batch.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from kdcore.models.batches import Batch, Rows
from kdcore.models.predict import score, score_size
from kdcore.training.interrupt import InterruptFlag, StoppedError
from kdcore.training.metric_log import MetricLog, quality
from kdcore.training.replay import Replay, evenly
from kdcore.training.session import Session

Batches = Callable[[Session], Iterator[tuple[Rows, Batch]]]


def training_batches(session: Session) -> Iterator[tuple[Rows, Batch]]:
    """Yield every batch that is left, with its rows of the training pairs; store the best model.

    The training goes on from the last checkpoint where there is one.
    """
    resumed = session.resume()
    leads = session.group.leads
    sessions = [*session.peers, session]  # the leader last: its checkpoint holds all of a step
    monitors = [Monitor(each, resumed) for each in sessions] if leads else []
    for module in (module for each in sessions for module in each.modules.values()):
        module.train()
    with InterruptFlag() as interrupt:
        for rows in session.remaining_batches():
            yield session.share(rows)
            # here the recipe has taken its step
            for monitor in monitors:
                monitor.after_step(interrupt)
            if session.message:
                break
    for each in sessions if leads else ():
        each.keep_best()


class Monitor:
    """What the first process of a training does before the first step and after every step."""

    def __init__(self, session: Session, resumed: bool) -> None:
        self.session, self.log = session, MetricLog(session)
        pairs, model = session.pairs, session.model
        self.replay = Replay(
            session.run,
            pairs.validation,
            pairs.encoded_validation,
            points=session.training.replay_points,
            steps=session.total_steps,
            seed=session.config.seed,
        )
        self.validated_at = evenly(session.training.validations, session.steps_per_epoch)
        self.saved = time.monotonic()
        # the splits that it learns from
        learned = getattr(session.config, "transfer", "train")
        learned = learned if session.windows is None else "the first shard"
        sides = (learned, pairs.encoded), ("validation", pairs.encoded_validation)
        cuts = [note for name, side in sides for note in model.cut_notes(side, name)]
        session.writer.note([*model.notes, *cuts])
        self._show_progress()
        if not resumed:
            self.log.teacher()
            if session.teacher is not None:
                self.replay.keep_teacher(session.teacher)
            self._replay()

    def after_step(self, interrupt: InterruptFlag) -> None:
        """Log, validate and replay what is due, then save: a checkpoint holds all of its step."""
        session, step = self.session, self.session.progress.step
        step_of_epoch = (step - 1) % session.steps_per_epoch + 1  # counted from 1
        due = step_of_epoch in self.validated_at
        # losses first: a validation or a replay would count as time of training
        if due or step == 1 or step % session.training.log_every == 0:
            self.log.losses()
        if due:
            self.validate()
        self._replay()
        self._show_progress()
        # `keep` ends with the best model so far, `pause` leaves a checkpoint to resume from
        if session.leader is not None:  # which saves for all, and stops for all
            return
        request = "pause" if interrupt.raised else session.stop_kind
        if request == "keep" and step < session.total_steps:
            self._end_early(validated=due)
        elif request == "pause":
            session.save()
            if interrupt.raised:
                raise KeyboardInterrupt
            done = f"stopped on request at step {step} of {session.total_steps}"
            raise StoppedError(done, session.run.folder)
        elif time.monotonic() - self.saved >= session.training.checkpoint_seconds:
            session.save()
            self.saved = time.monotonic()

    def validate(self) -> None:
        """Score the validation pairs; keep the weights when they are the best so far."""
        session, step = self.session, self.session.progress.step
        session.refuse_not_a_number()
        size = score_size(session.training.batch_size)
        with session.scoring_precision():
            task = session.task
            values = self._graded(size) if task is None else task.measure(session, size)
        loss = "nll" if task is None else "loss"
        value = values["roc_auc"] if session.training.select_by == "roc_auc" else -values[loss]
        # higher is better in both; of equal values the earlier step stays
        if not session.progress.best_step or value > session.progress.best_value:
            session.checkpoints.save_best(step)
            session.progress = replace(session.progress, best_step=step, best_value=value)
        named = {f"validation_{name}": number for name, number in values.items()}
        self.log.line(**named, kept_step=session.progress.best_step)
        self.log.restart_clock()

    def _graded(self, size: int) -> dict[str, float]:
        """How well the grades of the validation pairs are predicted."""
        session = self.session
        encoded = session.pairs.encoded_validation
        logits, features = score(session.model, encoded, session.device, size)
        if not np.isfinite(logits).all():
            raise session.not_a_number(session.progress.step)
        return quality(logits, session.pairs.validation) | session.measure_also(features)

    def _end_early(self, validated: bool) -> None:
        """Make this step the last; it may be the best, so it is validated too."""
        session, step = self.session, self.session.progress.step
        if not validated:
            self.log.losses()
            self.validate()
            self.replay.end_at(step)
            self._replay()
        session.message = f"stopped early at step {step} of {session.total_steps}, and saved"

    def _replay(self) -> None:
        session = self.session
        with session.scoring_precision():
            if self.replay.score_at(session.progress.step, session.model, session.device):
                self.log.restart_clock()

    def _show_progress(self) -> None:
        session = self.session
        session.writer.progress(session.progress.step, session.total_steps, session.config.stage)
