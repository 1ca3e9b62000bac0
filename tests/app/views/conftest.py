"""What tests of several pages share: a visitor's state without a session."""

from collections.abc import Callable
from typing import Any

import pytest

from app import state


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
