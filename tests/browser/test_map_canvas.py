"""The maps' arithmetic in a real browser: decoding, picking, lasso, bins, camera against Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.parts.map.payload import bits_of, color_by_number, ids_of, points_of

Evaluate = Callable[..., Any]
DRAW = np.random.default_rng(8)
N = 3000
IDS = DRAW.permutation(5 * N)[:N]
LEFT, RIGHT = DRAW.normal(size=(2, N, 2))
POINTS = points_of(IDS, LEFT, [LEFT, RIGHT], ["before", "after"])
PLACE = {"left": 0, "top": 0, "w": 200, "h": 150}

IMPORT = """async (names) => {
  window.map = Object.assign({}, ...await Promise.all(names.map((name) =>
    import(`http://files.test/app/parts/map/${name}.js`))));
  const kind = (name) => (name === "id" ? Uint32Array : Uint16Array);
  window.decode = ({ n, columns, sides }) =>
    window.map.decoded(n, (name) => columns[name] && kind(name).from(columns[name]), sides);
}"""


@pytest.fixture(scope="module")
def ask(open_module: Any) -> Evaluate:
    """ask(script, value): what a script answers that has the maps' modules as `map`."""
    page = open_module("app/parts/map/points.js")
    page.evaluate(IMPORT, ["points", "find", "camera", "cloud", "grid", "marks", "colors"])
    columns = {name: POINTS.table[name].to_pylist() for name in POINTS.table.column_names}
    wire = {"n": N, "columns": columns, "sides": list(POINTS.sides)}
    page.evaluate("(wire) => { window.points = decode(wire); }", wire)
    answer: Evaluate = page.evaluate
    return answer


@pytest.fixture(scope="module")
def places(ask: Evaluate) -> Any:
    """(rows, 2) wire places of the left map, in drawing order."""
    return np.array(
        ask("() => { const [{x, y}] = points.moments[0]; return [[...x], [...y]]; }")
    ).T.astype(float)


def test_every_point_is_decoded_under_its_id(ask):
    rows = ask("""() => {
      const [before, after] = points.moments[1];
      return Array.from(points.ids, (id, row) =>
        [id, before.x[row], before.y[row], after.x[row], after.y[row]]);
    }""")
    row_of = {id: places for id, *places in rows}
    x, y, side = POINTS.box
    back = np.array([row_of[id] for id in IDS]) / 65_535 * side + [x, y, x, y]
    assert len(row_of) == N
    assert np.abs(back - np.hstack([LEFT, RIGHT])).max() <= side / 65_535


def test_the_drawing_order_is_a_permutation_that_mixes_and_repeats(ask):
    order, again = ask("() => [[...map.shuffled(1000)], [...map.shuffled(1000)]]")
    assert order == again
    assert sorted(order) == list(range(1000))
    assert abs(np.corrcoef(order, range(1000))[0, 1]) < 0.1


def test_a_selection_crosses_the_wire_in_both_directions_by_id(ask):
    chosen = np.sort(IDS)[::7]
    bits = bits_of(POINTS, chosen)
    ids, back = ask(
        """(bits) => {
          const rows = map.flags(bits, points);
          return [[...points.ids].filter((_, row) => rows[row]), map.bitsOf(rows, points)];
        }""",
        bits,
    )
    assert sorted(ids) == chosen.tolist()
    assert sorted(ids_of(POINTS, back).tolist()) == chosen.tolist()
    assert ask("() => map.bitsOf(new Uint8Array(points.n), points)") == ""


def test_an_id_leads_to_its_row_and_a_foreign_one_to_none(ask):
    rows = ask("(ids) => ids.map((id) => points.ids[map.rowOfId(points, id)] ?? -1)", IDS.tolist())
    assert rows == IDS.tolist()
    assert ask("(id) => map.rowOfId(points, id)", 5 * N + 3) == -1


def test_between_two_moments_a_point_is_on_the_way(ask):
    at = ask("""() => {
      const buffer = { x: new Uint16Array(points.n), y: new Uint16Array(points.n) };
      const [from, to] = points.moments[1];
      const half = map.placesAt(points.moments[1], 0.5, buffer);
      const still = map.placesAt(points.moments[0], 0.5, null);
      return [still === points.moments[0][0], map.placesAt(points.moments[1], 7, null) === to,
        Math.max(...half.x.map((x, row) => Math.abs(x - (from.x[row] + to.x[row]) / 2)))];
    }""")
    assert at[:2] == [True, True]
    assert at[2] < 1


def test_picking_finds_the_nearest_point_that_can_be_taken(ask, places):
    levels = DRAW.integers(0, 4, N)
    spots = DRAW.uniform(0, 65_535, (200, 2))
    ours = ask(
        """({ levels, spots, reach }) => {
          const [at] = points.moments[0];
          const grid = map.gridOf(at);
          return spots.map(([x, y]) => map.nearest(at, grid, levels, x, y, reach));
        }""",
        {"levels": levels.tolist(), "spots": spots.tolist(), "reach": 1500},
    )
    far = np.linalg.norm(places[None] - spots[:, None], axis=2)
    far[:, levels < 2] = np.inf
    theirs = np.where(far.min(axis=1) < 1500, far.min(axis=1), np.inf)
    reached = [far[k, row] if row >= 0 else np.inf for k, row in enumerate(ours)]
    np.testing.assert_allclose(reached, theirs)
    assert np.isfinite(theirs).any()
    assert np.isinf(theirs).any()


def test_an_arrow_goes_to_a_point_on_that_side(ask, places):
    start = 17
    for way in ([1, 0], [-1, 0], [0, 1], [0, -1]):
        row = ask(
            "([start, dx, dy]) => { const [at] = points.moments[0]; return map.nextPoint(at,"
            " new Uint8Array(points.n).fill(3), at.x[start], at.y[start], dx, dy, start); }",
            [start, *way],
        )
        gone = places[row] - places[start]
        assert gone @ way > 0
        assert abs(gone @ way) >= abs(gone @ way[::-1])


STAR = [[100, 5], [140, 140], [10, 50], [190, 50], [60, 140]]  # its lines cross: even-odd


def inside_star(px: Any, py: Any) -> Any:
    """Ray casting over whole arrays, even-odd."""
    odd = np.zeros(np.shape(px), bool)
    for (x0, y0), (x1, y1) in zip(STAR, STAR[1:] + STAR[:1], strict=True):
        across = (y0 > py) != (y1 > py)
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= across & (px < x0 + (py - y0) / (y1 - y0) * (x1 - x0))
    return odd


def test_a_lasso_holds_what_lies_inside_by_even_and_odd(ask):
    mask = ask("([line, w, h]) => [...map.lassoMask(line, w, h)]", [STAR, 200, 150])
    y, x = np.mgrid[0:150, 0:200] + 0.5
    np.testing.assert_array_equal(np.reshape(mask, (150, 200)), inside_star(x, y))


def test_a_lasso_takes_the_points_under_it_and_ranges_those_between_numbers(ask, places):
    n, rows, ranged = ask(
        """([line, pane]) => {
          const [at] = points.moments[0];
          const place = map.placeOf(pane, map.WHOLE);
          const levels = new Uint8Array(points.n).fill(3);
          levels.fill(1, 0, 100);
          const rows = new Uint8Array(points.n);
          const mask = map.lassoMask(line, pane.w, pane.h);
          const n = map.inMask(at, levels, place, mask, rows);
          const between = new Uint8Array(points.n);
          map.inRanges(at, levels, [2e4, 3e4, 1e4, 6e4], between);
          return [n, [...rows], [...between]];
        }""",
        [STAR, PLACE],
    )
    scale = 150 - 28
    px = np.floor(100 + (places[:, 0] / 65_535 - 0.5) * scale) + 0.5
    py = np.floor(75 - (places[:, 1] / 65_535 - 0.5) * scale) + 0.5
    expected = inside_star(px, py)
    expected[:100] = False
    np.testing.assert_array_equal(np.array(rows, bool), expected)
    assert n == expected.sum() > 0
    x, y = places.T
    within = (x >= 2e4) & (x <= 3e4) & (y >= 1e4) & (y <= 6e4)
    within[:100] = False
    np.testing.assert_array_equal(np.array(ranged, bool), within)


COUNT = """([codes, levels, isNumber, pane]) => {
  const place = map.placeOf(pane, map.zoomed(map.WHOLE, 1.5, 0.6, 0.4));
  const cells = map.cellsOf(pane.w, pane.h);
  const of = { ...points.moments[0][0], levels, codes: Uint8Array.from(codes) };
  map.countCells(cells, of, place, isNumber);
  return [[...cells.full], [...cells.pale], [...cells.code], place.X(0), place.Y(0), place.scale];
}"""


def test_cells_count_points_keep_a_class_that_is_there_and_sum_numbers(ask, places):
    codes, levels = DRAW.integers(0, 5, N), DRAW.integers(0, 4, N)
    asked = [codes.tolist(), levels.tolist(), False, PLACE]
    full, pale, code, left, top, scale = ask(COUNT, asked)
    x = (left + places[:, 0] / 65_535 * scale) / 2
    y = (top - places[:, 1] / 65_535 * scale) / 2
    edges = (np.arange(76), np.arange(101))

    def bins(rows: Any, weights: Any = None) -> Any:
        on = rows & (x < 100) & (y < 75)
        weights = None if weights is None else weights[on]
        return np.histogram2d(y[on], x[on], edges, weights=weights)[0].ravel()

    np.testing.assert_array_equal(full, bins(levels == 3))
    np.testing.assert_array_equal(pale, bins((levels == 1) | (levels == 2)))
    by_class = np.array([bins((levels == 3) & (codes == k)) for k in range(5)])
    some = np.array(full) > 0
    assert (by_class[np.array(code)[some], np.flatnonzero(some)] > 0).all()
    _, _, sums, *_ = ask(COUNT, [codes.tolist(), levels.tolist(), True, PLACE])
    np.testing.assert_array_equal(sums, bins(levels == 3, codes.astype(float)))


@pytest.mark.parametrize("zoom", [9, 40])
@pytest.mark.parametrize("is_number", [False, True])
def test_what_is_drawn_of_the_points_in_sight_is_what_is_drawn_of_all(ask, zoom, is_number):
    codes, levels = DRAW.integers(0, 5, N).tolist(), DRAW.integers(0, 4, N).tolist()
    sight, seen, same, dots = ask(
        """([codes, levels, isNumber, pane, zoom]) => {
          const [at] = points.moments[0];
          const middle = { x: at.x[0] / 65535, y: at.y[0] / 65535 };
          const place = map.placeOf(pane, map.bounded({ ...middle, zoom }));
          const [classes, { w, h }, grid] = [Uint8Array.from(codes), pane, map.gridOf(at)];
          map.dress(grid, levels, classes);
          const rows = map.rowsOf(grid, map.inSight(grid, place, 8));
          const count = (of, within) => {
            const cells = map.cellsOf(w, h);
            const all = { ...at, levels, codes: classes };
            map.countCells(cells, all, place, isNumber, of, within);
            return cells;
          };
          const rgb = [[9, 0, 0], [0, 9, 0], [0, 0, 9], [9, 9, 0], [0, 9, 9]];
          const inks = map.inksOf(rgb, [255, 255, 255], [5, 5, 5]);
          const stamps = codes.map((code) => map.stampOf(code, 4.5));
          const draw = (some) => {
            const pixels = new Uint32Array(w * h);
            map.drawPoints(pixels, w, h, at, levels, classes, place, stamps, inks, true, some);
            return pixels;
          };
          const text = ({ full, pale, code }) => [full, pale, code].join(" ");
          const counted = [count(), count(grid, map.inSight(grid, place))].map(text);
          const [whole, some] = [draw(null), draw(rows)];
          const all = map.countSeen(grid, map.placeOf(pane, map.WHOLE));
          const seen = map.countSeen(grid, place);
          return [seen, all, counted[0] === counted[1] && whole.join() === some.join(),
            whole.filter((dot) => dot !== inks.paper).length];
        }""",
        [codes, levels, is_number, PLACE, zoom],
    )
    assert 0 < sight < seen == np.count_nonzero(levels)
    assert same
    assert dots > 0


def test_points_are_drawn_one_by_one_only_where_those_in_sight_have_room(ask):
    crowded, roomy, whole = ask("""() => {
      const pane = { w: 600, h: 400 };
      const style = (zoom, seen) => map.styleOf(100000, pane, zoom, false, seen);
      return [style(8, 20000), style(8, 10000), style(1)];
    }""")
    assert crowded["isDensity"]
    assert whole["isDensity"]
    assert not roomy["isDensity"]
    assert roomy["radius"] > 1


def test_no_class_hides_another_that_lies_on_the_same_places(ask):
    """Python sends one class after the other; drawn that way the second would cover the first."""
    pixels = ask("""() => {
      const n = 4000;
      const order = map.shuffled(n);
      const spot = (row) => order[row] % 2000; // both classes on the same 2,000 places
      const numbers = (of) => Uint16Array.from({ length: n }, (_, row) => 65535 * of(spot(row)));
      const x = numbers((at) => (at % 50) / 50);
      const y = numbers((at) => Math.floor(at / 50) / 40);
      const codes = Uint8Array.from(order, (at) => (at < 2000 ? 0 : 1));
      const [w, h] = [600, 500];
      const pixels = new Uint32Array(w * h);
      const place = map.placeOf({ left: 0, top: 0, w, h }, map.WHOLE);
      const inks = map.inksOf([[255, 0, 0], [0, 0, 255]], [255, 255, 255], [99, 99, 99]);
      const stamps = [map.stampOf(0, 3), map.stampOf(0, 3)];
      map.drawPoints(pixels, w, h, { x, y }, new Uint8Array(n).fill(3), codes, place, stamps, inks);
      const count = (ink) => pixels.reduce((sum, value) => sum + (value === ink), 0);
      return [count(inks.palette[0]), count(inks.palette[1]), count(inks.paper)];
    }""")
    first, second, paper = pixels
    assert 0.4 < first / (first + second) < 0.6
    assert paper > 0


def test_the_camera_keeps_the_place_that_is_zoomed_at_and_stays_on_the_map(ask):
    before, after, back, far, whole = ask(
        """(pane) => {
          const camera = map.zoomed(map.WHOLE, 3, 0.2, 0.7);
          const [one, two] = [map.placeOf(pane, map.WHOLE), map.placeOf(pane, camera)];
          return [[one.X(0.2), one.Y(0.7)], [two.X(0.2), two.Y(0.7)],
            [two.toX(two.X(0.3)), two.toY(two.Y(0.9))], map.panned(camera, 50, -50),
            map.zoomed(camera, 0.01, 0.2, 0.7)];
        }""",
        PLACE,
    )
    np.testing.assert_allclose(after, before)
    np.testing.assert_allclose(back, [0.3, 0.9])
    assert (far["x"], far["y"], far["zoom"]) == (1, 0, 3)
    assert whole == {"x": 0.5, "y": 0.5, "zoom": 1}


def test_two_maps_stand_side_by_side_and_on_a_phone_one_below_the_other(ask):
    wide, narrow = ask("() => [map.layout(1100, 2, 420, 22), map.layout(358, 2, 420, 22)]")
    assert [pane["top"] for pane in wide["panes"]] == [22, 22]
    assert [pane["left"] for pane in narrow["panes"]] == [0, 0]
    first, second = narrow["panes"]
    assert second["top"] >= first["top"] + first["h"] + 22
    assert narrow["height"] >= second["top"] + second["h"]


def test_a_note_that_is_wider_than_a_phone_stands_in_several_lines_and_is_not_cut(ask):
    note = "100 % of final neighbors; trustworthiness 0.981, continuity 0.977 (k = 10, n = 500)"
    for width, lines in ((340, 2), (1000, 1)):
        said, head = ask(
            """([note, w]) => {
              const context = document.createElement("canvas").getContext("2d");
              const [said, font] = [[], "13px sans-serif"];
              context.fillText = (text, x, y) => said.push([text, y]);
              const head = map.headOf(context, ["", "short", note], w, font);
              const place = { side: 0, left: 0, top: head, w };
              const colors = { text: "#000", muted: "#555" };
              map.drawHead(context, place, ["Title", note], { ink: "#000", colors, font, head });
              return [said, head];
            }""",
            [note, width],
        )
        assert " ".join(text for text, _ in said[1:]) == note
        assert len(said) == 1 + lines
        assert max(y for _, y in said) < head


def test_a_number_that_was_not_measured_is_called_so(ask):
    title = "Share of 10 neighbors in common"
    color = color_by_number(title, [np.nan, 25.0], 0, low=0.0, high=100.0, unit=" %")
    words = ask(
        """([look, values]) => {
          const colors = map.colorsBy(look, Uint16Array.from(values), Uint32Array.of(0, 1));
          return [map.wordsOf(colors, 0), map.wordsOf(colors, 1)];
        }""",
        [color.look, color.table["value"].to_pylist()],
    )
    assert words == ["not measured", "25 %"]
