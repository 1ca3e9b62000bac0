// The points of a map by cell of a grid, so that what is near a place, or in sight, needs no look at all of them.
// Places are in wire units (0..65535). No DOM.

import { FULL } from "./points.js";

const CELLS = 256; // each way
const SIZE = (FULL + 1) / CELLS;

/**
 * The points cell by cell, in each by row: those of cell c are at start[c] up to start[c + 1] - 1 of rows, x and y.
 * Near points lie side by side in memory, which is what makes a view of a few of very many fast.
 */
export function gridOf({ x, y }) {
  const n = x.length;
  const start = new Uint32Array(CELLS * CELLS + 1);
  const cellOf = (row) => Math.floor(y[row] / SIZE) * CELLS + Math.floor(x[row] / SIZE);
  for (let row = 0; row < n; row++) start[cellOf(row) + 1]++;
  for (let cell = 0; cell < CELLS * CELLS; cell++) start[cell + 1] += start[cell];
  const next = start.slice();
  const [rows, xs, ys] = [new Uint32Array(n), new Uint16Array(n), new Uint16Array(n)];
  for (let row = 0; row < n; row++) {
    const at = next[cellOf(row)]++;
    rows[at] = row;
    xs[at] = x[row];
    ys[at] = y[row];
  }
  return { start, rows, x: xs, y: ys, levels: new Uint8Array(n), codes: new Uint8Array(n) };
}

/** Levels and codes of the points, by row, into the grid's own order. */
export function dress(grid, levels, codes) {
  for (let at = 0; at < grid.rows.length; at++) {
    const row = grid.rows[at];
    grid.levels[at] = levels[row];
    grid.codes[at] = codes[row];
  }
}

/** Stretches [from, to) of the grid's rows that hold each point of a box, and some around it. */
export function stretches({ start }, x0, x1, y0, y1) {
  const [left, right, low, high] = [x0, x1, y0, y1].map((value) =>
    Math.min(CELLS - 1, Math.max(0, Math.floor(value / SIZE))));
  const found = [];
  for (let line = low * CELLS; line <= high * CELLS; line += CELLS) {
    found.push([start[line + left], start[line + right + 1]]);
  }
  return found;
}

/** The stretches of the points on a pane and up to `reach` px around it. */
export function inSight(grid, { left, top, w, h, toX, toY }, reach = 0) {
  const ends = [toX(left - reach), toX(left + w + reach), toY(top + h + reach), toY(top - reach)];
  return stretches(grid, ...ends.map((end) => end * FULL));
}

/** How many points of a dressed grid are on a pane and seen at all. */
export function countSeen(grid, place) {
  const { x, y, levels } = grid;
  const { left, top, w, h, toX, toY } = place;
  const [x0, x1, y0, y1] = [toX(left), toX(left + w), toY(top + h), toY(top)].map((end) => end * FULL);
  let n = 0;
  for (const [from, to] of inSight(grid, place)) {
    for (let at = from; at < to; at++) {
      if (levels[at] && x[at] >= x0 && x[at] <= x1 && y[at] >= y0 && y[at] <= y1) n++;
    }
  }
  return n;
}

/** The rows of some stretches, ascending. */
export function rowsOf({ rows }, within) {
  const found = new Uint32Array(within.reduce((n, [from, to]) => n + to - from, 0));
  let n = 0;
  for (const [from, to] of within) {
    found.set(rows.subarray(from, to), n);
    n += to - from;
  }
  return found.sort();
}
