// Draws the joint density on a canvas: bins in cividis, margins, quadrants, thresholds, box, pair.

import { shade } from "../../../../parts/cividis.js";
import { integer } from "../../../../parts/words.js";
import { BINS } from "./counts.js";

const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** Where things are, for a canvas of this width; the plot is a little wider than high. */
export function layout(width) {
  const small = width < 420;
  const [left, right, top, bottom] = small ? [46, 34, 34, 46] : [58, 56, 50, 50];
  const w = Math.max(160, width - left - right);
  const h = Math.round(Math.max(210, Math.min(w * 0.86, 430)));
  return {
    left, top, w, h, right, bottom, small,
    height: top + h + bottom,
    X: (v) => left + v * w,
    Y: (v) => top + (1 - v) * h,
    toX: (px) => Math.min(1, Math.max(0, (px - left) / w)),
    toY: (py) => Math.min(1, Math.max(0, 1 - (py - top) / h)),
  };
}

/** The bins as a small picture, one dot per bin, log color; drawn large afterwards. */
export function paintBins(grid, dark, canvas) {
  canvas.width = canvas.height = BINS;
  const context = canvas.getContext("2d");
  const image = context.createImageData(BINS, BINS);
  const most = grid.reduce((a, b) => (b > a ? b : a), 0);
  const colors = new Map();
  for (let r = 0; r < BINS; r++) {
    for (let c = 0; c < BINS; c++) {
      const n = grid[r * BINS + c];
      if (!n) continue;
      if (!colors.has(n)) colors.set(n, shade(most > 1 ? Math.log(n) / Math.log(most) : 1, dark));
      image.data.set([...colors.get(n), 255], 4 * ((BINS - 1 - r) * BINS + c));
    }
  }
  context.putImageData(image, 0, 0);
  return most;
}

/** Everything, once per frame. view: what is shown; see part.js. */
export function draw(context, place, view) {
  const { paper, ink, muted, grid } = view.colors;
  context.clearRect(0, 0, place.left + place.w + place.right, place.height);
  context.font = view.font;
  context.imageSmoothingEnabled = false;
  context.drawImage(view.bins, place.left, place.top, place.w, place.h);
  axes(context, place, view, { ink, muted, grid });
  margins(context, place, view);
  line(context, [[0, 0], [1, 1]], place, muted, [2, 4], 1);
  line(context, [[view.ct, 0], [view.ct, 1]], place, view.colors.teacher, [], 2.5);
  line(context, [[0, view.cs], [1, view.cs]], place, view.colors.student, [8, 4], 2.5);
  handles(context, place, view, paper);
  quadrants(context, place, view, { paper, ink });
  if (view.box) box(context, place, view.box, { paper, ink });
  if (view.hover >= 0) ring(context, place, view.at(view.hover), 5, { paper, ink });
  if (view.pair >= 0) target(context, place, view.at(view.pair), { paper, ink });
}

function axes(context, place, view, { ink, muted, grid }) {
  context.strokeStyle = grid;
  context.lineWidth = 1;
  context.strokeRect(place.left, place.top, place.w, place.h);
  context.fillStyle = muted;
  context.textBaseline = "top";
  for (const v of TICKS) {
    context.textAlign = "center";
    context.fillText(String(v), place.X(v), place.top + place.h + 11);
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(String(v), place.left - 11, place.Y(v));
    context.textBaseline = "top";
  }
  context.fillStyle = ink;
  context.textAlign = "center";
  context.fillText(`Teacher: P(relevant)${view.marks.teacher}`, place.left + place.w / 2, place.top + place.h + 29);
  context.save();
  context.translate(place.small ? 3 : 8, place.top + place.h / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(`Student: P(relevant)${view.marks.student}`, 0, 0);
  context.restore();
}

function margins(context, place, view) {
  const deep = place.small ? 22 : 36;
  const step = { x: place.w / BINS, y: place.h / BINS };
  const most = Math.max(1, ...view.across, ...view.up);
  const size = (n) => (n ? Math.max(1, deep * Math.sqrt(n / most)) : 0);
  context.globalAlpha = 0.75;
  context.fillStyle = view.colors.teacher;
  view.across.forEach((n, c) => {
    context.fillRect(place.left + c * step.x, place.top - 4 - size(n), step.x - 0.5, size(n));
  });
  context.fillStyle = view.colors.student;
  view.up.forEach((n, r) => {
    const y = place.top + place.h - (r + 1) * step.y;
    context.fillRect(place.left + place.w + 4, y, size(n), step.y - 0.5);
  });
  context.globalAlpha = 1;
}

function line(context, ends, place, style, dash, wide) {
  context.beginPath();
  ends.forEach(([x, y]) => context.lineTo(place.X(x), place.Y(y)));
  context.setLineDash(dash);
  context.strokeStyle = style;
  context.lineWidth = wide;
  context.stroke();
  context.setLineDash([]);
}

/** A disk at the foot of the teacher's line, a square at the end of the student's. */
function handles(context, place, view, paper) {
  context.lineWidth = 2;
  context.strokeStyle = paper;
  context.fillStyle = view.colors.teacher;
  context.beginPath();
  context.arc(place.X(view.ct), place.top + place.h, 8, 0, 7);
  context.fill();
  context.stroke();
  context.fillStyle = view.colors.student;
  const [x, y] = [place.left, place.Y(view.cs)];
  context.fillRect(x - 8, y - 8, 16, 16);
  context.strokeRect(x - 8, y - 8, 16, 16);
}

const QUADRANTS = ["both say no", "only student says yes", "only teacher says yes", "both say yes"];
const SHORT = ["both no", "only student yes", "only teacher yes", "both yes"];

function quadrants(context, place, view, { paper, ink }) {
  const total = view.quadrants.reduce((a, b) => a + b, 0);
  context.textBaseline = "middle";
  view.quadrants.forEach((n, q) => {
    const [high, wide] = [q & 1, q & 2];
    const name = place.small ? "" : ` ${(place.w < 440 ? SHORT : QUADRANTS)[q]}`;
    const share = total ? `${((100 * n) / total).toFixed(n && n < total / 100 ? 1 : 0)} %` : "–";
    const text = `${integer(n)} (${share})${name}`;
    context.textAlign = wide ? "right" : "left";
    const x = wide ? place.left + place.w - 10 : place.left + 14;
    const y = high ? place.top + 14 : place.top + place.h - 20;
    const width = context.measureText(text).width + 10;
    context.globalAlpha = 0.88;
    context.fillStyle = paper;
    context.fillRect(wide ? x - width + 5 : x - 5, y - 10, width, 20);
    context.globalAlpha = 1;
    context.fillStyle = ink;
    context.fillText(text, x, y);
  });
}

function box(context, place, [x0, x1, y0, y1], { paper, ink }) {
  const at = [place.X(x0), place.Y(y1), place.X(x1) - place.X(x0), place.Y(y0) - place.Y(y1)];
  context.lineWidth = 3;
  context.strokeStyle = paper;
  context.strokeRect(...at);
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.strokeStyle = ink;
  context.strokeRect(...at);
  context.setLineDash([]);
}

function ring(context, place, [x, y], radius, { paper, ink }) {
  for (const [style, wide] of [[paper, 4], [ink, 2]]) {
    context.beginPath();
    context.arc(place.X(x), place.Y(y), radius, 0, 7);
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.stroke();
  }
}

/** The primary pair: a ring with a cross-hair. */
function target(context, place, [x, y], { paper, ink }) {
  ring(context, place, [x, y], 8, { paper, ink });
  for (const [style, wide] of [[paper, 4], [ink, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(place.X(x) + 8 * dx, place.Y(y) + 8 * dy);
      context.lineTo(place.X(x) + 14 * dx, place.Y(y) + 14 * dy);
    }
    context.stroke();
  }
}
