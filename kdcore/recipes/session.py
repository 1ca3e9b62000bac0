"""What every training stage shares: device, optimizer, schedule, checkpoints, the best epoch.

A recipe keeps its own loop and reads like the paper; this holds what would be the same lines in
each of them:

    with Session(model, config, train, validation, run) as session:
        for rows, batch in session.batches():
            loss = ...
            session.step(loss, {"hard": loss})
"""

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from kdcore.batches import Batch, Rows, bucketed, epoch_order
from kdcore.config import DistillConfig, FinetuneConfig, to_dict
from kdcore.devices import pick_device
from kdcore.errors import LabError, RunError
from kdcore.metrics.classification import nll, roc_auc
from kdcore.models.base import PairModel
from kdcore.models.packed import product_type
from kdcore.models.rows_in_use import RowsInUse
from kdcore.pairs import PairTable
from kdcore.predict import score
from kdcore.recipes.checkpoint import Progress, load_checkpoint, save_checkpoint, write_tensors
from kdcore.recipes.interrupt import InterruptFlag
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.softlabels import soften

log = logging.getLogger("kdcore")
LOG_EVERY = 20  # steps a line of metrics; losses stay on the device until then


class Session:
    """The training of one model: hands out batches, takes steps, keeps the best epoch.

    extra: modules that learn beside the model and are dropped after (an objective's projection).
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
    ) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.knobs, self.run, self.writer = config, config.training, run, writer
        self.device = pick_device(config.device)
        self.model = model.to(self.device)
        self.model.products = product_type(self.knobs.precision, self.device)
        self.train, self.validation = train, validation
        encoded = model.read(train), model.read(validation)
        used = np.union1d(encoded[0].used(), encoded[1].used())
        self.narrow = RowsInUse(self.model, used)
        self.encoded, self.encoded_validation = (e.mapped(self.narrow.table) for e in encoded)
        self.modules = {"model": self.model} | {f"extra{i}": m for i, m in enumerate(extra)}
        self._calibrate()
        self.optimizer = _optimizer(list(self.modules.values()), self.knobs, self.device)
        self.steps_an_epoch = len(self._epoch(0))
        self.total_steps = self.steps_an_epoch * self.knobs.epochs
        self.interrupt = InterruptFlag()
        self._parts: list[dict[str, Tensor]] = []
        self._last_saved = time.monotonic()
        self._clock = time.monotonic(), 0
        self.progress = Progress(0, 0, -math.inf, train.content_hash, _config_hash(config), 0.0)

    def __enter__(self) -> Self:
        folder = self.run.checkpoint_folder
        before = load_checkpoint(folder, self.modules, self.optimizer) if folder.exists() else None
        if before is not None:
            self._check_same(before)
            self.progress = before
            self.writer.truncate_after(before.step)
            log.info("resumed at step %d of %d", before.step, self.total_steps)
        self.interrupt.__enter__()
        self.model.train()
        return self

    def tensor(self, values: Any) -> Tensor:
        """An array of the training pairs on the device of the model."""
        return torch.tensor(values, device=self.device)

    def batches(self) -> Iterator[tuple[Rows, Batch]]:
        """Every batch that is still to be learned from; validates after each epoch."""
        if self.progress.step % self.steps_an_epoch == 0:
            self._validate()  # a run that stopped at the very end of an epoch has not yet
        for epoch in range(self.progress.step // self.steps_an_epoch, self.knobs.epochs):
            done = self.progress.step - epoch * self.steps_an_epoch
            for rows in self._epoch(epoch)[done:]:
                yield rows, self.model.batch(self.encoded, rows).to(self.device)
                self._after_step()
            self._validate()

    def step(self, loss: Tensor, parts: Mapping[str, Tensor]) -> None:
        """Backward, clip, move; parts are logged unweighted."""
        loss.backward()  # type: ignore[no-untyped-call]
        if self.knobs.clip:
            weights = [p for group in self.optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(weights, self.knobs.clip, foreach=True)
        _set_rate(self.optimizer, _rate(self.progress.step, self.total_steps, self.knobs))
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._parts.append({"loss": loss.detach()} | {k: v.detach() for k, v in parts.items()})
        self.progress = _moved(self.progress, step=self.progress.step + 1)

    def _after_step(self) -> None:
        step = self.progress.step
        if step % LOG_EVERY == 0 or step % self.steps_an_epoch == 0:
            self._log_parts()
            if time.monotonic() - self._last_saved >= self.knobs.checkpoint_seconds:
                self.save()
        if self.interrupt.raised or self.writer.stop_requested:
            self._log_parts()
            self.save()
            if self.interrupt.raised:
                raise KeyboardInterrupt
            raise StoppedError(
                f"stopped as asked at step {self.progress.step} of {self.total_steps}; "
                f"go on with `kdlab runs resume {self.run.id}`"
            )

    def _log_parts(self) -> None:
        if not self._parts:
            return
        names = self._parts[0]
        means = {n: float(torch.stack([p[n] for p in self._parts]).mean()) for n in names}
        step, (since, before) = self.progress.step, self._clock
        rate = (step - before) * self.knobs.batch_size / max(time.monotonic() - since, 1e-9)
        self._clock, self._parts = (time.monotonic(), step), []
        if not math.isfinite(means["loss"]):
            raise RunError(
                f"the loss became not-a-number before step {step} (learning rate "
                f"{self.knobs.learning_rate:g}); try a tenth of it. The last checkpoint is kept"
            )
        epoch = step / self.steps_an_epoch
        self.writer.log(step, epoch=epoch, pairs_per_second=rate, **means)
        self.writer.progress(step, self.total_steps, self.config.stage)

    def _validate(self) -> None:
        """Score the validation pairs; keep the weights when they are the best so far."""
        step = self.progress.step
        if step in self.progress.seen or not step:
            return
        logits, _ = score(self.model, self.encoded_validation, self.device)
        scheme, grades = self.validation.scheme, self.validation.grades
        likelihood = float(np.mean(nll(grades, logits)))
        order = roc_auc(self.validation.relevant, scheme.relevance(soften(logits)))
        self.writer.log(step, validation_nll=likelihood, validation_roc_auc=order)
        value = order if self.knobs.select_by == "roc_auc" else -likelihood
        seen = (*self.progress.seen, step)
        if value > self.progress.best_value or not self.progress.best_step:
            write_tensors(self._best_path, self.model.state_dict())
            self.progress = _moved(self.progress, best_step=step, best_value=value)
        self.progress = _moved(self.progress, seen=seen)
        if step < self.total_steps:
            self._save_if_due()

    def _save_if_due(self) -> None:
        if time.monotonic() - self._last_saved >= self.knobs.checkpoint_seconds:
            self.save()

    def save(self) -> None:
        """Write a checkpoint now."""
        save_checkpoint(self.run.checkpoint_folder, self.progress, self.modules, self.optimizer)
        self._last_saved = time.monotonic()

    @property
    def _best_path(self) -> Any:
        return self.run.checkpoint_folder / "best.safetensors"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.interrupt.__exit__()
        if error is None:
            self._keep()
        elif isinstance(error, torch.OutOfMemoryError) or _is_cpu_memory(error):
            size = self.knobs.batch_size
            raise RunError(
                f"the {self.device.type} ran out of memory at batch size {size}; "
                f"{max(size // 2, 1)} needs about half: change it and start again"
            ) from error

    def _keep(self) -> None:
        """The best epoch becomes the run's model, its embedding tables whole again."""
        from safetensors.torch import load_file

        if self._best_path.exists():
            self.model.load_state_dict(load_file(self._best_path))
        self.narrow.widen()
        self.model.eval()
        self.model.save(self.run.model_folder)
        self.writer.log(self.progress.step, kept_step=self.progress.best_step)

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

    def _check_same(self, before: Progress) -> None:
        now = self.progress
        for what in ("data_hash", "config_hash"):
            if getattr(before, what) != getattr(now, what):
                raise RunError(
                    f"{self.run.id} was begun with other {what.split('_')[0]}; "
                    "start a new run instead of resuming this one"
                )


class StoppedError(LabError):
    """The run was asked to stop; its checkpoint is kept."""


def _moved(progress: Progress, **changes: Any) -> Progress:
    from dataclasses import replace

    return replace(progress, **changes)


def _config_hash(config: Any) -> str:
    text = json.dumps(to_dict(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _rate(step: int, total: int, knobs: Any) -> float:
    """Linear warm-up, then linear decay to 0, as a share of the peak."""
    warm = max(int(knobs.warmup * total), 1)
    return min((step + 1) / warm, (total - step) / max(total - warm, 1), 1.0)


def _set_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share


def _optimizer(modules: Sequence[nn.Module], knobs: Any, device: torch.device) -> torch.optim.AdamW:
    """Fused AdamW; no decay for biases, norms and embeddings; a faster head of one number."""
    named = [(n, p) for m in modules for n, p in m.named_parameters() if p.requires_grad]
    plain = [p for n, p in named if p.dim() >= 2 and "embed" not in n and "trigrams" not in n]
    head = [p for n, p in named if n in HEAD_SCALARS]
    known = {id(p) for p in (*plain, *head)}
    rest = [p for _, p in named if id(p) not in known]
    rate = knobs.learning_rate
    groups = [
        {"params": plain, "peak": rate, "weight_decay": knobs.weight_decay},
        {"params": rest, "peak": rate, "weight_decay": 0.0},
        {"params": head, "peak": min(20 * rate, 0.05), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=rate, fused=device.type in ("cpu", "cuda"))


HEAD_SCALARS = frozenset({"crossing.scale", "crossing.first", "crossing.gaps"})


def _is_cpu_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "not enough memory" in str(error)
    )
