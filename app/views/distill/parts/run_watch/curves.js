// The four pictures over the steps of training. Their axes are fixed at the first value: a curve
// moves, its frame does not. Dragging in one of them moves the moment that all show.

import { drag, el, svg } from "../../../../parts/draw.js";
import { clamp, roundUp } from "../../../../parts/maths.js";
import { integer } from "../../../../parts/words.js";

const TALL = 222;
const [LEFT, RIGHT, TOP, BOTTOM] = [38, 64, 36, 30];
const STEPS = [1, 1.5, 2, 3, 4, 6, 8, 10]; // where an axis may end
const MOST = 600; // points of a curve; a screen shows no more

/** A picture with its heading; follow(share of the steps) hears where it was pointed at. */
export function makeChart(title, follow) {
  const picture = svg("svg", { class: "chart", role: "img", height: TALL });
  const heading = el("h3", { class: "sr" }, title); // the same words stand in the picture, to be saved
  const extra = el("div", { class: "extra", "data-unpictured": true });
  const below = el("p", { class: "below num" }); // what the title has no room for; it wraps
  const node = el("section", { class: "curve" }, heading, extra, picture, below);
  const at = ({ x }) => follow(clamp((x - LEFT) / ((picture.clientWidth || 1) - LEFT - RIGHT), 0, 1));
  drag(picture, { start: at, move: at, end: () => follow(null) });
  return { node, picture, heading, extra, below, top: 0 };
}

/**
 * Draw it. view: {total, step, low, high, marks: [values], areas: [{kind, points: [[step, from, to]]}],
 * lines: [{kind, name, points: [[step, value]], whole}], levels: [{kind, name, value}], label, empty}.
 */
export function paintChart(chart, view) {
  const { picture } = chart;
  const width = Math.max(picture.clientWidth || 0, 200);
  const x = (step) => LEFT + (view.total ? step / view.total : 0) * (width - LEFT - RIGHT);
  const share = (value) => clamp((value - view.low) / (view.high - view.low), 0, 1);
  const y = (value) => TOP + (1 - share(value)) * (TALL - TOP - BOTTOM);
  const title = svg("text", { class: "title", x: 0, y: 16 }, chart.heading.textContent);
  const nodes = [title, ...grid(view, width, x, y)];
  for (const area of view.areas ?? []) nodes.push(...areaOf(area, view.step, x, y));
  for (const level of view.levels ?? []) {
    nodes.push(svg("path", { class: `level ${level.kind}`, d: `M${LEFT} ${y(level.value)}H${width - RIGHT}` }));
  }
  for (const line of view.lines ?? []) nodes.push(...lineOf(line, view.step, x, y));
  nodes.push(...names(view, width, y));
  if (view.scrubbed) nodes.push(svg("path", { class: "now", d: `M${x(view.step)} ${TOP}V${TALL - BOTTOM}` }));
  if (view.empty) {
    const middle = { x: (LEFT + width - RIGHT) / 2, y: (TOP + TALL - BOTTOM) / 2 - 6 };
    nodes.push(svg("text", { class: "empty", ...middle, "text-anchor": "middle" }, view.empty));
  }
  picture.setAttribute("viewBox", `0 0 ${width} ${TALL}`);
  picture.setAttribute("aria-label", view.label);
  picture.replaceChildren(...nodes);
}

function grid(view, width, x, y) {
  const nodes = view.marks.flatMap((mark) => [
    svg("path", { class: "gridline", d: `M${LEFT} ${y(mark)}H${width - RIGHT}` }),
    svg("text", { class: "tick", x: LEFT - 5, y: y(mark) + 4, "text-anchor": "end" }, short(mark)),
  ]);
  const foot = TALL - BOTTOM + 15;
  const tick = (x, anchor, text) => svg("text", { class: "tick", x, y: foot, "text-anchor": anchor }, text);
  nodes.push(
    tick(LEFT, "start", "0"),
    tick(width - RIGHT, "end", view.total ? integer(view.total) : ""),
    tick((LEFT + width - RIGHT) / 2, "middle", "step"),
  );
  return nodes;
}

/** Steps up to the moment in full; what comes after it, faint. */
function lineOf(full, step, x, y) {
  const line = { ...full, points: thinned(full.points) };
  const now = line.whole ? line.points : line.points.filter(([at]) => at <= step);
  const later = line.whole ? [] : line.points.slice(Math.max(now.length - 1, 0));
  const path = (points) => `M${points.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`;
  const nodes = [];
  if (later.length > 1) nodes.push(svg("path", { class: `line later ${line.kind}`, d: path(later) }));
  if (now.length) nodes.push(svg("path", { class: `line ${line.kind}`, d: path(now) }));
  const dots = line.dots ? now : now.slice(-1);
  return [...nodes, ...dots.slice(-60).map(([at, value]) => dot(line.kind, x(at), y(value)))];
}

/** Evenly spread points of a long run, the first and the last among them. */
function thinned(points) {
  if (points.length <= MOST) return points;
  return Array.from({ length: MOST }, (_, i) => points[Math.round((i * (points.length - 1)) / (MOST - 1))]);
}

/** Square for the student, diamond for the twin, round for the teacher: never color alone. */
function dot(kind, x, y) {
  if (kind === "twin") {
    const d = `M${x} ${y - 4.5}L${x + 4.5} ${y}L${x} ${y + 4.5}L${x - 4.5} ${y}Z`;
    return svg("path", { class: "dot twin", d });
  }
  if (kind === "teacher") return svg("circle", { class: "dot teacher", cx: x, cy: y, r: 3.5 });
  return svg("rect", { class: `dot ${kind}`, x: x - 3, y: y - 3, width: 6, height: 6 });
}

function areaOf(area, step, x, y) {
  const shape = (points) => {
    if (points.length < 2) return "";
    const over = points.map(([at, , to], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(to).toFixed(1)}`);
    const back = points.toReversed().map(([at, from]) => `L${x(at).toFixed(1)} ${y(from).toFixed(1)}`);
    return [...over, ...back, "Z"].join("");
  };
  const points = thinned(area.points);
  const now = points.filter(([at]) => at <= step);
  const later = points.slice(Math.max(now.length - 1, 0));
  return [
    svg("path", { class: `area later ${area.kind}`, d: shape(later) }),
    svg("path", { class: `area ${area.kind}`, d: shape(now) }),
  ];
}

/** Names at the right end of their lines, apart from each other. */
function names(view, width, y) {
  const middle = ([, from, to]) => (from + to) / 2;
  const valueOf = ({ whole, points }) =>
    (whole ? points.at(-1) : points.findLast(([step]) => step <= view.step) ?? points[0])[1];
  const areas = (view.areas ?? []).filter((area) => area.points.length);
  const lines = (view.lines ?? []).filter((line) => line.points.length && line.name);
  const ends = [
    ...areas.map((area) => ({ ...area, y: y(middle(area.points.at(-1))) })),
    ...lines.map((line) => ({ ...line, y: y(valueOf(line)) })),
    ...(view.levels ?? []).map((level) => ({ ...level, y: y(level.value) })),
  ].sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 13);
  const over = (ends.at(-1)?.y ?? 0) - (TALL - BOTTOM);
  if (over > 0) for (const end of ends) end.y -= over;
  return ends.map(({ kind, name, y: at }) =>
    svg("text", { class: `name ${kind}`, x: width - RIGHT + 7, y: at + 4 }, name));
}

/** The end of an axis for these values: it stays as it was, and doubles when one leaves it. */
export function stableTop(chart, values) {
  const most = Math.max(...values.filter(Number.isFinite), 0);
  if (!chart.top && most > 0) chart.top = roundUp(1.25 * most, STEPS); // room: the first steps may go up
  while (chart.top && most > chart.top) chart.top *= 2;
  return chart.top || 1;
}

function short(value) {
  return `${Number(value.toPrecision(3))}`;
}
