"""Points, colors and selections of a map keep their ids and cost a few bytes on the wire."""

import numpy as np
import pytest

from app.parts.map.payload import (
    bits_of,
    color_by_class,
    color_by_number,
    flags_of,
    ids_of,
    points_of,
)

DRAW = np.random.default_rng(5)
LEFT, RIGHT = DRAW.normal(size=(2, 1000, 2))


def test_both_maps_cost_eight_bytes_a_point_and_one_map_four():
    assert points_of(np.arange(1000), LEFT, RIGHT).nbytes == 8_000
    assert points_of(np.arange(1000), LEFT).nbytes == 4_000


def test_a_place_comes_back_to_half_a_wire_unit_on_both_maps():
    points = points_of(np.arange(1000), LEFT, 3 * RIGHT)
    x, y, side = points.box
    for letter, places in (("l", LEFT), ("r", 3 * RIGHT)):
        wire = np.stack([points.table[f"{letter}{axis}0"].to_numpy() for axis in "xy"], axis=1)
        back = np.array([x, y]) + wire / 65_535 * side
        assert np.abs(back - places).max() <= side / 65_535 / 2 * 1.001


def test_the_key_follows_the_content_and_nothing_else():
    same = points_of(np.arange(1000), LEFT, RIGHT).key
    assert points_of(list(range(1000)), LEFT.copy(), RIGHT).key == same
    assert points_of(np.arange(1000), LEFT, LEFT).key != same
    assert points_of(np.arange(1000) + 1, LEFT, RIGHT).key != same


def test_a_side_that_does_not_move_is_sent_once():
    points = points_of(np.arange(1000), LEFT, [RIGHT, LEFT, RIGHT], ["a", "b", "c"])
    assert (points.sides, points.nbytes) == ((1, 3), 16_000)


def test_ids_that_are_not_positions_come_back_from_bits():
    ids = np.array([90, 7, 4_000_000_000, 12])
    points = points_of(ids, LEFT[:4])
    assert points.table["id"].to_pylist() == ids.tolist()
    bits = bits_of(points, [12, 90, 5])
    assert ids_of(points, bits).tolist() == [90, 12]
    assert bits_of(points, []) == flags_of(np.zeros(4)) == ""


@pytest.mark.parametrize("bits", ["", None, 5, "nonsense!", "AAAA", "ÿ"])
def test_bits_that_a_browser_cannot_have_made_select_nothing(bits):
    assert ids_of(points_of(np.arange(9), LEFT[:9]), bits).tolist() == []


@pytest.mark.parametrize(
    ("ids", "left", "right", "moments", "words"),
    [
        ([], LEFT[:0], None, (), "at least one point"),
        ([1, 1], LEFT[:2], None, (), "repeated"),
        ([-1, 1], LEFT[:2], None, (), "from 0 to"),
        ([1, 2], LEFT[:3], None, (), r"\(2, 2\), not \(3, 2\)"),
        ([1, 2], LEFT[:2] * np.nan, None, (), "finite"),
        ([1, 2], LEFT[:2], [LEFT[:2]] * 3, ("a", "b"), "2 moments"),
    ],
)
def test_points_that_make_no_map_are_refused_with_the_reason(ids, left, right, moments, words):
    with pytest.raises(ValueError, match=words):
        points_of(ids, left, right, moments)


def test_points_on_one_place_still_have_a_square_around_them():
    points = points_of([3, 4], np.ones((2, 2)))
    assert points.box == (0.5, 0.5, 1.0)


def test_over_seven_classes_the_rarest_become_one_and_no_class_stays_none():
    codes = [*np.repeat(np.arange(9), [9, 1, 8, 7, 2, 6, 5, 3, 4]), -1]
    color = color_by_class("Topic", codes, [f"t{k}" for k in range(9)])
    assert color.names == ("t0", "t2", "t3", "t5", "t6", "t8", "others (3)")
    assert color.look["roles"][-1] == "muted"
    wire = color.table["value"].to_numpy()
    assert np.bincount(wire[:-1]).tolist() == [9, 8, 7, 6, 5, 4, 6]
    assert wire[-1] == 255


def test_a_code_without_a_name_is_refused():
    with pytest.raises(ValueError, match=r"outside -1\.\.1"):
        color_by_class("Label", [0, 2], ["bad", "good"])
    with pytest.raises(ValueError, match="2 classes have 1 roles"):
        color_by_class("Label", [0, 1], ["bad", "good"], ["defect"])


def test_a_number_is_clipped_to_its_scale_and_nan_has_none():
    wire = color_by_number("Overlap", [0, 0.5, 2, np.nan], high=1.0).table["value"].to_numpy()
    assert wire.tolist() == [0, 32_767, 65_534, 65_535]
    assert color_by_number("Flat", [3.0, 3.0]).look["high"] == 4.0
    assert color_by_number("None", [np.nan]).table["value"].to_pylist() == [65_535]
