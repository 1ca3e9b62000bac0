// Draws the plane on a canvas: the landscape, the marks of the models, ways down and the arrows.

import { fit, fontOf } from "../../../../parts/draw.js";
import { roleOf } from "../../../../parts/losses.js";
import { clamp } from "../../../../parts/maths.js";
import { centeredText, circle, diamond, disk, hollow, ring, stroke } from "./shapes.js";
import { letter } from "./subject.js";

const USUAL = 0.2; // length of the arrow of a steep slope, of the plane's side
const LONGEST = 0.55;
const TICKS = 6;
const OF_WINDOW = 0.42; // of the window's height: the steps under the plane stay in sight
const RIM = 13; // px from the middle of the student's square to where its arrows begin

/** Where things are on a canvas of this width, in a window so `tall`: a square plane, so that directions are true. */
export function layout(width, tall, [[left, right], [bottom, top]]) {
  const [pad, foot, head] = [width < 420 ? 40 : 54, 42, 10];
  const side = Math.max(180, Math.min(width - pad - 12, clamp(OF_WINDOW * tall, 280, 520)));
  const span = right - left;
  return {
    left: pad, top: head, side, height: head + side + foot, width, unit: side / span, span,
    X: (value) => pad + ((value - left) / span) * side,
    Y: (value) => head + (1 - (value - bottom) / (top - bottom)) * side,
    toX: (px) => left + ((px - pad) / side) * span,
    toY: (py) => bottom + (1 - (py - head) / side) * (top - bottom),
  };
}

/** Everything, once per frame. */
export function draw(part, view, place) {
  const [context] = fit(part.canvas, place.height);
  const { colors } = part;
  context.clearRect(0, 0, place.width, place.height);
  place.labels = [];
  context.font = fontOf(part.root, 13);
  if (view.land) {
    context.imageSmoothingEnabled = true;
    context.drawImage(part.shade, place.left, place.top, place.side, place.side);
    lines(context, view.land, view.bottom, place, colors);
  }
  axes(context, view, place, colors);
  if (view.subject.view === "vectors") vectors(context, view, place, colors);
  else marks(context, view, place, colors);
  ways(context, view, place, colors);
  arrows(context, view, place, colors);
  ends(context, view, place, colors);
  handles(context, view, place, colors);
  part.canvas.setAttribute("aria-label", part.finding.textContent || "Teacher and student; no loss is drawn");
}

/** How long a gradient of length 1 is drawn, in px: 1, 2 or 5 times a power of ten. */
export function arrowScale(view, place) {
  const wish = (USUAL * place.side) / (view.land?.slope || 1);
  const power = 10 ** Math.floor(Math.log10(wish));
  return [5, 2, 1].map((step) => step * power).find((scale) => scale <= wish) ?? power;
}

function lines(context, { lines: levels }, at, place, { muted, text }) {
  context.lineWidth = 1;
  context.strokeStyle = muted;
  context.globalAlpha = 0.65;
  const [X, Y] = [(v) => place.left + v * place.side, (v) => place.top + (1 - v) * place.side];
  for (const pieces of levels) {
    context.beginPath();
    for (let k = 0; k < pieces.length; k += 4) {
      context.moveTo(X(pieces[k]), Y(pieces[k + 1]));
      context.lineTo(X(pieces[k + 2]), Y(pieces[k + 3]));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  const [x, y] = inside(place, [place.X(at[0]), place.Y(at[1])], 8);
  stroke(context, [[[x - 6, y - 6], [x + 6, y + 6]], [[x - 6, y + 6], [x + 6, y - 6]]], text, 2);
}

function axes(context, { subject, axes: [i, j], range }, place, { grid, muted, text }) {
  const { left, top, side } = place;
  context.strokeStyle = grid;
  context.lineWidth = 1;
  context.strokeRect(left, top, side, side);
  const step = stepOf(place.span / TICKS);
  context.fillStyle = muted;
  for (const [by, [from, to]] of range.entries()) {
    for (let tick = Math.ceil(from / step) * step; tick <= to + 1e-9; tick += step) {
      const words = `${Number(tick.toFixed(4))}`.replace("-", "−");
      context.textAlign = by ? "right" : "center";
      context.textBaseline = by ? "middle" : "top";
      if (by) context.fillText(words, left - 6, place.Y(tick));
      else context.fillText(words, place.X(tick), top + side + 6);
    }
  }
  const isVectors = subject.view === "vectors";
  const unit = subject.view === "ads" ? "log-odds of" : "logit of";
  const nameOf = (at, which) => (isVectors ? `${which} dimension of the vectors` : `${unit} ${subject.labels[at]}`);
  context.fillStyle = text;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(nameOf(i, "first"), left + side / 2, top + side + 24);
  context.save();
  context.translate(left < 50 ? 1 : 6, top + side / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(nameOf(j, "second"), 0, 0);
  context.restore();
}

/** 1, 2 or 5 times a power of ten, at least as long as wished. */
export function stepOf(wish) {
  const power = 10 ** Math.floor(Math.log10(wish));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= wish * 0.999);
}

/** The models' own places on the axes; on two grades also the line of the teacher's probabilities. */
function marks(context, view, place, colors) {
  const { subject, axes: [i, j] } = view;
  const at = (x) => [place.X(x[i]), place.Y(x[j])];
  const [x, y] = at(subject.teacher);
  if (subject.view === "ads" || subject.teacher.length === 2) {
    const [right, bottom] = [place.left + place.side, place.top + place.side];
    const [down, up] = [Math.min(x - place.left, bottom - y), Math.min(right - x, y - place.top)];
    context.setLineDash([2, 5]);
    stroke(context, [[[x - down, y + down], [x + up, y - up]]], colors.teacher, 1.5);
    context.setLineDash([]);
    const [side, far] = down > up ? [-1, down] : [1, up];
    name(context, place, [x + side * 0.7 * far, y - side * 0.7 * far], "teacher's difference", colors);
  }
  if (subject.twin && isOn(place, at(subject.twin))) {
    diamond(context, at(subject.twin), colors.twin, colors.background);
    name(context, place, at(subject.twin), "twin", colors);
  }
  disk(context, [x, y], 8, colors.teacher, colors.background);
  name(context, place, [x, y], "teacher", colors);
  if (!view.isOwn || view.now.lsteps) {
    hollow(context, at(subject.own), colors.student, colors.background);
    name(context, place, at(subject.own), view.isOwn ? "start" : "trained student", colors, -26);
  }
}

/** Letters on the teacher's points, rings where a term compares others, the student, lines between like points. */
function vectors(context, view, place, colors) {
  const { subject, x, compared } = view;
  for (let point = 0; point < subject.points; point++) {
    const at = (values) => [place.X(values[2 * point]), place.Y(values[2 * point + 1])];
    context.setLineDash([3, 4]);
    stroke(context, [[at(x), at(subject.teacher)]], colors.muted, 1);
    context.setLineDash([]);
    if (!view.isOwn || view.now.lsteps) hollow(context, at(subject.own), colors.student, colors.background);
    if (compared) ring(context, at(compared), 13, colors.teacher, colors.background);
    disk(context, at(subject.teacher), 10, colors.teacher, colors.background);
    centeredText(context, letter(point), at(subject.teacher), colors.background);
  }
}

/** The ways that were gone: A's drawn out, B's dashed, with the letter at the end. */
function ways(context, view, place, colors) {
  const pairs = view.subject.view === "vectors" ? view.subject.points : 1;
  for (const name of view.names) {
    const path = view.runs[name].path.slice(0, view.now.lsteps + 1);
    if (path.length < 2) continue;
    for (let point = 0; point < pairs; point++) {
      const [i, j] = pairs > 1 ? [2 * point, 2 * point + 1] : view.axes;
      const visible = cut(place, path.map((x) => [place.X(x[i]), place.Y(x[j])]));
      context.setLineDash(name === "b" ? [5, 4] : []);
      stroke(context, visible, colors.background, 5);
      stroke(context, visible, colors.student, 2.5);
      context.setLineDash([]);
      context.fillStyle = colors.student;
      for (const [x, y] of visible.flatMap(sparse)) circle(context, x, y, 2.5);
    }
  }
}

/** Where the objective that is not drawn has come to; beside the student where both have come to one place. */
function ends(context, view, place, colors) {
  const pairs = view.subject.view === "vectors" ? view.subject.points : 1;
  for (const name of view.names.filter((each) => each !== view.shown && view.now.lsteps)) {
    for (let point = 0; point < pairs; point++) {
      const [i, j] = pairs > 1 ? [2 * point, 2 * point + 1] : view.axes;
      const at = inside(place, [place.X(view.here[name][i]), place.Y(view.here[name][j])]);
      const [x, y] = inside(place, [place.X(view.x[i]), place.Y(view.x[j])]);
      if (Math.hypot(at[0] - x, at[1] - y) < 20) at[0] = x + (x + 34 < place.left + place.side ? 22 : -22);
      disk(context, at, 9, colors.student, colors.background);
      centeredText(context, name.toUpperCase(), at, colors.background);
    }
  }
}

/** The stretches of a way that lie on the plane. */
function cut(place, way) {
  const stretches = [[]];
  for (const [x, y] of way) {
    if (isOn(place, [x, y])) stretches.at(-1).push([x, y]);
    else if (stretches.at(-1).length) stretches.push([]);
  }
  return stretches.filter((stretch) => stretch.length);
}

/** Places at least 7 px apart, so that dots of many small steps stay dots. */
function sparse(places) {
  let last = places[0];
  return places.filter((here) => {
    if (Math.hypot(here[0] - last[0], here[1] - last[1]) < 7) return false;
    last = here;
    return true;
  });
}

/** What each term asks for, and all together, where the student stands. */
function arrows(context, view, place, colors) {
  const scale = arrowScale(view, place);
  const pairs = view.subject.view === "vectors" ? view.subject.points : 1;
  for (let point = 0; point < pairs; point++) {
    const [i, j] = pairs > 1 ? [2 * point, 2 * point + 1] : view.axes;
    const from = inside(place, [place.X(view.x[i]), place.Y(view.x[j])]);
    const ways = view.slopes.map(({ slope }) => [-slope[i] * scale, slope[j] * scale]);
    const sum = [0, 1].map((by) => ways.reduce((total, way) => total + way[by], 0));
    if (ways.length > 1) arrow(context, place, from, sum, colors.text, colors, 6, "");
    view.slopes.forEach(({ at }, k) => {
      arrow(context, place, from, ways[k], colors[roleOf(at)], colors, 2.5, ways.length > 1 ? `${at + 1}` : "");
    });
  }
}

function arrow(context, place, from, way, ink, { background }, wide, words) {
  const length = Math.hypot(...way);
  if (length < 3) return;
  const part = Math.min(length, LONGEST * place.side);
  const [dx, dy] = [(way[0] / length) * part, (way[1] / length) * part];
  const rim = [from[0] + (dx / part) * RIM, from[1] + (dy / part) * RIM];
  const to = [rim[0] + dx, rim[1] + dy];
  const tip = (turn) => {
    const angle = Math.atan2(dy, dx) + turn;
    return [to[0] - 11 * Math.cos(angle), to[1] - 11 * Math.sin(angle)];
  };
  const shape = [[rim, to], [tip(0.45), to, tip(-0.45)]];
  stroke(context, shape, background, wide + 2);
  stroke(context, shape, ink, wide);
  if (!words) return;
  const label = [to[0] + (dx / part) * 13, to[1] + (dy / part) * 13];
  disk(context, label, 8.5, ink, background);
  centeredText(context, words, label, background);
}

/** The student where it stands now: what can be taken. */
function handles(context, view, place, colors) {
  const isVectors = view.subject.view === "vectors";
  for (let point = 0; point < view.subject.points; point++) {
    const [i, j] = isVectors ? [2 * point, 2 * point + 1] : view.axes;
    const at = inside(place, [place.X(view.x[i]), place.Y(view.x[j])]);
    const half = isVectors && view.axes[0] !== i ? 8 : 10;
    context.fillStyle = colors.background;
    context.fillRect(at[0] - half - 2, at[1] - half - 2, 2 * half + 4, 2 * half + 4);
    context.fillStyle = colors.student;
    context.fillRect(at[0] - half, at[1] - half, 2 * half, 2 * half);
    const words = isVectors ? letter(point) : view.now.lsteps ? view.shown.toUpperCase() : "";
    if (words) centeredText(context, words, at, colors.background);
    else if (!isVectors) name(context, place, at, "student", colors);
  }
}

/** Words beside a mark, `below` px under its middle, or lower where other words are. */
function name(context, place, [x, y], words, { text, background }, below = 8) {
  if (!isOn(place, [x, y])) return;
  const tall = parseFloat(context.font) + 6;
  const wide = context.measureText(words).width + 8;
  const isRight = x + 16 + wide < place.left + place.side;
  const left = isRight ? x + 14 : x - 14 - wide;
  let top = y + below;
  const isTaken = (other) => Math.abs(other.top - top) < tall && left < other.right && other.left < left + wide;
  for (let other; (other = place.labels.find(isTaken)); ) top = other.top + tall + 1;
  place.labels.push({ left, right: left + wide, top });
  context.globalAlpha = 0.85;
  context.fillStyle = background;
  context.fillRect(left, top, wide, tall);
  context.globalAlpha = 1;
  context.fillStyle = text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(words, left + 4, top + tall / 2);
}

function isOn({ left, top, side }, [x, y]) {
  return x >= left && x <= left + side && y >= top && y <= top + side;
}

/** The nearest place on the plane that is `rim` px from its edges. */
export function inside({ left, top, side }, [x, y], rim = 0) {
  return [clamp(x, left + rim, left + side - rim), clamp(y, top + rim, top + side - rim)];
}
