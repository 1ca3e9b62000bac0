// One picture of soft labels at one temperature: words down the side, teacher left, student right.
// An SVG, so that it can be saved. The axis ends at the first of a few round numbers above the
// longest bar of a word, so small bars stay readable and a drag rescales only at those numbers.

import { el, svg } from "../../../../parts/draw.js";
import { reachOf } from "../../../../parts/maths.js";
import { number, probability, shortened } from "../../../../parts/words.js";

const ROW = 24;
const HEAD = 26; // role names
const FOOT = 22; // axis numbers
const WORD = 104;
const VALUE = 44;
const BAR = 15;
const TOPS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]; // where a linear axis may end

/** The end of a linear axis that holds the bars of all words; "others" may stick out. */
export function topOf(rows, ...softLabels) {
  const longest = Math.max(0, ...softLabels.flatMap((soft) =>
    rows.map((row, i) => (row.rest || !Number.isFinite(soft[i]) ? 0 : soft[i]))));
  return TOPS.find((top) => longest <= top) ?? 1;
}

/** A panel; kind: "free" or "fixed". on.lit(row) while a row is pointed at. */
export function makePanel(kind, on) {
  const title = el("h2", {});
  const host = el("div", { class: "picture" });
  const foot = el("div", { class: "foot num" });
  const node = el("section", { class: `panel ${kind}` }, title, host, foot);
  return { kind, title, host, foot, node, on, rows: [], shape: "" };
}

/** Draw a panel anew when its width, words or axis changed; move its bars always. */
export function paintPanel(panel, view) {
  const width = Math.max(200, Math.round(panel.host.clientWidth));
  const words = view.rows.map((row) => row.word).join("\u0000");
  const truths = view.rows.map((row) => row.truth);
  const shape = [width, words, view.log, view.top, view.worded, view.truth, truths].join("|");
  if (panel.shape !== shape) {
    panel.shape = shape;
    draw(panel, view, width);
  }
  const { half } = panel;
  view.rows.forEach((row, i) => {
    const line = panel.rows[i];
    const [p, q] = [view.p[i], view.q[i]];
    const [a, b] = [p, q].map((value) => half * reachOf(Number.isFinite(value) ? value : 0, view.log, view.top));
    line.cuts.forEach((cut, side) => cut.toggleAttribute("hidden", view.log || !([p, q][side] > view.top)));
    line.teacher.setAttribute("x", (panel.middle - a).toFixed(2));
    line.teacher.setAttribute("width", a.toFixed(2));
    line.student.setAttribute("width", b.toFixed(2));
    line.left.textContent = probability(p);
    line.right.textContent = probability(q);
    line.group.classList.toggle("lit", view.lit === row.word);
  });
  if (panel.shown !== view.title) panel.title.textContent = panel.shown = view.title;
  panel.foot.replaceChildren(
    spread("teacher", "Teacher", view.stats.teacher), spread("student", "Student", view.stats.student));
  panel.picture.setAttribute("aria-label", summary(view));
}

function spread(role, name, { bits, sharing }) {
  const words = `${sharing} ${sharing === 1 ? "word" : "words"}`;
  return el("span", { class: role }, el("b", {}, name), ` ${number(bits, 1)} bits, 90 % in ${words}`);
}

function draw(panel, view, width) {
  const left = (view.worded ? WORD : 0) + VALUE;
  const height = HEAD + view.rows.length * ROW + FOOT;
  panel.half = (width - left - VALUE) / 2;
  panel.middle = left + panel.half;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  picture.append(...frame(panel, view, height));
  panel.rows = view.rows.map((row, i) => line(panel, view, row, HEAD + i * ROW, width));
  picture.append(...panel.rows.map((row) => row.group));
  panel.host.replaceChildren(picture);
  panel.picture = picture;
}

function frame({ middle, half }, view, height) {
  const out = [
    svg("text", { x: middle - 8, y: 15, "text-anchor": "end", class: "role teacher" }, "Teacher"),
    svg("text", { x: middle + 8, y: 15, class: "role student" }, "Student"),
  ];
  const short = (p) => `${Number(p.toPrecision(3))}`.replace(/^0/, "");
  const ticks = view.log ? [[0.01, ".01"], [1, "1"]] : [view.top / 2, view.top].map((p) => [p, short(p)]);
  for (const [p, text] of ticks) {
    for (const way of [-1, 1]) {
      const x = middle + way * half * reachOf(p, view.log, view.top);
      out.push(
        svg("line", { x1: x, x2: x, y1: HEAD - 4, y2: height - FOOT, class: "grid" }),
        svg("text", { x, y: height - 6, "text-anchor": "middle", class: "tick" }, text),
      );
    }
  }
  const zero = view.log ? "10⁻⁴" : "0";
  out.push(
    svg("line", { x1: middle, x2: middle, y1: HEAD - 4, y2: height - FOOT, class: "zero" }),
    svg("text", { x: middle, y: height - 6, "text-anchor": "middle", class: "tick" }, zero),
  );
  return out;
}

function line(panel, view, row, y, width) {
  const { middle, half } = panel;
  const reach = view.truth ? half * reachOf(row.truth, view.log, view.top) : 0;
  const at = { y: y + (ROW - BAR) / 2, height: BAR };
  const text = (x, anchor, kind, words = "") =>
    svg("text", { x, y: y + ROW / 2 + 4.5, "text-anchor": anchor, class: kind }, words);
  const nodes = {
    teacher: svg("rect", { ...at, x: middle, width: 0, class: "bar teacher" }),
    student: svg("rect", { ...at, x: middle, width: 0, class: "bar student" }),
    left: text((view.worded ? WORD : 0) + VALUE - 6, "end", "value"),
    right: text(width - VALUE + 6, "start", "value"),
  };
  nodes.cuts = [middle - half + 8, middle + half - 14].map((x) => cutMark(x, at));
  const name = shortened(row.word, 15);
  nodes.group = svg("g", { class: row.rest ? "line rest" : "line" },
    svg("rect", { x: 0, y, width, height: ROW, class: "ground" }),
    view.worded ? text(WORD - 8, "end", "word", name) : null,
    nodes.teacher, nodes.student, ...nodes.cuts,
    ...(reach > 3 ? truth(at, middle, reach) : []),
    nodes.left, nodes.right,
    svg("title", {}, row.word));
  nodes.group.onpointerenter = () => panel.on.lit(row.word);
  nodes.group.onpointerleave = () => panel.on.lit(null);
  return nodes;
}

/** The grammar's own P(word), a dashed mark across either bar: a statement at T = 1. */
function truth(at, middle, reach) {
  const rule = (x) => svg("line", { x1: x, x2: x, y1: at.y - 4, y2: at.y + at.height + 4, class: "truth" });
  return [rule(middle - reach), rule(middle + reach)];
}

/** Two slanted gaps in a bar that is longer than the axis. */
function cutMark(x, at) {
  const slash = (from) => `M${from} ${at.y + at.height + 1} l4 -${at.height + 2}`;
  return svg("path", { d: `${slash(x)} ${slash(x + 4)}`, class: "cut" });
}

function summary(view) {
  const side = (name, soft, { bits }) => {
    const words = view.rows.slice(0, 4).map((row, i) => `${row.word} ${probability(soft[i])}`);
    return `${name}: ${words.join(", ")}; ${number(bits, 1)} bits.`;
  };
  const { teacher, student } = view.stats;
  return `${view.title}. ${side("Teacher", view.p, teacher)} ${side("Student", view.q, student)}`;
}
