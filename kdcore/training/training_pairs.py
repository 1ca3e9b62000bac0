"""The pairs of a training as the model reads them, and how its head starts from them."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from kdcore.data.pairs import PairTable
from kdcore.models.base import PairModel
from kdcore.models.batches import Encoded
from kdcore.models.rows_in_use import RowsInUse

CALIBRATED_ON = 512  # pairs from which a head starts


@dataclass(frozen=True)
class TrainingPairs:
    """Training and validation pairs beside their tokens, numbered by the embedding rows in use."""

    train: PairTable
    validation: PairTable
    encoded: Encoded  # the tokens of train
    encoded_validation: Encoded
    rows_in_use: RowsInUse

    def turned_to(self, model: PairModel, train: PairTable) -> "TrainingPairs":
        """Other training pairs of the same training, which had no table narrowed."""
        return replace(self, train=train, encoded=model.read(train))


def read_pairs(
    model: PairModel, train: PairTable, validation: PairTable, narrow: bool = True
) -> TrainingPairs:
    """Tokenize the pairs and narrow the model's embedding tables to the rows that they use.

    narrow: not where other pairs will follow, whose rows are not known yet.
    """
    encoded = model.read(train), model.read(validation)
    used = np.union1d(encoded[0].used(), encoded[1].used())
    if not narrow and (tables := model.embeddings()):
        used = np.arange(max(len(table.weight) for table in tables))
    rows = RowsInUse(model, used)
    tokens, validation_tokens = (each.mapped(rows.table) for each in encoded)
    return TrainingPairs(train, validation, tokens, validation_tokens, rows)


@torch.no_grad()
def calibrate_head(model: PairModel, pairs: TrainingPairs, device: torch.device, seed: int) -> None:
    """Let the model set its head from a first batch and from the shares of the grades.

    A head that was trained before stays as it is.
    """
    if model.head_is_trained:
        return
    grades = pairs.train.grades
    labelled = grades[grades >= 0]
    if not len(labelled):  # a transfer set may be a log without labels
        labelled = pairs.validation.grades
    shares = np.bincount(labelled, minlength=len(pairs.train.scheme)) / len(labelled)
    rows = np.random.default_rng(seed).permutation(len(pairs.train))[:CALIBRATED_ON]
    first = model.batch(pairs.encoded, rows).to(device)
    model.eval().calibrate(first, torch.tensor(shares, dtype=torch.float32))
