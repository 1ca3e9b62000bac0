"""A teacher whose logits on the log lie in shards: they are read one by one, beside the labels."""

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdcore.config import DistillConfig
from kdcore.data.answers.regrade import model_scheme, regraded
from kdcore.data.names import world_log
from kdcore.data.pairs import COLUMNS, PairTable
from kdcore.errors import DataError
from kdcore.predictions import Predictions, model_hash
from kdcore.runs.store import Run
from kdcore.scale.pieces import Pieces, log_pieces
from kdcore.scale.shards import ShardStore, find_store
from kdcore.teachers.cached import TeacherPredictions, cached_predictions
from kdcore.training.windows import Window
from kdcore.workspace import Workspace


@dataclass(frozen=True)
class ShardWindows:
    """The log by shards, each beside its even share of the pairs of train; see Windows.

    train: the pairs and the teacher's predictions on them; None to learn from the log alone.
    pairs: the data set beside the log, by whose labels predictions are regraded.
    """

    pieces: Pieces
    store: ShardStore
    teacher: Run
    pairs: PairTable
    train: Window | None
    seed: int

    @property
    def key(self) -> str:
        """Changes with any pair, and with the model whose logits the shards hold."""
        train = self.train.pairs.content_hash if self.train else "none"
        return f"{train}-{self.store.layout.name}"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The pairs of each shard and its share."""
        shares = np.diff(self._cuts)
        pairs = zip(self.store.shards, shares, strict=True)
        return tuple(len(shard) + int(share) for shard, share in pairs)

    @cached_property
    def first(self) -> Window:
        """The window with which the first epoch begins."""
        return self.read(0, self.turns(0)[0])

    def turns(self, epoch: int) -> list[int]:
        """The places of all shards in the order of an epoch."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.store.shards))
        return [int(place) for place in order]

    def read(self, epoch: int, place: int) -> Window:
        """A shard and its share of the pairs of train, which every epoch deals out anew."""
        shard, (logits, _) = self.store.shards[place], self.store.read(place)
        log = self.pieces.read(shard.first, shard.last)
        soft = Predictions(logits, log.content_hash, self.teacher.id)
        soft = regraded(soft, model_scheme(self.teacher.model_folder), self.pairs)
        if self.train is None:
            return Window(log, soft)
        rows = self._share(epoch, place)
        share = self.train.pairs.frame.iloc[rows][list(COLUMNS)]
        frame = pd.concat([share, log.frame], ignore_index=True)
        pairs = PairTable(frame, self.pairs.scheme, self.pairs.name)
        both = np.concatenate([self.train.soft.logits[rows], soft.logits])
        return Window(pairs, Predictions(both, pairs.content_hash, self.teacher.id))

    @property
    def _cuts(self) -> NDArray[np.int64]:
        """Where the dealt pairs of train are cut, in proportion to the rows of the shards."""
        ends = np.array([0, *(shard.last for shard in self.store.shards)])
        pairs = len(self.train.pairs) if self.train else 0
        return np.asarray(np.round(ends / self.pieces.rows * pairs), dtype=np.int64)

    def _share(self, epoch: int, place: int) -> NDArray[np.int64]:
        assert self.train is not None
        dealt = np.random.default_rng([self.seed, epoch, 1]).permutation(len(self.train.pairs))
        return np.sort(dealt[self._cuts[place] : self._cuts[place + 1]])


def shard_predictions(
    config: DistillConfig, teacher: Run, pairs: PairTable, workspace: Workspace
) -> TeacherPredictions:
    """What a distillation needs from a teacher that has scored the log in shards.

    The pairs of train and validation are scored here, as they are in memory. pairs: without the log
    of the world. DataError when the log is not scored.
    """
    pieces, store = scored_log(config, pairs, teacher, workspace)

    def scored(part: PairTable) -> Predictions:
        predictions, _ = cached_predictions(teacher, part, workspace, device=config.device)
        return regraded(predictions, model_scheme(teacher.model_folder), pairs)

    train = None
    if "train" in config.transfer.split("+"):
        labelled = pairs.split("train")
        train = Window(labelled, scored(labelled))
    windows = ShardWindows(pieces, store, teacher, pairs, train, config.seed)
    validation = pairs.split("validation").labelled()
    checks = scored(validation) if len(validation) else None
    soft = windows.first.soft
    return TeacherPredictions(
        soft, checks, (*soft.notes, _origin(config, windows)), windows=windows
    )


def _origin(config: DistillConfig, windows: ShardWindows) -> str:
    """From which shards a student learns: on which log, how many, whose, since when, and where."""
    store, rows = windows.store, windows.pieces.rows
    data = config.data if world_log(config.data)[0] else windows.pairs.name  # never a path
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(store.finished))
    return (
        f"the log of {data}, {rows:,} pairs (key {windows.pieces.key}), is read in "
        f"{len(store.shards):,} shards, one in memory at a time; they hold the logits of "
        f"{windows.teacher.id}, were stored {moment} and lie in {store.layout.name}"
    )


def scored_log(
    config: DistillConfig, pairs: PairTable, teacher: Run, workspace: Workspace
) -> tuple[Pieces, ShardStore]:
    """The log and its shards; DataError with the command where the teacher has not scored it."""
    pieces = log_pieces(config.data, pairs, workspace)
    store = pieces and find_store(workspace, model_hash(teacher.model_folder), pieces.key)
    command = f"`kdlab infer {teacher.id} --data {config.data} --split log --on local"
    if not pieces or not store:
        raise DataError(
            f"{teacher.id} has not scored the log of {config.data} in shards: {command}`"
        )
    if store.layout.k < (classes := len(store.layout.classes)):
        raise DataError(
            f"the shards in {store.folder} keep {store.layout.k} of {classes} logits per pair, and "
            f"this distillation needs all: {command} --top-k {classes}`"
        )
    return pieces, store
