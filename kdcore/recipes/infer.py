"""Infer: score every pair of some splits with the model of a finished run."""

import time
from functools import partial

from kdcore.config import InferConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.pairs import PairTable, part_of
from kdcore.models.predict import stored_precision
from kdcore.runs.store import Run, RunStore
from kdcore.runs.writer import RunWriter
from kdcore.scale.job import score_split, split_pieces
from kdcore.stops import heeded
from kdcore.teachers.cached import cached_predictions
from kdcore.training.interrupt import StoppedError
from kdcore.workspace import Workspace, write_json_atomic


def infer(
    config: InferConfig, pairs: PairTable, run: Run, writer: RunWriter, workspace: Workspace
) -> None:
    """Write the predictions of each split into the run, in the grades of the data."""
    source = RunStore(run.folder.parent).get(config.run).require_model()
    if config.on:
        _infer_in_shards(config, pairs, source, run, writer, workspace)
        return
    grades = model_scheme(source.model_folder)
    parts = {split: part_of(pairs, split) for split in config.splits or pairs.splits}
    progress = Progress(writer, sum(map(len, parts.values())))

    for split, part in parts.items():
        with heeded(partial(progress, 0)):
            predictions, _ = cached_predictions(
                source,
                part,
                workspace,
                device=config.device,
                precision=stored_precision(config.precision),
                batch_size=config.batch_size,
                watch=progress,
            )
        regraded(predictions, grades, pairs).save(run.predictions_path(split))
        progress.end_split(len(part))


def _infer_in_shards(
    config: InferConfig,
    pairs: PairTable,
    source: Run,
    run: Run,
    writer: RunWriter,
    workspace: Workspace,
) -> None:
    """Score each split in shards; the run gets a copy of their manifest."""
    with heeded(partial(_heed_stop, writer)):
        writer.progress(0, 1, "data")
        parts = {
            split: split_pieces(config.data, split, pairs, workspace) for split in config.splits
        }
        progress = Progress(writer, sum(part.rows for part in parts.values()))
        for split, part in parts.items():
            store = score_split(config, split, part, source.model_folder, workspace, progress)
            copied = {"folder": str(store.folder.resolve()), **store.manifest}
            write_json_atomic(run.predictions_path(split).with_suffix(".json"), copied)
            writer.note([f"the {split} is scored in shards, which lie in {store.folder}"])
            progress.end_split(part.rows)


def _heed_stop(writer: RunWriter) -> None:
    if writer.stop_requested:
        raise StoppedError("stopped on request; finished shards are kept", writer.folder)


class Progress:
    """How far the scoring of all splits is: one metric line per second, and a stop is heeded.

    Pairs per second are those of the last second, so a slow start does not distort them.
    """

    def __init__(self, writer: RunWriter, total: int) -> None:
        self._writer, self._total = writer, total
        self._before = 0  # pairs of the splits that are done
        self._logged, self._logged_at = 0, time.monotonic()
        writer.truncate_after(0)  # the lines of an earlier try
        self._log(0)

    def __call__(self, done: int) -> None:
        """Called by `score` after each batch of a split."""
        self._log(self._before + done)
        if self._writer.stop_requested:
            scored = f"{self._before + done:,} of {self._total:,} pairs"
            raise StoppedError(f"stopped on request after {scored}", self._writer.folder)

    def end_split(self, pairs: int) -> None:
        """A split of so many pairs is scored, or was in the cache."""
        self._before += pairs
        self._log(self._before)

    def _log(self, done: int) -> None:
        now = time.monotonic()
        due = now - self._logged_at >= 1.0 or done == self._total
        if due and done > self._logged:
            rate = (done - self._logged) / max(now - self._logged_at, 1e-6)
            self._writer.log(done, pairs=done, pairs_per_second=rate)
            self._logged, self._logged_at = done, now
        self._writer.progress(done, self._total, "infer")
