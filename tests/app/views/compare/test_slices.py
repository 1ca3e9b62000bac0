"""What Compare says of slices: falling behind elsewhere is told apart from losing."""

import csv
import io

import pytest

from app.services import Board
from app.views.compare import slices
from app.views.compare.slice_words import finding
from kdcore.analysis.slices import Slice, Slices
from kdcore.data.pairs import PairTable, make_frame
from kdcore.labels import FOUR_GRADES

OF_ALL = {"outside": -0.45, "low": 0.2, "high": 0.5, "p": 0.001, "q": 0.0004, "queries": 40}


def slice_of(name: str, pairs: int, inside: float, effect: float) -> Slice:
    ends = {"inside_low": inside - 0.04, "inside_high": inside + 0.04}
    return Slice(name=name, pairs=pairs, inside=inside, effect=effect, **ends, **OF_ALL)


GAINS_LESS = slice_of("grade=3", 300, -0.108, 0.344)
LOSES = slice_of("grade=0", 60, 0.452, 0.9)


@pytest.fixture
def board():
    pairs = PairTable(make_frame(["q", "q"], ["a", "b"], ["", ""], [0, 3]), FOUR_GRADES, "made")
    return Board(None, pairs, None, None, None)


def test_where_the_student_still_beats_its_twin_it_is_not_said_to_lose(board):
    said = finding(board, Slices((GAINS_LESS, LOSES), 900, 3000, 500), "twin")
    assert "falls behind most in total where the grade is excellent: 0.344 nats more" in said
    assert "There its loss is 0.108 nats per pair lower than that of its twin." in said
    assert "2 slices in which it falls behind, it is clearly worse than its twin in 1" in said
    assert "most per pair where the grade is bad (+0.452 nats, 60 pairs)" in said
    assert "clearly worse than its twin in none" in finding(
        board, Slices((GAINS_LESS,), 900, 3000, 500), "twin"
    )


def test_a_table_of_slices_names_losses_and_shows_what_its_order_is(board):
    table = slices.view(board, [GAINS_LESS, LOSES], "twin")
    assert table["student"].tolist() == ["▲ BETTER than its twin", "▼ WORSE than its twin"]
    assert table["in total"].tolist() == pytest.approx([103.2, 54.0])


def test_the_csv_of_slices_has_its_intervals_as_numbers(board):
    text = slices.csv_of(board, [GAINS_LESS, LOSES], "twin").decode()
    first = next(csv.DictReader(io.StringIO(text)))
    assert [float(first[f"effect, {end}"]) for end in ("low", "high")] == [0.2, 0.5]
    assert float(first["false-discovery rate"]) == 0.0004
    assert first["slice"] == "the grade is excellent"
