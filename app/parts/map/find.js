// Which points are meant: the nearest to a place, those in a lasso or between typed numbers, the next one in a
// direction. Coordinates of points are wire units (0..65535). No DOM.

import { stretches } from "./grid.js";
import { FULL } from "./points.js";

export const PICKABLE = 2; // level of a point from which it can be taken; see cloud.js

/** The pickable point nearest to (px, py) within `reach`, all in wire units; -1 when there is none. */
export function nearest({ x, y }, grid, levels, px, py, reach) {
  let best = -1;
  let least = reach * reach;
  for (const [from, to] of stretches(grid, px - reach, px + reach, py - reach, py + reach)) {
    for (let at = from; at < to; at++) {
      const row = grid.rows[at];
      if (levels[row] < PICKABLE) continue;
      const far = (x[row] - px) ** 2 + (y[row] - py) ** 2;
      if (far < least || (far === least && row > best)) [best, least] = [row, far];
    }
  }
  return best;
}

/** The pickable point to go to from (px, py) by an arrow (dx, dy): near, and not far off the way. */
export function nextPoint({ x, y }, levels, px, py, dx, dy, start) {
  let best = -1;
  let least = Infinity;
  for (let row = 0; row < x.length; row++) {
    if (levels[row] < PICKABLE || row === start) continue;
    const along = (x[row] - px) * dx + (y[row] - py) * dy;
    const aside = Math.abs((x[row] - px) * dy - (y[row] - py) * dx);
    if (along <= 0 || aside > along) continue;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [row, cost];
  }
  return best;
}

/** The inside of a closed line [[x, y], ...] in px, even-odd, as one byte per px of a w x h pane. */
export function lassoMask(line, w, h) {
  const mask = new Uint8Array(w * h);
  const crossings = [];
  for (let row = 0; row < h; row++) {
    const y = row + 0.5;
    crossings.length = 0;
    for (let at = 0, before = line.length - 1; at < line.length; before = at++) {
      const [[x0, y0], [x1, y1]] = [line[before], line[at]];
      if (y0 > y !== y1 > y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let at = 0; at + 1 < crossings.length; at += 2) {
      const from = Math.max(0, Math.ceil(crossings[at] - 0.5));
      const to = Math.min(w, Math.ceil(crossings[at + 1] - 0.5));
      if (to > from) mask.fill(1, row * w + from, row * w + to);
    }
  }
  return mask;
}

/** Pickable points whose px of the pane is in the mask, one byte per row, into `out`. Returns their number. */
export function inMask({ x, y }, levels, place, mask, out) {
  const unit = place.scale / FULL;
  const [left, top] = [place.X(0) - place.left, place.Y(0) - place.top];
  const { w, h } = place;
  let count = 0;
  for (let row = 0; row < x.length; row++) {
    out[row] = 0;
    if (levels[row] < PICKABLE) continue;
    const px = Math.floor(left + x[row] * unit);
    const py = Math.floor(top - y[row] * unit);
    if (px < 0 || py < 0 || px >= w || py >= h || !mask[py * w + px]) continue;
    out[row] = 1;
    count++;
  }
  return count;
}

/** Pickable points within [x0, x1, y0, y1] in wire units, edges included, into `out`. Returns their number. */
export function inRanges({ x, y }, levels, [x0, x1, y0, y1], out) {
  let count = 0;
  for (let row = 0; row < x.length; row++) {
    const within = levels[row] >= PICKABLE && x[row] >= x0 && x[row] <= x1 && y[row] >= y0 && y[row] <= y1;
    out[row] = within ? 1 : 0;
    count += out[row];
  }
  return count;
}
