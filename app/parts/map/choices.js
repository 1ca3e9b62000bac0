// What the visitor chose: taken from Python, changed by gestures, and sent back when a gesture ends. Rows are
// turned into ids and bits only here.

import { bounded, WHOLE } from "./camera.js";
import { inRanges } from "./find.js";
import { bitsOf, flags, FULL, rowOfId } from "./points.js";

const REST = 400; // ms after the last step of the camera until Python hears of it

/** The choices as Python reads them. */
export function choicesOf(part) {
  const { points, camera, data } = part;
  if (part.bitsOf !== part.selected) [part.bitsOf, part.bits] = [part.selected, bitsOf(part.selected, points)];
  const [x, y, side] = data.box;
  const view = camera.zoom === 1 ? [] : [x + camera.x * side, y + camera.y * side, camera.zoom];
  return {
    key: data.points,
    pinned: part.pinned < 0 ? -1 : points.ids[part.pinned],
    selected: part.bits,
    hidden: [...part.hidden],
    view,
    moment: part.moment,
    range: part.range ?? [],
  };
}

/** Python's values, unless newer ones of the visitor's are on their way to it. */
export function adopt(part) {
  const { data, points } = part;
  if (part.n < 0) part.n = data.seen;
  if (data.seen < part.n || part.busy) return;
  part.n = data.seen;
  const [x, y, side] = data.box;
  const [vx, vy, zoom] = data.view;
  part.pinned = rowOfId(points, data.pinned);
  if (part.selectedBits !== data.selected) {
    part.selectedBits = data.selected;
    part.selected = flags(data.selected, points);
  }
  part.hidden = new Set(data.hidden);
  part.camera = zoom ? bounded({ x: (vx - x) / side, y: (vy - y) / side, zoom }) : WHOLE;
  part.moment = data.moment < 0 ? Math.max(0, data.moments.length - 1) : data.moment;
  part.range = data.range.length === 2 ? data.range : null;
  part.lastSent = JSON.stringify(choicesOf(part));
}

function send(part) {
  clearTimeout(part.timer);
  part.busy = false;
  if (!part.points) return;
  const message = choicesOf(part);
  const text = JSON.stringify(message);
  if (text === part.lastSent) return;
  part.lastSent = text;
  part.selectedBits = message.selected;
  part.n += 1;
  part.setStateValue("choice", { ...message, n: part.n });
}

function settle(part) {
  part.busy = true;
  clearTimeout(part.timer);
  part.timer = setTimeout(() => send(part), REST);
}

/** The changes that controls and gestures make, as methods of a part. */
export const ACTS = {
  /** Look elsewhere; the end of it is sent after a rest, or at the end of a gesture. */
  look(camera, isOver = true) {
    this.camera = camera;
    this.busy = true;
    this.redraw();
    if (isOver) settle(this);
  },
  rest() {
    settle(this);
  },
  /** The point in hand, or -1; at: where the pointer is. */
  point(row, at = null) {
    if (row === this.hover && !at) return;
    this.hover = row;
    this.pointer = at;
    this.ask();
  },
  /** The camera goes to a row that is out of sight. */
  show(row) {
    const [x, y] = [this.at[0].x[row] / FULL, this.at[0].y[row] / FULL];
    const { left, top, w, h, X, Y } = this.places[0];
    const isSeen = X(x) > left && X(x) < left + w && Y(y) > top && Y(y) < top + h;
    if (!isSeen) this.look(bounded({ ...this.camera, x, y }));
  },
  pin(row) {
    this.pinned = row;
    this.ask();
    send(this);
  },
  /** New selection, one byte per row; null for none. */
  select(rows) {
    this.selected = rows;
    this.redraw();
    send(this);
  },
  /** Select the points of a box in map units, unless it holds none; returns their number. */
  selectRanges([x0, x1, y0, y1], side) {
    const [x, y, width] = this.data.box;
    const wire = (value, start) => ((value - start) / width) * FULL;
    const ends = [[wire(x0, x), wire(x1, x)], [wire(y0, y), wire(y1, y)]];
    const ranges = ends.flatMap((pair) => [Math.min(...pair) - 0.5, Math.max(...pair) + 0.5]);
    const rows = new Uint8Array(this.points.n);
    const count = inRanges(this.at[side], this.levels, ranges, rows);
    if (count) this.select(rows);
    return count;
  },
  clear() {
    this.select(null);
  },
  /** Only points whose number lies in [low, high] stay in color; null for all. */
  limit(range) {
    this.range = range;
    this.redraw();
    send(this);
  },
  /** Switch a class off or on. */
  press(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.redraw();
    send(this);
  },
  goTo(moment, isOver = true) {
    this.moment = moment;
    this.busy = true;
    this.redraw();
    if (isOver) send(this);
  },
  /** What a drag does from now on: pan or lasso. */
  take(tool) {
    this.tool = tool;
    this.ask();
  },
};
