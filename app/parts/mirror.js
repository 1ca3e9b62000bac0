// Two histograms back to back on one axis: the first upwards, the second downwards. The height of
// a bin is the square root of its share. Both sides share one scale, which ends at the least of a
// few round shares that holds every bin; or at 100 %, so that pictures at several T compare.

import { colorsOf, fit, fontOf } from "./draw.js";
import { clamp } from "./maths.js";
import { integer } from "./words.js";

const LEFT = 34;
const RIGHT = 10;
const FOOT = 34;
const SCALES = [[0.05, [0.005, 0.02, 0.05]], [0.1, [0.01, 0.05, 0.1]], [0.2, [0.01, 0.05, 0.2]],
  [0.5, [0.02, 0.1, 0.5]], [1, [0.01, 0.1, 0.5]]]; // the share at the end, the shares named

/** The plan of an axis of probabilities, 0 to 1. */
export function probabilityAxis(label, same) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((value) => [value, `${value}`]);
  return { low: 0, high: 1, ticks, label, same };
}

/** Give a part the colors of the theme, now and whenever its canvas is drawn anew to be saved. */
export function useCanvas(part, root, paint) {
  part.colors = colorsOf(root);
  part.canvas.redraw = () => {
    part.colors = colorsOf(root);
    paint(part);
  };
}

/** Show the counts of the bin under the pointer in part.read, and part.note when the pointer leaves. */
export function readBins(part, unit = "") {
  part.canvas.onpointermove = ({ offsetX }) => {
    const { scene, read } = part;
    const text = scene && binText(scene, offsetX, unit);
    if (text) read.textContent = text;
  };
  part.canvas.onpointerleave = () => (part.read.textContent = part.note);
}

function binText(scene, x, unit) {
  const { low, high, up, down } = scene;
  const bins = up.counts.length;
  const [start, end] = [across(scene, low), across(scene, high)];
  const bin = Math.floor(((x - start) / (end - start)) * bins);
  if (bin < 0 || bin >= bins || !up.n) return "";
  const edge = (at) => (low + ((high - low) * at) / bins).toFixed(2);
  const pairs = (side) => `${side.role} ${integer(side.counts[bin])} pairs`;
  return `${edge(bin)} to ${edge(bin + 1)}${unit}: ${pairs(up)}, ${pairs(down)}.`;
}

/** Pixels of a value on the axis. */
function across(plan, value) {
  return LEFT + ((value - plan.low) / (plan.high - plan.low)) * (plan.width - LEFT - RIGHT);
}

/**
 * Draw them. plan: {low, high, ticks: [[value, text]], label, same: whether the
 * scale ends at 100 % whatever the bins}; up and down:
 * {counts, n, role, mark: value of this pair or NaN}; line: the same drawn dotted over `down`.
 */
export function mirrored(canvas, height, colors, plan, up, down, line = null) {
  const [context, width] = fit(canvas, height);
  const [top, named] = scaleOf(plan, [up, down, line]);
  const half = (height - FOOT) / 2;
  const scene = { ...plan, up, down, top, named, width, height, middle: half + 2, reach: half - 12 };
  context.clearRect(0, 0, width, height);
  context.font = fontOf(canvas, 12);
  frame(context, scene, colors);
  if (up) steps(context, scene, up, -1, colors);
  if (down) steps(context, scene, down, 1, colors);
  if (line) steps(context, scene, line, 1, colors, true);
  if (up) mark(context, scene, up, -1, colors);
  if (down) mark(context, scene, down, 1, colors);
  return scene;
}

function scaleOf(plan, sides) {
  const shares = sides.filter((side) => side?.n).flatMap(({ counts, n }) => Array.from(counts, (count) => count / n));
  const most = shares.reduce((a, b) => Math.max(a, b), 0);
  return SCALES.find(([end]) => !plan.same && end >= most) ?? SCALES.at(-1);
}

/** How far from the middle a bin of this share reaches. */
function rise(scene, share) {
  return scene.reach * Math.sqrt(share / scene.top);
}

function frame(context, scene, colors) {
  const { width, height, middle, reach } = scene;
  context.strokeStyle = colors.grid;
  context.fillStyle = colors.muted;
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const part of scene.named) {
    for (const way of [-1, 1]) {
      const y = Math.round(middle + way * rise(scene, part)) + 0.5;
      rule(context, LEFT, y, width - RIGHT, y);
      context.fillText(`${Number((part * 100).toPrecision(2))} %`, LEFT - 4, y);
    }
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const [value, text] of scene.ticks) {
    const x = across(scene, value);
    rule(context, x, middle - reach, x, middle + reach + 6);
    context.fillText(text, clamp(x, 14, width - 14), height - FOOT + 6);
  }
  context.fillText(scene.label, (LEFT + width - RIGHT) / 2, height - 14);
  context.strokeStyle = colors.text;
  rule(context, LEFT, middle, width - RIGHT, middle);
}

function rule(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function steps(context, scene, side, way, colors, dotted = false) {
  const { counts, n } = side;
  const bin = (scene.high - scene.low) / counts.length;
  context.beginPath();
  context.moveTo(LEFT, scene.middle);
  for (let k = 0; k < counts.length; k++) {
    const y = scene.middle + way * rise(scene, n ? counts[k] / n : 0);
    context.lineTo(across(scene, scene.low + k * bin), y);
    context.lineTo(across(scene, scene.low + (k + 1) * bin), y);
  }
  context.lineTo(scene.width - RIGHT, scene.middle);
  context.strokeStyle = context.fillStyle = colors[side.role];
  context.lineWidth = 1.5;
  if (dotted) {
    context.setLineDash([2, 3]);
  } else {
    context.globalAlpha = 0.38;
    context.fill();
    context.globalAlpha = 1;
  }
  context.stroke();
  context.setLineDash([]);
}

/** This pair: a needle with a round head for the upper, a square one for the lower. */
function mark(context, scene, side, way, colors) {
  if (!Number.isFinite(side.mark)) return;
  const x = across(scene, side.mark);
  const y = scene.middle + way * (scene.reach - 4);
  context.strokeStyle = context.fillStyle = colors.text;
  context.lineWidth = 2;
  rule(context, x, scene.middle, x, y);
  context.beginPath();
  if (way < 0) context.arc(x, y, 5.5, 0, 2 * Math.PI);
  else context.rect(x - 5, y - 5, 10, 10);
  context.fillStyle = colors[side.role];
  context.fill();
  context.stroke();
}
