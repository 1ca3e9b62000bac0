"""Compare below its picture on a made story."""

import numpy as np
import pytest

from app.services import Scored
from app.views.compare import edit
from tests.app.made_lab import Made, make_lab
from tests.app.views.compare.closer import draw, shown


@pytest.fixture
def details(lab):
    """details(Made(...), pair=3): what stands below the picture of a made story in a state."""

    def open_details(made: Made | None = None, **by_key):
        made = made or Made(bare=True)
        root = lab / ("home" if made.brought else "demo")  # imported files are a visitor's own
        if not (root / "data").exists():
            make_lab(root, made, "mine" if made.brought else "world")
        return shown(draw, **by_key, **({"data": "mine"} if made.brought else {}))

    return open_details


@pytest.fixture
def requests(monkeypatch):
    """Models that find every longer title better; the run and the rows of each request."""
    rows_of = []

    def score(run, rows, pairs):
        rows_of.append((run.id, rows))
        logits = np.array([[0.0, 0.0, len(title) / 10, 0.0] for _, title, _ in rows])
        return Scored(logits, 12.3)

    monkeypatch.setattr(edit.services, "score", score)
    return rows_of
