"""A weight or a temperature that changes during a training."""

import math


def value_at(kind: str, start: float, end: float, share: float) -> float:
    """The value after a share of the steps, 0 to 1: linear, or half a cosine wave."""
    if kind == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return start + (end - start) * share
