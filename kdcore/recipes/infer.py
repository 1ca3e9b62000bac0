"""Score pairs with a finished run; a teacher's logits are computed once for each (model, data)."""

import hashlib
import time
from contextlib import suppress
from dataclasses import replace

from kdcore.config import InferConfig
from kdcore.data.pairs import PairTable
from kdcore.errors import DataError
from kdcore.models.base import PairModel
from kdcore.models.build import load_model
from kdcore.models.packed import product_type
from kdcore.models.predict import Watch, kept_precision, model_hash, predict_table
from kdcore.predictions import Predictions
from kdcore.runs.record import address
from kdcore.runs.store import Run
from kdcore.runs.writer import RunWriter
from kdcore.training.devices import pick_device
from kdcore.training.interrupt import StoppedError
from kdcore.workspace import Workspace


def infer(
    config: InferConfig,
    pairs: PairTable,
    source: Run,
    workspace: Workspace,
    watch: Watch | None = None,
) -> tuple[Predictions, bool]:
    """Logits and features of a run's model on every pair, and whether the cache held them."""
    device = pick_device(config.device)
    products = str(product_type(config.precision, device)).removeprefix("torch.")
    key = f"{model_hash(source.model_folder)}-{pairs.content_hash}-{products}-{device.type}"
    path = workspace.cache_folder("logits") / f"{hashlib.sha256(key.encode()).hexdigest()}.parquet"
    with suppress(DataError):  # a damaged cache is made again
        found = Predictions.load(path).require(pairs.content_hash, len(pairs))
        return replace(found, model=source.id), True  # an equal model of another run made it
    predictions = ask(load_model(source.model_folder), config, pairs, source.id, watch)
    predictions.save(path)
    return predictions, False


def measured(config: InferConfig) -> InferConfig:
    """For answers that are kept and measured: `auto` is fp32, in which a model is exported too.

    In bf16, which `auto` takes for training where the hardware has it, the logits of a small
    encoder differ by up to 0.015 from those of its export; fp32 costs 1.5 times as long here.
    """
    return replace(config, precision=kept_precision(config.precision))


def ask(
    model: PairModel,
    config: InferConfig,
    pairs: PairTable,
    name: str,
    watch: Watch | None = None,
) -> Predictions:
    """The same without the cache."""
    return predict_table(
        model,
        pairs,
        pick_device(config.device),
        name=name,
        precision=config.precision,
        batch_size=config.batch_size,
        watch=watch,
    )


class Scoring:
    """How far the scoring of several splits is: a metric line a second, and an ear for a stop.

    Pairs per second are those of the last second, so a slow start does not colour them.
    """

    def __init__(self, writer: RunWriter, total: int) -> None:
        self._writer, self._total = writer, total
        self._before = 0  # pairs of the splits that are behind us
        self._said, self._at = 0, time.monotonic()
        writer.truncate_after(0)  # of an earlier try
        self._tell(0)

    def __call__(self, done: int) -> None:
        """Told by `score` after each batch of a split."""
        self._tell(self._before + done)
        if self._writer.stop_requested:
            raise StoppedError(
                f"stopped on request after {self._before + done:,} of {self._total:,} pairs; "
                f"continue with `kdlab runs resume {address(self._writer.folder)}`"
            )

    def split_done(self, pairs: int) -> None:
        """A split is scored, or was found in the cache."""
        self._before += pairs
        self._tell(self._before)

    def _tell(self, done: int) -> None:
        now = time.monotonic()
        if done and (now - self._at >= 1.0 or done == self._total) and done > self._said:
            rate = (done - self._said) / max(now - self._at, 1e-6)
            self._writer.log(done, pairs=done, pairs_per_second=rate)
            self._said, self._at = done, now
        self._writer.progress(done, self._total, "infer")
