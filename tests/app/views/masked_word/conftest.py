"""The cards of bundled measurements: ASSET of a test file names one, its `card` draws it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def run(card: Callable[[], None]) -> AppTest:
    """A card by itself, after its first run."""
    app = AppTest.from_function(card, default_timeout=60).run()
    assert not app.exception
    return app


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest) -> Any:
    """The measurement."""
    return json.loads(request.module.ASSET.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shown(request: pytest.FixtureRequest) -> AppTest:
    """The card as a visitor finds it."""
    return run(request.module.card)
