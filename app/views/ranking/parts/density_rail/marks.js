// The marks of the density rail: SVG nodes made once, and how a number reads.

import { svg } from "../../../../parts/draw.js";
import { clamp } from "../../../../parts/maths.js";
import { shortened, signed } from "../../../../parts/words.js";

const THUMB = 24; // px, as part.css draws it

/** An SVG node with a text, put into a parent. */
function put(parent, tag, attributes = {}, text = null) {
  const node = svg(tag, attributes, text);
  parent.append(node);
  return node;
}

export function colorOf(role) {
  return `var(--kd-${role})`;
}

/** A is filled, B is dotted in its own color: told apart without color. */
export function fillOf(side, data) {
  return side === "a" ? colorOf(data.a.role) : "url(#dots)";
}

/** A difference with its sign; what rounds to 0 has none. */
function plusMinus(value, digits) {
  const size = Math.abs(value).toFixed(digits);
  return Number(size) === 0 ? size : signed(value, digits);
}

export function changeText(value, data) {
  return data.reading === "points"
    ? `${plusMinus(value, 1)} points`
    : `${plusMinus(100 * value, 1)} %`;
}

export function testText(test, data) {
  const [low, high] = ends(test, data);
  const scale = data.reading === "points" ? 1 : 100;
  if (!Number.isFinite(low) || !Number.isFinite(high)) return test.verdict;
  return `95 %: ${plusMinus(scale * low, 1)} … ${plusMinus(scale * high, 1)} · ${test.verdict}`;
}

/** The interval of a test in the reading that is shown. */
export function ends(test, data) {
  if (!test) return [NaN, NaN];
  return data.reading === "points"
    ? [test.low, test.high]
    : [test.relative_low, test.relative_high];
}

export function patterns(data) {
  const own = colorOf(data.b.role);
  const size = { patternUnits: "userSpaceOnUse", height: 6 };
  return svg(
    "defs",
    {},
    svg(
      "pattern",
      { id: "dots", width: 6, ...size },
      svg("rect", { width: 6, height: 6, style: `fill:${own};fill-opacity:.16` }),
      svg("circle", { cx: 3, cy: 3, r: 1.5, style: `fill:${own}` }),
    ),
    svg(
      "pattern",
      { id: "bare", width: 7, ...size, patternTransform: "rotate(45)" },
      svg("rect", { width: 2, height: 7, style: "fill:var(--kd-text);fill-opacity:.55" }),
    ),
  );
}

export function axes(picture, plan, limit, data) {
  const points = data.reading === "points";
  if (!plan.wide) {
    const zero = placeOf(0, limit, ...plan.change);
    data.grades.forEach((_, g) => put(picture, "path", { d: `M${zero} ${plan.y(g) + 60}v26`, class: "zero" }));
    return;
  }
  put(picture, "text", { x: plan.share[0], y: 14, class: "head" }, "Share of the top k");
  const change = points ? "A − B, percentage points" : "A / B − 1, relative change";
  put(picture, "text", { x: plan.change[0], y: 14, class: "head" }, change);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const x = plan.share[0] + share * (plan.share[1] - plan.share[0]);
    tick(picture, x, plan, `${100 * share} %`);
  }
  for (const part of [-1, -0.5, 0, 0.5, 1]) {
    const value = part * limit * (points ? 1 : 100);
    const figure = plusMinus(value, Number.isInteger(value) ? 0 : 1);
    tick(picture, placeOf(part, 1, ...plan.change), plan, points ? figure : `${figure} %`, part === 0);
  }
}

function tick(picture, x, plan, text, zero = false) {
  const d = `M${x} ${plan.top - 8}V${plan.height - 4}`;
  put(picture, "path", { d, class: zero ? "zero" : "grid" });
  put(picture, "text", { x, y: plan.top - 12, class: "tick", "text-anchor": "middle" }, text);
}

/** The nodes of one grade: its name, two shares, the change, its whisker and two texts. */
export function gradeRow(picture, plan, grade, data, limit) {
  const y = plan.y(grade);
  const { wide } = plan;
  const first = wide ? y + 5 : y + 22;
  const middle = wide ? y + 21 : y + 73;
  const name = shortened(data.grades[grade], wide ? 10 : 20);
  put(picture, "text", { x: 0, y: wide ? y + 26 : y + 14, class: "grade" }, name);
  const end = wide ? { x: plan.text } : { x: plan.width, "text-anchor": "end" };
  const [from, to] = plan.change;
  const row = {
    from,
    to,
    middle,
    a: shareNodes(picture, plan, first, "a", data),
    b: shareNodes(picture, plan, first + 17, "b", data),
    change: put(picture, "rect", { y: middle - 9, height: 18, class: "bar change" }),
    whisker: put(picture, "path", { class: "whisker" }),
    number: put(picture, "text", { ...end, y: wide ? y + 18 : y + 14, class: "num strong" }),
    test: put(picture, "text", { ...end, y: wide ? y + 34 : y + 98, class: "small" }),
  };
  if (data.paper) {
    const x = placeOf(data.paper[grade], limit, from, to);
    const mark = put(picture, "path", { d: `M${x} ${middle - 8}l7 8l-7 8l-7 -8z`, class: "paper" });
    put(mark, "title", {}, `The paper: ${changeText(data.paper[grade], data)}`);
  }
  return row;
}

function shareNodes(picture, plan, y, side, data) {
  const [from, to] = plan.share;
  const fill = fillOf(side, data);
  const stroke = colorOf(data[side].role);
  const style = `fill:${fill};stroke:${stroke}`;
  const mark = put(picture, "rect", { x: from, y, height: 15, class: `bar ${side}`, style });
  return { mark, fill, stroke, from, to, text: put(picture, "text", { y: y + 12, class: "num" }) };
}

/** The row of unlabelled ads, hatched; the shares above it are of the labelled ones. */
export function bareRow(picture, plan, data) {
  const y = plan.top + plan.row * data.grades.length;
  put(picture, "text", { x: 0, y: plan.wide ? y + 26 : y + 14, class: "grade" }, "unlabelled");
  const first = plan.wide ? y + 5 : y + 22;
  const [a, b] = ["a", "b"].map((side, at) => {
    const share = shareNodes(picture, plan, first + 17 * at, side, data);
    share.mark.style.fill = "url(#bare)";
    share.mark.classList.add("bare");
    return share;
  });
  return { a, b };
}

/** Which model is A and which is B, inside an SVG so that a saved picture says it too. */
export function legend(box, data) {
  const entries = ["a", "b"].map((side) => ({ side, text: `${side.toUpperCase()}: ${data[side].name}` }));
  if (data.paper) entries.push({ side: "paper", text: "the paper's Table 3" });
  const picture = svg("svg", { class: "legend" });
  box.replaceChildren(picture);
  const width = box.clientWidth || 640;
  let [x, y] = [0, 0];
  for (const { side, text } of entries) {
    const group = put(picture, "g");
    swatch(group, side, data);
    const words = put(group, "text", { x: 34, y: 13, class: "num" }, text);
    const long = 34 + words.getComputedTextLength() + 36;
    if (x && x + long > width) [x, y] = [0, y + 22];
    group.setAttribute("transform", `translate(${x} ${y})`);
    x += long;
  }
  picture.setAttribute("width", width);
  picture.setAttribute("height", y + 22);
}

function swatch(group, side, data) {
  if (side === "paper") {
    put(group, "path", { d: "M17 0l8 8l-8 8l-8 -8z", class: "paper" });
    return;
  }
  const own = colorOf(data[side].role);
  const style = `fill:${own};fill-opacity:${side === "a" ? 1 : 0.16};stroke:${own}`;
  put(group, "rect", { x: 1, y: 2, width: 26, height: 12, class: "bar", style });
  if (side === "a") return;
  for (const cx of [6, 14, 22]) put(group, "circle", { cx, cy: 8, r: 1.7, style: `fill:${own}` });
}

/** The best grade's change at every depth, over the thumb of that depth: where to drag to. */
export function profile(box, data) {
  const width = box.clientWidth || 300;
  const last = data.grades.length - 1;
  const all = Array.from({ length: data.deepest }, (_, at) => changes(data, at + 1)[last]);
  const most = Math.max(...all.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0)), 1e-9);
  const step = (width - THUMB) / Math.max(data.deepest - 1, 1);
  const strip = svg("svg", { class: "profile", width, height: 48 });
  put(strip, "path", { d: `M0 18H${width}`, class: "grid" });
  const bars = all.map((value, at) => {
    const height = Number.isFinite(value) ? (16 * Math.abs(value)) / most : 0;
    const x = THUMB / 2 + at * step;
    const wide = Math.max(Math.min(step * 0.6, 18), 3);
    const style = `fill:${colorOf(data[value >= 0 ? "a" : "b"].role)}`;
    const label = step < 18 && at && (at + 1) % 5 ? "" : at + 1;
    put(strip, "text", { x, y: 46, class: "tick", "text-anchor": "middle" }, label);
    return put(strip, "rect", { x: x - wide / 2, y: value >= 0 ? 18 - height : 18, width: wide, height, style });
  });
  box.replaceChildren(strip);
  return bars;
}

export function sharesOf(side, data, k) {
  return (data.pooled ? side.pooled : side.query)[k - 1];
}

/** Points 100 (a - b), or a / b - 1, of each grade at k; NaN where no ad is labelled. */
export function changes(data, k) {
  const b = sharesOf(data.b, data, k);
  return sharesOf(data.a, data, k).map((own, grade) => {
    if (own === null || b[grade] === null) return NaN;
    if (data.reading === "points") return 100 * (own - b[grade]);
    return b[grade] > 0 ? own / b[grade] - 1 : NaN;
  });
}

export function placeOf(value, limit, from, to) {
  return from + ((clamp(value, -limit, limit) + limit) / (2 * limit)) * (to - from);
}
