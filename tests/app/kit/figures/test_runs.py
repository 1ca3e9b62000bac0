"""Pictures of runs: the frontier is the set that nothing beats, and intervals are drawn."""

import math

from hypothesis import given
from hypothesis import strategies as st

from app.kit.figures import labels
from app.kit.figures.labels import Frame, places
from app.kit.figures.runs import (
    WARNING,
    Point,
    frontier,
    frontier_table,
    heat_map,
    quality_against_cost,
)

NAN = math.nan


def point(key: str, x: float, y: float, family: str = "response", way: str = "kd") -> Point:
    return Point(key, f"<b>{key}</b>", family, way, x, y, y - 0.1, y + 0.1)


POINTS = [point("a", 1, 0.5), point("b", 2, 0.4), point("c", 3, 0.9), point("d", 3, 0.8)]
NAMES = ("parameters", "test ROC-AUC")


def drawn(**changed):
    given = {"higher": True, "by_way": False, "mixed": False} | changed
    return quality_against_cost(POINTS, NAMES, **given)


def test_the_frontier_keeps_what_no_run_beats_in_both():
    assert [p.key for p in frontier(POINTS, True)] == ["a", "c"]


def test_where_lower_is_better_the_frontier_turns_over():
    assert [p.key for p in frontier(POINTS, False)] == ["a", "b"]


def test_a_title_is_never_html_in_a_picture():
    text = drawn().to_json()
    assert "<b>" not in text.replace("\\u003c", "<")
    assert "&lt;b" in text.replace("\\u0026", "&")


def test_intervals_are_bars_and_missing_ones_are_none():
    bars = next(t for t in drawn().data if t.name == "Response").error_y
    assert [round(v, 3) for v in bars.array] == [0.1] * 4
    blank = Point("e", "e", "response", "kd", 1, 0.5, NAN, NAN)
    made = quality_against_cost([blank], NAMES, higher=True, by_way=False, mixed=False)
    assert list(made.data[1].error_y.array) == [0]


def test_a_line_a_way_of_training_rises_in_cost():
    lines = drawn(by_way=True).data
    assert [t.name for t in lines] == ["kd"]
    assert list(lines[0].x) == [1, 2, 3, 3]


def test_mixed_inputs_are_told_in_the_picture_itself():
    assert [a.text for a in drawn(mixed=True).layout.annotations] == [WARNING]
    assert not drawn().layout.annotations


def test_costs_far_apart_are_drawn_on_a_log_axis():
    far = [point("a", 1, 0.5), point("b", 100, 0.6)]
    made = quality_against_cost(far, NAMES, higher=True, by_way=False, mixed=False)
    assert made.layout.xaxis.type == "log"
    assert drawn().layout.xaxis.type == "linear"


def test_the_table_says_who_is_on_the_frontier():
    table = frontier_table(POINTS, NAMES, True).set_index("run")
    assert table["on the frontier"].to_dict() == {"a": "yes", "b": "no", "c": "yes", "d": "no"}


def test_costs_that_are_nearly_equal_have_room_around_them():
    points = [point("a", 787_588, 0.7), point("b", 787_589, 0.8)]
    made = quality_against_cost(points, ("n", "q"), higher=True, by_way=False, mixed=False)
    low, high = made.layout.xaxis.range
    assert high - low > 100_000


def test_a_heat_map_says_in_words_what_its_colors_say():
    made = heat_map(["r"], ["1", "2"], [[0.5, NAN]], [["0.5\n▲", "lost"]], ("T", "n", "AUC"))
    assert list(made.data[1].text[0]) == ["0.5<br>▲", "lost"]


def test_a_grid_without_a_number_still_shows_its_cells_and_their_states():
    made = heat_map(["r"], ["1", "2"], [[NAN, NAN]], [["queued", "running 40 %"]], ("T", "", "AUC"))
    assert list(made.data[0].z) == [[0.0, 0.0]]
    assert list(made.data[2].text) == ["queued", "running 40 %"]
    assert made.data[1].showscale is False


FRAME = Frame((0.0, 0.0), (10.0, 1.0), (760.0, 300.0))
SPOTS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=12)


@given(SPOTS, st.lists(st.text("abcde ", min_size=1, max_size=40), min_size=12, max_size=12))
def test_no_name_covers_another_name_or_a_point_or_leaves_the_picture(spots, words):
    words = words[: len(spots)]
    at = places(words, spots, [], FRAME)
    assert len(at) == len(spots)
    boxes = [
        labels._box(place, word, *FRAME.at(*spot))
        for place, word, spot in zip(at, words, spots, strict=True)
        if place
    ]
    assert not any(labels._meet(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(labels._inside(box, FRAME) for box in boxes)


def test_a_lone_name_near_the_right_edge_stands_on_the_left():
    assert places(["a name of some length"], [(9.8, 0.5)], [], FRAME) == ["middle left"]
