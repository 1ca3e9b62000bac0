"""Train only the embedding rows that the data touches.

A vocabulary of 30,000 tokens meets some 5,000 in a data set; without this an optimizer walks over
all rows at every step. Rows that no batch touches have no gradient and would not move, so the
result is the same but for weight decay, which untouched rows are spared.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kdcore.models.base import PairModel


class RowsInUse:
    """Narrows a model's embedding tables to some rows; `widen` puts the whole tables back.

    table: (vocabulary,) the narrow number of each old row, for Encoded.mapped.
    """

    def __init__(self, model: PairModel, used: NDArray[np.int64]) -> None:
        self.model = model
        self.used = torch.from_numpy(used)
        self.tables = model.embeddings()
        self.whole = [t.weight.detach().clone() for t in self.tables]
        rows = max((len(w) for w in self.whole), default=int(used.max(initial=0)) + 1)
        self.table = np.zeros(rows, dtype=np.int64)
        self.table[used] = np.arange(len(used)) if self.tables else used
        for table, weight in zip(self.tables, self.whole, strict=True):
            table.weight = nn.Parameter(weight[self.used].clone())

    def widen(self) -> None:
        """Write the narrow rows into the whole tables and give those back to the model."""
        for table, weight in zip(self.tables, self.whole, strict=True):
            weight[self.used] = table.weight.detach().to(weight.device)
            table.weight = nn.Parameter(weight.to(table.weight.device))
        self.tables, self.whole = [], []
