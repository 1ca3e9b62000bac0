"""A teacher and a student of masked words, trained for a moment; torch on one thread."""

from pathlib import Path

import pytest
import torch

from kdcore.language.train import Plan, train

torch.set_num_threads(1)
TINY = Plan(steps=60, student_steps=8, sentences=300, layers=2, hidden=32, heads=2, rate=1e-2)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with teacher/ and student/."""
    out = tmp_path_factory.mktemp("masked")
    train(out, TINY, device="cpu")
    return out
