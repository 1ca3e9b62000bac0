"""Numbers that our losses and those of other packages are both computed on; NumPy only."""

import numpy as np
import torch

SIZES = (6, 4, 2, 5)  # ads of each list; the rest of a row is padding


def draw(seed: int, *shape: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.tensor(np.random.default_rng(seed).normal(size=shape))


TOKENS = draw(1, 3, 4, 6), draw(2, 3, 4, 6)  # student, teacher: (batch, tokens, width)
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]]).bool()
LOGITS = draw(3, 5, 4), draw(4, 5, 4, scale=2)
VECTORS = draw(5, 7, 5), draw(6, 7, 9)  # widths may differ
LISTS = draw(7, 4, 6, scale=2), draw(8, 4, 6, scale=3)
