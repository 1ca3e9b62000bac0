"""Invented rows, and a workspace of its own for every test."""

import pytest

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
