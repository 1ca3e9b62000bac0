"""The small runs of tests/recipes serve the tests of training too."""

from tests.recipes.conftest import (
    assert_same_result,
    checkpoint,
    created,
    distillation,
    finetuning,
    home,
    killer,
    lines,
    pairs,
    restage,
    teacher,
    tensors,
    weights,
)

__all__ = [
    "assert_same_result",
    "checkpoint",
    "created",
    "distillation",
    "finetuning",
    "home",
    "killer",
    "lines",
    "pairs",
    "restage",
    "teacher",
    "tensors",
    "weights",
]
