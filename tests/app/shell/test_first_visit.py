"""The server prepares what a first visit needs."""

import pytest

from app import services
from app.kit import by_hash
from app.services import cautions
from app.services.boards import board_of
from app.shell import first_visit
from kdcore.errors import DataError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    by_hash.clear()
    yield
    by_hash.clear()


def test_a_visitor_finds_the_board_and_its_caution_ready(monkeypatch):
    first_visit.prepare()
    for computed in ("boards.PairTable.load", "answers.Predictions.load", "cautions.near_chance"):
        monkeypatch.setattr(f"app.services.{computed}", None)
    assert cautions.caution(board_of(services.data_choices()[0])) == ""


def test_data_that_cannot_be_read_are_left_to_the_page(tmp_path, monkeypatch):
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path))
    with pytest.raises(DataError, match=r"dataset\.json"):
        board_of(services.data_choices()[0])
    first_visit.prepare()  # raises nothing
