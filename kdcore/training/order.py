"""The batches of each epoch: at random, or in an order of labelled and unlabelled pairs.

Each is drawn from the seed and the number of the epoch alone, so that a run can resume anywhere.
A pair of labelled and unlabelled streams repeats or leaves out pairs where their numbers do not
fit the order: every stream gives each of its pairs once before it gives one again.

Scheduled learning, which interleaves labelled and unlabelled training, is that of Parthasarathi &
Strom 2019 (arXiv:1904.01624), whose schedule was not read; ratio, blocks and shares are ours. The
curriculum grows linearly as the competence of Platanios et al. 2019 (arXiv:1903.09848) does.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kdcore.config import DistillConfig, OrderConfig, TrainingConfig
from kdcore.config.groups import check
from kdcore.config.order import MIXED
from kdcore.data.pairs import UNLABELLED, PairTable
from kdcore.models.batches import Encoded, Rows, bucketed, epoch_order
from kdcore.predictions import Predictions
from kdcore.softlabels import soften

PARTS = 10  # of an epoch, at each of which a curriculum's pool grows


@dataclass(frozen=True)
class Drawing:
    """How batches are drawn from the tokens of the training pairs.

    lists: the ads of a query stay together. pads: similar lengths meet in a batch.
    """

    encoded: Encoded
    training: TrainingConfig
    seed: int
    lists: bool = False
    pads: bool = False

    @property
    def steps(self) -> int:
        """Steps of an epoch, whatever the order."""
        return -(-len(self.encoded) // self.training.batch_size)

    def mixed(self, epoch: int) -> list[Rows]:
        """Each pair once."""
        return self.regrouped(self.drawn(self.encoded, epoch))

    def drawn(self, encoded: Encoded, epoch: int) -> list[Rows]:
        """Positions in some of the pairs, each once."""
        size, together = self.training.batch_size, self.training.ads_per_query
        return epoch_order(encoded, size, together, self.seed, epoch, self.lists)

    def regrouped(self, batches: list[Rows]) -> list[Rows]:
        """The same pairs, by length where a model pads; that would tear lists apart."""
        if not self.pads or self.lists or not batches:
            return batches
        return bucketed(batches, self.encoded, self.seed)

    def stream(self, pool: Rows, first: int, sizes: list[int]) -> list[Rows]:
        """Batches of these sizes from the endless passes over some pairs, from a place on."""
        own = replace(
            self.encoded, query_of=self.encoded.query_of[pool], ad_of=self.encoded.ad_of[pool]
        )
        passes = range(first // len(pool), -(-(first + sum(sizes)) // len(pool)))
        order = np.concatenate([place for k in passes for place in self.drawn(own, k)])
        start = first - passes.start * len(pool)
        cuts = start + np.cumsum([0, *sizes])
        taken = [pool[order[a:b]] for a, b in pairwise(cuts)]
        return self.regrouped(taken)


@dataclass(frozen=True)
class Order:
    """The order of labelled and unlabelled pairs.

    labelled: (pairs,) which have a grade. confidence: (pairs,) the teacher's highest probability;
    needed for a curriculum.
    """

    config: OrderConfig
    labelled: NDArray[np.bool_]
    confidence: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, config: DistillConfig, transfer: PairTable, predictions: Predictions | None
    ) -> "Order":
        """The order for a transfer set and what the teacher predicts on it, None before it does.

        ConfigError where it cannot be kept: see the problems.
        """
        kind, labelled = config.order.kind, transfer.grades != UNLABELLED
        steps = -(-len(transfer) // config.training.batch_size) * config.training.epochs
        problems = []
        if kind != MIXED and labelled.all() == labelled.any():
            problems.append(
                f"order.kind: {kind} needs labelled and unlabelled pairs, and those of "
                f"{transfer.name} are all {'labelled' if labelled.all() else 'unlabelled'}; "
                "choose mixed"
            )
        if kind == "interleaved" and config.training.batch_size < 2:
            problems.append("training.batch_size: interleaved needs 2 or more, a pair of each kind")
        if kind == "alternating" and (block := config.order.block) >= steps:
            problems.append(
                f"order.block: {block:,} steps with unlabelled pairs leave none of the "
                f"training's {steps:,} for labelled ones; give {max(steps // 2, 1):,} or less"
            )
        confidence = None
        if kind == "curriculum" and predictions is not None:
            confidence = soften(predictions.logits).max(axis=1)
            if not predictions.own_relevance:
                problems.append(
                    "order.kind: curriculum asks how sure the teacher is, which a free score or a "
                    "grade does not say; choose another order"
                )
        check(problems, "These pairs cannot be learned in this order:")
        return cls(config.order, labelled, confidence)

    def batches(self, drawing: Drawing, epoch: int) -> list[Rows]:
        """The batches of an epoch."""
        draw = {
            "interleaved": self._interleaved,
            "alternating": self._alternating,
            "curriculum": self._curriculum,
        }.get(self.config.kind)
        return draw(drawing, epoch) if draw else drawing.mixed(epoch)

    def _interleaved(self, drawing: Drawing, epoch: int) -> list[Rows]:
        """A fixed number of labelled pairs in every batch, at least one of each kind."""
        size, steps = drawing.training.batch_size, drawing.steps
        share = round(size / (1 + self.config.ratio))
        labels = min(max(share, 1), max(size - 1, 1))
        sides = (self.labelled, labels), (~self.labelled, size - labels)
        parts = [
            drawing.stream(np.flatnonzero(kind), epoch * steps * count, [count] * steps)
            for kind, count in sides
        ]
        return [np.concatenate(both) for both in zip(*parts, strict=True)]

    def _alternating(self, drawing: Drawing, epoch: int) -> list[Rows]:
        """Blocks of steps over the whole training, the unlabelled pairs first."""
        size, steps, block = drawing.training.batch_size, drawing.steps, self.config.block
        turns = np.arange((epoch + 1) * steps) // block % 2  # 1 where labelled pairs are due
        now = turns[epoch * steps :]
        batches: list[Rows] = [np.empty(0, dtype=np.int64)] * steps
        for turn, kind in enumerate((~self.labelled, self.labelled)):
            places = np.flatnonzero(now == turn)
            before = int((turns[: epoch * steps] == turn).sum())
            if len(places):
                sizes = [size] * len(places)
                own = drawing.stream(np.flatnonzero(kind), before * size, sizes)
                for place, rows in zip(places, own, strict=True):
                    batches[place] = rows
        return batches

    def _curriculum(self, drawing: Drawing, epoch: int) -> list[Rows]:
        """All labelled pairs, and of the others a growing share, the surest first."""
        assert self.confidence is not None
        size, steps = drawing.training.batch_size, drawing.steps
        total, first = steps * drawing.training.epochs, self.config.first_share
        others = np.flatnonzero(~self.labelled)
        others = others[np.argsort(-self.confidence[others], kind="stable")]
        batches = []
        for part in np.array_split(np.arange(steps), min(PARTS, steps)):
            step = epoch * steps + int(part[0])
            share = first + (1 - first) * min(1.0, 2 * step / total)
            chosen = others[: max(round(share * len(others)), 1)]
            pool = np.sort(np.concatenate([np.flatnonzero(self.labelled), chosen]))
            batches += drawing.stream(pool, step * size, [size] * len(part))
        return batches
