"""Invented rows, and a workspace of its own for every test."""

from pathlib import Path

import pytest

from kdcore.data.answers.choice import ColumnChoice
from kdcore.data.answers.imported import bring_file
from kdcore.data.pairs import ALL, PairTable
from kdcore.predictions import Predictions
from kdcore.workspace import Workspace

GOOD = "red kettle\tKettles by Brimble\tBoils in a minute\tGood\n"
BAD = "red kettle\tTents by Oakmoor\tSleeps four\tBad\n"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    return Workspace.default()


@pytest.fixture
def rows():
    """Two good QADSM lines."""
    return GOOD + BAD


def bring(
    path: Path, pairs: PairTable, split: str = ALL, *, model: str, **choice: str
) -> Predictions:
    """The answers of a file to every pair of a split."""
    return bring_file(path, pairs, split, model=model, choice=ColumnChoice(**choice)).predictions
