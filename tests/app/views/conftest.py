"""What tests of several pages share: empty workspaces, and a visitor's state without a session."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import state
from app.kit import by_hash


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty demo/ and of the visitor's empty home/."""
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    by_hash.clear()
    return tmp_path


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A state without a session: choose(k=3, rtab="ndcg") sets choices by their keys in a link.

    choose.ignored: what the state was told to name as ignored.
    """
    current = {"state": state.State()}

    def change(**values: Any) -> None:
        current["state"] = state.changed(current["state"], **values)

    def choose(**by_key: Any) -> None:
        change(**state.of_keys(by_key))

    choose.ignored = []  # type: ignore[attr-defined]
    monkeypatch.setattr(state, "now", lambda: current["state"])
    monkeypatch.setattr(state, "change", change)
    monkeypatch.setattr(state, "ignore", choose.ignored.append)  # type: ignore[attr-defined]
    return choose
