// A cloud of points as pixels (0xAABBGGRR): where many lie on one place, how many, by cell; else each point as
// a small shape of its class. One pass over typed arrays, no canvas and no DOM.
//
// A point's level says how it is seen: 0 not at all, 1 pale and out of reach (it does not pass a filter),
// 2 pale but pickable (outside the selection), 3 in its color.

import { FULL, NO_CLASS } from "./points.js";

export const CELL = 2; // px of a cell of the density
const WIDE = 8; // px of the widest, for few points
export const SHOWN = 3;
const CROWDED = 16; // px² per point under which the density is drawn
const CODES = 256;
const STEPS = 24; // strengths of a color in the density
const LEAST = 0.45; // strength of one point of a class, of 1
export const LEAST_NUMBER = 0.75; // and of one with a number, whose color says more than its strength
const SHAPES = [
  (u, v) => u * u + v * v <= 1,
  (u, v) => Math.max(Math.abs(u), Math.abs(v)) <= 0.84,
  (u, v) => Math.abs(u) + Math.abs(v) <= 1.2,
  (u, v) => v <= 0.8 && v >= -1.05 && Math.abs(u) <= (v + 1.05) * 0.6,
  (u, v) => Math.min(Math.abs(u), Math.abs(v)) <= 0.38 && Math.max(Math.abs(u), Math.abs(v)) <= 1.1,
  (u, v) => v >= -0.8 && v <= 1.05 && Math.abs(u) <= (1.05 - v) * 0.6,
];

/** A color [r, g, b] as a pixel. */
export function pixel([r, g, b]) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/**
 * How n points, of which `seen` are in sight, are drawn on a pane: as density in cells of so many px or as points,
 * and the radius of a point, px.
 */
export function styleOf(n, { w, h }, zoom, isDensity = false, seen = n) {
  const room = (w * h * zoom * zoom) / Math.max(n, 1);
  const cell = Math.min(WIDE, Math.max(CELL, Math.round(Math.sqrt(room))));
  if (Math.min(room, (w * h) / Math.max(seen, 1)) < CROWDED) return { isDensity: true, cell: CELL };
  return { isDensity, cell, radius: Math.min(4.5, Math.max(1.3, 0.3 * Math.sqrt(room))) };
}

/**
 * Pixels of each code (0..255) at each strength, of points and of pale ones. rgb: by code; paper: [r, g, b];
 * least: strength of one point; scale(share): colors of strength itself, where no code has its own, or null.
 */
export function inksOf(rgb, paper, muted, least = LEAST, scale = null) {
  const mix = (color, share) => pixel(color.map((c, k) => Math.round(paper[k] + (c - paper[k]) * share)));
  const strength = (step) => least + ((1 - least) * step) / (STEPS - 1);
  const steps = Array.from({ length: STEPS }, (_, step) => strength(step));
  return {
    paper: pixel(paper),
    palette: Uint32Array.from(rgb, pixel),
    tints: Uint32Array.from(rgb.flatMap((color) => steps.map((share, step) =>
      scale ? pixel(scale(step / (STEPS - 1))) : mix(color, share)))),
    pale: mix(muted, 0.3),
    pales: Uint32Array.from(steps, (_, step) => mix(muted, 0.16 + (0.2 * step) / (STEPS - 1))),
  };
}

/** Cells of a pane of so many px, to count in; they fill it, so a cell may be a little smaller than asked. */
export function cellsOf(w, h, cell = CELL) {
  const [across, up] = [Math.ceil(w / cell), Math.ceil(h / cell)];
  const size = across * up;
  const counts = () => new Uint32Array(size);
  return { across, up, wide: w / across, high: h / up, full: counts(), pale: counts(), code: counts() };
}

/**
 * Count the points of each cell. A cell has the code of that of its points which the shuffled order puts last:
 * classes show in proportion and no color is mixed; of numbers it has their mean. grid: the points cell by cell, of
 * which only the stretches `within` are counted; null for all points by row.
 */
export function countCells(cells, points, place, isNumber, grid = null, within = [[0, points.x.length]]) {
  const { across, up, wide, high, full, pale, code } = cells;
  const { x, y, levels, codes } = grid ?? points;
  for (const counts of [full, pale, code]) counts.fill(0);
  const [unitX, unitY] = [place.scale / FULL / wide, place.scale / FULL / high];
  const left = (place.X(0) - place.left) / wide;
  const top = (place.Y(0) - place.top) / high;
  for (const [from, to] of within) {
    for (let at = from; at < to; at++) {
      const level = levels[at];
      const a = left + x[at] * unitX;
      const b = top - y[at] * unitY;
      if (!level || !(a >= 0 && a < across && b >= 0 && b < up)) continue;
      const cell = Math.floor(b) * across + Math.floor(a);
      if (level < SHOWN || (isNumber && codes[at] === NO_CLASS)) pale[cell]++;
      else {
        full[cell]++;
        if (isNumber) code[cell] += codes[at];
        else code[cell] = Math.max(code[cell], (grid ? grid.rows[at] : at) * CODES + codes[at]);
      }
    }
  }
  if (!isNumber) for (let cell = 0; cell < code.length; cell++) code[cell] %= CODES;
}

/** The counted cells as pixels, one per cell; strength is the log of the count. Returns the most in a cell. */
export function colorCells({ full, pale, code }, inks, isNumber, pixels) {
  let most = 1;
  for (let cell = 0; cell < full.length; cell++) {
    if (full[cell] > most) most = full[cell];
    if (pale[cell] > most) most = pale[cell];
  }
  const steps = stepsUpTo(most);
  for (let cell = 0; cell < full.length; cell++) {
    const n = full[cell];
    if (n) {
      const of = isNumber ? Math.round(code[cell] / n) : code[cell];
      pixels[cell] = inks.tints[of * STEPS + steps(n)];
    } else pixels[cell] = pale[cell] ? inks.pales[steps(pale[cell])] : inks.paper;
  }
  return most;
}

const TABLE = 4096; // counts whose step is looked up

function stepsUpTo(most) {
  const unit = most > 1 ? (STEPS - 1) / Math.log(most) : 0;
  const stepOf = (n) => (most > 1 ? Math.round(Math.log(n) * unit) : STEPS - 1);
  const table = Uint8Array.from({ length: Math.min(most + 1, TABLE) }, (_, n) => (n ? stepOf(n) : 0));
  return (n) => (n < table.length ? table[n] : stepOf(n));
}

/** A shape of this radius (px) as places around its middle: the first `whole` are covered, the rest half. */
export function stampOf(shape, radius) {
  const isInside = SHAPES[shape % SHAPES.length];
  const reach = Math.ceil(radius * 1.1);
  const [whole, half] = [[], []];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      let covered = 0;
      for (let part = 0; part < 16; part++) {
        const [u, v] = [dx + ((part & 3) - 1.5) / 4, dy + ((part >> 2) - 1.5) / 4];
        if (isInside(u / radius, v / radius)) covered++;
      }
      if (covered >= 11) whole.push([dx, dy]);
      else if (covered >= 4) half.push([dx, dy]);
    }
  }
  const all = whole.length ? [...whole, ...half] : [[0, 0]];
  return {
    dx: Int32Array.from(all, ([dx]) => dx), dy: Int32Array.from(all, ([, dy]) => dy),
    whole: Math.max(1, whole.length), reach,
  };
}

export const SHAPE_COUNT = SHAPES.length;

/** The outline of a shape around (0, 0) as [x, y] places, for a legend. */
export function outlineOf(shape, radius) {
  const around = (n, turn) => Array.from({ length: n }, (_, at) => [
    radius * Math.sin((2 * Math.PI * at) / n + turn), -radius * Math.cos((2 * Math.PI * at) / n + turn)]);
  const arm = radius * 0.38;
  const long = radius * 1.1;
  return [
    () => around(24, 0), () => around(4, Math.PI / 4), () => around(4, 0), () => around(3, 0),
    () => [[-arm, -long], [arm, -long], [arm, -arm], [long, -arm], [long, arm], [arm, arm], [arm, long],
      [-arm, long], [-arm, arm], [-long, arm], [-long, -arm], [-arm, -arm]],
    () => around(3, Math.PI),
  ][shape % SHAPES.length]();
}

/**
 * Draw each point, pale ones (if any) first. pixels: w * h; stamps: by code; place: in px of these pixels; rows:
 * those that are drawn, ascending; null for all.
 */
export function drawPoints(pixels, w, h, { x, y }, levels, codes, place, stamps, inks, hasPale = true, rows = null) {
  pixels.fill(inks.paper);
  const unit = place.scale / FULL;
  const [left, top] = [place.X(0) - place.left, place.Y(0) - place.top];
  const most = Math.max(...stamps.map(({ reach }) => reach));
  const n = rows ? rows.length : x.length;
  for (const isFull of hasPale ? [false, true] : [true]) {
    for (let at = 0; at < n; at++) {
      const row = rows ? rows[at] : at;
      const level = levels[row];
      const px = Math.floor(left + x[row] * unit);
      const py = Math.floor(top - y[row] * unit);
      if (px < -most || py < -most || px >= w + most || py >= h + most) continue;
      if (!level || level === SHOWN !== isFull) continue;
      const stamp = stamps[codes[row]];
      const { reach } = stamp;
      const color = isFull ? inks.palette[codes[row]] : inks.pale;
      const isWhole = px >= reach && py >= reach && px < w - reach && py < h - reach;
      put(pixels, w, h, px, py, stamp, color, isWhole);
    }
  }
}

function put(pixels, w, h, px, py, { dx, dy, whole }, color, isWhole) {
  for (let at = 0; at < dx.length; at++) {
    const a = px + dx[at];
    const b = py + dy[at];
    if (!isWhole && (a < 0 || b < 0 || a >= w || b >= h)) continue;
    const place = b * w + a;
    // the mean of two pixels, byte by byte
    pixels[place] = at < whole ? color : (((pixels[place] ^ color) & 0xfefefefe) >>> 1) + (pixels[place] & color);
  }
}
