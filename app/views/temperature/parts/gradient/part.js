// Length of the gradient of the soft loss on the student's logits, at every temperature of the
// rail: (q - p) / T as it is, T (q - p) with the factor T². Hinton et al., arXiv 1503.02531, §2.

import { fmt, kept, low, painter, svg, theme } from "../../../../parts/draw.js";
import { clamp, norm, softKlGradient, softmax } from "../../../../parts/maths.js";
import { attend, degrees, holds, rowOf, stage } from "../../../../parts/stage.js";

const [COLD, HOT] = [0.25, 20];
const [FLOOR, ROOF] = [1e-4, 10]; // fixed axis, so that pairs compare
const POINTS = 81;
const SAMPLE = 400; // pairs behind the thin lines
const HEIGHT = low() ? 148 : 330;
const [PAD, FOOT, SIDE] = [64, 44, 170];
const HEATS = Array.from({ length: POINTS }, (_, at) => COLD * (HOT / COLD) ** (at / (POINTS - 1)));

export default function ({ parentElement }) {
  const root = theme(parentElement);
  const part = kept(parentElement, () => ({
    svg: root.querySelector("svg"), finding: root.querySelector(".finding"), legend: root.querySelector(".legend"),
  }));
  part.ask ??= painter(() => paint(part));
  part.ask();
  return attend(part, part.ask, part.svg);
}

function paint(part) {
  const { world, pair, T, Ts } = stage();
  if (!holds(world, pair)) return;
  const width = part.svg.clientWidth || 700;
  const [z, v] = [rowOf(world.teacher, pair, world.classes), rowOf(world.student, pair, world.classes)];
  if (part.drawn !== `${world.hash}:${pair}:${width}`) arrange(part, world, pair, z, v, width);
  const bare = norm(softKlGradient(z, v, T));
  const x = part.x(T);
  for (const [dot, size] of [[part.dots.bare, bare], [part.dots.scaled, bare * T * T]]) {
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", part.y(size));
  }
  part.line.setAttribute("d", `M${x} 8V${HEIGHT - FOOT}`);
  const text = sentence(part, T, Ts, bare);
  part.finding.textContent = text;
  part.svg.setAttribute("aria-label", `Gradient size against temperature. ${text}`);
}

function sentence(part, T, Ts, bare) {
  const unequal = T === Ts ? "" : " (drawn for one T for both: the teacher's)";
  const soft = `At T = ${degrees(T)} the gradient of the soft loss has length ${small(bare)}${unequal}`;
  const times = `T² = ${fmt(T * T, 2)} brings it to ${small(bare * T * T)}`;
  if (!(part.hard > 0)) return `${soft}; ${times}. This pair is not labelled, so there is no hard label to weigh it against.`;
  const ratio = part.hard / bare;
  const weigh = ratio >= 1 ? `${ratio.toFixed(ratio < 10 ? 1 : 0)} times shorter than the hard label's ${small(part.hard)}`
    : `${(1 / ratio).toFixed(1)} times longer than the hard label's ${small(part.hard)}`;
  return `${soft}, ${weigh}; ${times}. Without the factor, turning T up would quietly switch the teacher off.`;
}

function small(value) {
  return value >= 0.001 ? value.toPrecision(2) : value.toExponential(1).replace("e-", "e−");
}

function arrange(part, world, pair, z, v, width) {
  part.drawn = `${world.hash}:${pair}:${width}`;
  const right = width < 560 ? 12 : SIDE;
  part.x = (T) => PAD + (Math.log(T / COLD) / Math.log(HOT / COLD)) * (width - PAD - right);
  part.y = (size) => 8 + (Math.log(ROOF / clamp(size, FLOOR, ROOF)) / Math.log(ROOF / FLOOR)) * (HEIGHT - FOOT - 8);
  const sizes = HEATS.map((T) => norm(softKlGradient(z, v, T)));
  if (part.meanOf !== world.hash) {
    part.meanOf = world.hash;
    part.mean = meanSizes(world);
  }
  const limit = limitOf(z, v);
  const grade = world.labels[pair];
  part.hard = grade >= 0 ? norm(softmax(v).map((q, k) => q - (k === grade))) : NaN;
  const curve = (values, kind) => svg("path", { class: kind, d: values.map((value, at) => `${at ? "L" : "M"}${part.x(HEATS[at])} ${part.y(value)}`).join("") });
  const times = (values) => values.map((value, at) => value * HEATS[at] ** 2);
  const level = (value, kind) => svg("path", { class: kind, d: `M${part.x(COLD)} ${part.y(value)}H${part.x(HOT)}` });
  part.line = svg("path", { class: "now" });
  part.dots = { bare: svg("circle", { class: "dot bare", r: 6 }), scaled: svg("circle", { class: "dot scaled", r: 6 }) };
  part.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  part.svg.style.height = `${HEIGHT}px`;
  part.svg.replaceChildren(
    ...axes(part), curve(part.mean, "bare all"), curve(times(part.mean), "scaled all"),
    ...(part.hard > 0 ? [level(part.hard, "hardline")] : []), level(limit, "limit"),
    curve(sizes, "bare"), curve(times(sizes), "scaled"), part.line, part.dots.bare, part.dots.scaled,
    ...(width < 560 ? [] : names(part, sizes.at(-1))));
  part.legend.textContent =
    `Red: (q − p) / T as it is. Blue: T (q − p), with T². ${part.hard > 0 ? "Long dashes: the hard label's cross-entropy, at T = 1. " : ""}` +
    `Dots: the limit for large T, the gap of the centered logits over the number of grades. ` +
    `Thin lines: the mean of ${Math.min(SAMPLE, world.rows).toLocaleString("en")} pairs${world.rows > SAMPLE ? `, spread evenly over all ${world.rows.toLocaleString("en")}` : ""}. Both axes are logarithmic and fixed.`;
}

/** Names at the right ends, moved apart when they would touch. */
function names(part, bare) {
  const wanted = [["without T²: (q − p) / T", bare], ["with T²: T (q − p)", bare * HOT ** 2]];
  if (part.hard > 0) wanted.push(["hard label", part.hard]);
  wanted.sort((a, b) => b[1] - a[1]);
  let last = -Infinity;
  return wanted.map(([text, size]) => {
    last = Math.max(part.y(size) + 4, last + 16);
    return svg("text", { class: "named", x: part.x(HOT) + 8, y: last }, text);
  });
}

function axes(part) {
  const nodes = [];
  for (const size of [1e-4, 1e-3, 0.01, 0.1, 1, 10]) {
    nodes.push(svg("path", { class: "gridline", d: `M${PAD} ${part.y(size)}H${part.x(HOT)}` }));
    nodes.push(svg("text", { class: "muted", x: PAD - 6, y: part.y(size) + 4, "text-anchor": "end" }, size < 0.01 ? size.toExponential(0).replace("e-", "e−") : `${size}`));
  }
  for (const T of [0.25, 0.5, 1, 2, 4, 8, 20]) {
    nodes.push(svg("path", { class: "gridline", d: `M${part.x(T)} 8V${HEIGHT - FOOT}` }));
    nodes.push(svg("text", { class: "muted", x: part.x(T), y: HEIGHT - FOOT + 18, "text-anchor": "middle" }, `${T}`));
  }
  nodes.push(svg("text", { class: "muted", x: (PAD + part.x(HOT)) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "temperature T"));
  nodes.push(svg("text", { class: "muted", x: -(HEIGHT - FOOT) / 2, y: 14, transform: "rotate(-90)", "text-anchor": "middle" }, "length of the gradient"));
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
  return HEATS.map((T) => rows.reduce((sum, row) =>
    sum + norm(softKlGradient(rowOf(world.teacher, row, world.classes), rowOf(world.student, row, world.classes), T)), 0) / rows.length);
}
