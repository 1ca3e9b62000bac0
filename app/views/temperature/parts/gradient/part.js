// Length of the gradient of the soft loss on the student's logits, at every temperature of the
// rail: (q - p) / T as it is, T (q - p) with the factor T². Hinton et al., arXiv 1503.02531, §2.

import { low, stateOf, svg, theme } from "../../../../parts/draw.js";
import { clamp, norm, softKlGradient, softmax } from "../../../../parts/maths.js";
import { attend, holds, rowOf, stage } from "../../../../parts/stage.js";
import { degrees, integer, number, scientific } from "../../../../parts/words.js";

const [COLD, HOT] = [0.25, 20];
const [FLOOR, ROOF] = [1e-4, 10]; // fixed axis, so that pairs compare
const POINTS = 81;
const SAMPLE = 400; // pairs behind the thin lines
const HEIGHT = low() ? 134 : 330;
const [PAD, FOOT, SIDE] = [64, 44, 170];
const TEMPERATURES = Array.from({ length: POINTS }, (_, at) => COLD * (HOT / COLD) ** (at / (POINTS - 1)));

export default function ({ parentElement }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({
    svg: root.querySelector("svg"),
    finding: root.querySelector(".finding"),
    legend: root.querySelector(".legend"),
  }));
  return attend(part, paint, part.svg);
}

function paint(part) {
  const { world, pair, T, Ts } = stage();
  if (!holds(world, pair)) return;
  const width = part.svg.clientWidth || 700;
  const [z, v] = [rowOf(world.teacher, pair, world.classes), rowOf(world.student, pair, world.classes)];
  if (part.drawn !== `${world.hash}:${pair}:${width}`) arrange(part, world, pair, z, v, width);
  const bare = norm(softKlGradient(z, v, T));
  const x = part.x(T);
  for (const [dot, length] of [[part.dots.bare, bare], [part.dots.scaled, bare * T * T]]) {
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", part.y(length));
  }
  part.line.setAttribute("d", `M${x} 8V${HEIGHT - FOOT}`);
  const text = sentence(part, T, Ts, bare);
  part.finding.textContent = text;
  part.svg.setAttribute("aria-label", `Gradient size against temperature. ${text}`);
}

function sentence(part, T, Ts, bare) {
  const unequal = T === Ts ? "" : " (drawn for one T for both: the teacher's)";
  const soft = `At T = ${degrees(T)} the gradient of the soft loss has length ${size(bare)}${unequal}`;
  const times = `T² = ${number(T * T, 2)} brings it to ${size(bare * T * T)}`;
  if (!(part.hard > 0)) {
    return `${soft}; ${times}. This pair is not labelled, so there is no hard label to weigh it against.`;
  }
  const ratio = part.hard / bare;
  const compared = ratio >= 1
    ? `${ratio.toFixed(ratio < 10 ? 1 : 0)} times shorter`
    : `${(1 / ratio).toFixed(1)} times longer`;
  const weigh = `${compared} than the hard label's ${size(part.hard)}`;
  return `${soft}, ${weigh}; ${times}. Without the factor, turning T up would quietly switch the teacher off.`;
}

/** The length of a gradient for reading. */
function size(length) {
  return length >= 0.001 ? length.toPrecision(2) : scientific(length, 1);
}

/** Everything that only another pair, data set or width changes. */
function arrange(part, world, pair, z, v, width) {
  part.drawn = `${world.hash}:${pair}:${width}`;
  const right = width < 560 ? 12 : SIDE;
  const along = (value, low, high) => Math.log(value / low) / Math.log(high / low);
  part.x = (T) => PAD + along(T, COLD, HOT) * (width - PAD - right);
  part.y = (length) => 8 + (1 - along(clamp(length, FLOOR, ROOF), FLOOR, ROOF)) * (HEIGHT - FOOT - 8);
  const sizes = TEMPERATURES.map((T) => norm(softKlGradient(z, v, T)));
  if (part.meanOf !== world.hash) {
    part.meanOf = world.hash;
    part.mean = meanSizes(world);
  }
  const limit = limitOf(z, v);
  const grade = world.labels[pair];
  part.hard = grade >= 0 ? norm(softmax(v).map((q, k) => q - (k === grade))) : NaN;
  const curve = (values, kind) => {
    const points = values.map((value, at) => `${part.x(TEMPERATURES[at])} ${part.y(value)}`);
    return svg("path", { class: kind, d: `M${points.join("L")}` });
  };
  const times = (values) => values.map((value, at) => value * TEMPERATURES[at] ** 2);
  const level = (value, kind) => svg("path", { class: kind, d: `M${part.x(COLD)} ${part.y(value)}H${part.x(HOT)}` });
  part.line = svg("path", { class: "now" });
  part.dots = {
    bare: svg("circle", { class: "dot bare", r: 6 }),
    scaled: svg("circle", { class: "dot scaled", r: 6 }),
  };
  part.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  part.svg.style.height = `${HEIGHT}px`;
  part.svg.replaceChildren(
    ...axes(part), curve(part.mean, "bare all"), curve(times(part.mean), "scaled all"),
    ...(part.hard > 0 ? [level(part.hard, "hardline")] : []), level(limit, "limit"),
    curve(sizes, "bare"), curve(times(sizes), "scaled"), part.line, part.dots.bare, part.dots.scaled,
    ...(width < 560 ? [] : names(part, sizes.at(-1))));
  part.legend.textContent = legend(part, world);
}

function legend(part, world) {
  const hard = part.hard > 0 ? "Long dashes: the hard label's cross-entropy, at T = 1. " : "";
  const sampled = world.rows > SAMPLE ? `, spread evenly over all ${integer(world.rows)}` : "";
  return (
    `Red: (q − p) / T as it is. Blue: T (q − p), with T². ${hard}` +
    "Dots: the limit for large T, the gap of the centered logits over the number of grades. " +
    `Thin lines: the mean of ${integer(Math.min(SAMPLE, world.rows))} pairs${sampled}. ` +
    "Both axes are logarithmic and fixed."
  );
}

/** Names at the right ends, moved apart when they would touch. */
function names(part, bare) {
  const ends = [["without T²: (q − p) / T", bare], ["with T²: T (q − p)", bare * HOT ** 2]];
  if (part.hard > 0) ends.push(["hard label", part.hard]);
  ends.sort((a, b) => b[1] - a[1]);
  let last = -Infinity;
  return ends.map(([text, length]) => {
    last = Math.max(part.y(length) + 4, last + 16);
    return svg("text", { class: "named", x: part.x(HOT) + 8, y: last }, text);
  });
}

function axes(part) {
  const rule = (d) => svg("path", { class: "gridline", d });
  const text = (words, x, y, place = {}) =>
    svg("text", { class: "muted", x, y, "text-anchor": "middle", ...place }, words);
  const nodes = [];
  for (const length of [1e-4, 1e-3, 0.01, 0.1, 1, 10]) {
    const y = part.y(length);
    const words = length < 0.01 ? scientific(length, 0) : `${length}`;
    nodes.push(rule(`M${PAD} ${y}H${part.x(HOT)}`), text(words, PAD - 6, y + 4, { "text-anchor": "end" }));
  }
  for (const T of [0.25, 0.5, 1, 2, 4, 8, 20]) {
    const x = part.x(T);
    nodes.push(rule(`M${x} 8V${HEIGHT - FOOT}`), text(`${T}`, x, HEIGHT - FOOT + 18));
  }
  nodes.push(text("temperature T", (PAD + part.x(HOT)) / 2, HEIGHT - 6));
  nodes.push(text("length of the gradient", -(HEIGHT - FOOT) / 2, 14, { transform: "rotate(-90)" }));
  return nodes;
}

/** For large T, T (q - p) tends to the gap of the zero-mean logits over the number of grades. */
function limitOf(z, v) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [a, b] = [mean(z), mean(v)];
  return norm(Float64Array.from(z, (value, k) => (v[k] - b - (value - a)) / z.length));
}

function meanSizes(world) {
  const step = Math.max(1, world.rows / SAMPLE);
  const rows = Array.from({ length: Math.min(SAMPLE, world.rows) }, (_, at) => Math.floor(at * step));
  const logits = (flat, row) => rowOf(flat, row, world.classes);
  const length = (row, T) => norm(softKlGradient(logits(world.teacher, row), logits(world.student, row), T));
  return TEMPERATURES.map((T) => rows.reduce((sum, row) => sum + length(row, T), 0) / rows.length);
}
