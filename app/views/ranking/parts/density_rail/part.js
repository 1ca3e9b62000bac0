// Label density in the top k: shares of two models and their difference, while k is dragged.
// Every depth lies in data; a drag sends nothing, the release sends k once.

import { painter, stateOf, svg, theme } from "../../../../parts/draw.js";
import { integer, percent } from "../../../../parts/words.js";
import {
  axes, bareRow, changes, changeText, colorOf, ends, fillOf, gradeRow, legend, patterns, placeOf,
  profile, sharesOf, testText,
} from "./marks.js";

const PAUSE = 150; // ms of rest after which a key press counts as released

// where the axis of the change may end
const STEPS = {
  points: [2, 3, 5, 8, 10, 15, 20, 30, 40, 60, 80, 100],
  relative: [0.1, 0.2, 0.3, 0.5, 0.8, 1],
};

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const rail = stateOf(parentElement, () => newRail(root));
  Object.assign(rail, { data, send: setStateValue });
  receive(rail);
  arrange(rail);
  for (const box of [rail.picture, rail.profile]) rail.watch.observe(box);
  return () => {
    rail.watch.disconnect();
    rail.paint.cancel();
  };
}

/** The server's k, unless a newer one of the visitor's is on its way there. */
function receive(rail) {
  if (rail.sent === rail.data.k) rail.sent = null;
  if (!rail.moving && rail.sent === null) rail.k = rail.data.k;
}

function newRail(root) {
  const find = (selector) => root.querySelector(selector);
  const rail = {
    legend: find(".who"),
    picture: find(".picture"),
    profile: find(".over"),
    what: find(".what"),
    input: find("input"),
    value: find("output"),
    note: find(".note"),
    timer: 0,
    moving: false, // between the first input and the release
    sent: null, // released, not yet answered
  };
  rail.paint = painter(() => paint(rail));
  rail.watch = new ResizeObserver(() => {
    const isResized = rail.picture.clientWidth !== rail.width || rail.profile.clientWidth !== rail.reach;
    if (isResized) arrange(rail);
  });
  rail.input.oninput = () => {
    rail.k = Number(rail.input.value);
    rail.moving = true;
    clearTimeout(rail.timer);
    rail.paint();
  };
  rail.input.onchange = () => {
    clearTimeout(rail.timer);
    rail.timer = setTimeout(() => release(rail), PAUSE);
  };
  return rail;
}

function release(rail) {
  rail.moving = false;
  if (rail.k === (rail.sent ?? rail.data.k)) return;
  rail.sent = rail.k;
  rail.send("k", rail.k);
}

/** Everything that does not change while k is dragged: columns, axes, names, one node per mark. */
function arrange(rail) {
  const { data, picture } = rail;
  rail.width = picture.clientWidth || 640;
  rail.input.max = data.deepest;
  rail.input.value = rail.k;
  rail.limit = limitOf(data);
  const plan = planOf(rail.width, data);
  rail.svg = svg("svg", { width: plan.width, height: plan.height, role: "img", class: "density" });
  rail.svg.append(patterns(data));
  axes(rail.svg, plan, rail.limit, data);
  rail.rows = data.grades.map((_, grade) => gradeRow(rail.svg, plan, grade, data, rail.limit));
  rail.bare = plan.bare ? bareRow(rail.svg, plan, data) : null;
  picture.replaceChildren(rail.svg);
  legend(rail.legend, data);
  rail.what.textContent = `${data.grades.at(-1)}, ${data.reading === "points" ? "A − B" : "A / B − 1"}`;
  rail.reach = rail.profile.clientWidth; // after the words beside it, which narrow it
  rail.bars = profile(rail.profile, data);
  paint(rail);
}

/** Where things stand: three columns on a wide screen, stacked in a row on a narrow one. */
function planOf(width, data) {
  const wide = width >= 640;
  const shares = [...data.a.coverage, ...data.b.coverage];
  const bare = shares.some((share) => share !== null && share < 1);
  const row = wide ? 47 : 112;
  const top = wide ? 46 : 8;
  const classes = data.grades.length;
  return {
    wide,
    width,
    row,
    top,
    bare,
    share: wide ? [88, width * 0.43 - 56] : [0, width - 66],
    change: wide ? [width * 0.46, width * 0.74] : [0, width],
    text: width * 0.77,
    height: top + row * classes + (bare ? 62 : 0) + 6,
    y: (grade) => top + row * (classes - 1 - grade), // best first: what a searcher wants
  };
}

/** One axis for all depths, so that a drag shows change only: the largest change at any k. */
function limitOf(data) {
  const steps = STEPS[data.reading] ?? STEPS.relative;
  let most = 0;
  for (let k = 1; k <= data.deepest; k++) {
    for (const value of changes(data, k)) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  }
  for (const value of data.paper ?? []) most = Math.max(most, Math.abs(value));
  return steps.find((step) => step >= most) ?? steps.at(-1);
}

function paint(rail) {
  const { data, k } = rail;
  const change = changes(data, k);
  const both = { a: sharesOf(data.a, data, k), b: sharesOf(data.b, data, k) };
  const tests = data.tested?.k === k ? data.tested.rows : null;
  rail.rows.forEach((row, grade) => {
    for (const side of ["a", "b"]) shareBar(row[side], both[side][grade]);
    changeBar(row, change[grade], rail.limit, data);
    whisker(row, tests?.[grade], rail.limit, data);
    row.number.textContent = Number.isFinite(change[grade]) ? changeText(change[grade], data) : "not defined";
    row.test.textContent = tests ? testText(tests[grade], data) : "";
  });
  if (rail.bare) for (const side of ["a", "b"]) bareBar(rail.bare[side], data[side].coverage[k - 1]);
  rail.bars.forEach((bar, at) => bar.setAttribute("class", at + 1 === k ? "now" : "other"));
  rail.value.textContent = `k = ${k}`;
  const text = sentence(data, both, change);
  rail.input.setAttribute("aria-valuetext", `${k}: ${text}`);
  rail.svg.setAttribute("aria-label", `Label shares in the top ${k}: ${text}`);
  rail.note.textContent = noteOf(data, k, tests);
}

function shareBar(bar, share) {
  const isLabelled = share !== null;
  const width = (isLabelled ? share : 1) * (bar.to - bar.from);
  bar.mark.setAttribute("width", width);
  bar.mark.style.fill = isLabelled ? bar.fill : "url(#bare)";
  bar.text.setAttribute("x", bar.from + width + 6);
  bar.text.textContent = isLabelled ? percent(share, 1) : "unlabelled";
}

function bareBar(bar, coverage) {
  const width = (coverage === null ? 0 : 1 - coverage) * (bar.to - bar.from);
  bar.mark.setAttribute("width", width);
  bar.text.setAttribute("x", bar.from + width + 6);
  bar.text.textContent = coverage === null ? "–" : percent(1 - coverage, 1);
}

function changeBar(row, value, limit, data) {
  const zero = placeOf(0, limit, row.from, row.to);
  const at = Number.isFinite(value) ? placeOf(value, limit, row.from, row.to) : zero;
  const side = value >= 0 ? "a" : "b";
  row.change.setAttribute("x", Math.min(at, zero));
  row.change.setAttribute("width", Math.abs(at - zero));
  row.change.style.fill = fillOf(side, data);
  row.change.style.stroke = colorOf(data[side].role);
}

function whisker(row, test, limit, data) {
  const interval = ends(test, data);
  if (!interval.every(Number.isFinite)) {
    row.whisker.setAttribute("d", "");
    return;
  }
  const [x0, x1] = interval.map((end) => placeOf(end, limit, row.from, row.to));
  const y = row.middle;
  row.whisker.setAttribute("d", `M${x0} ${y}H${x1}M${x0} ${y - 5}v10M${x1} ${y - 5}v10`);
}

function sentence(data, both, change) {
  const best = data.grades.length - 1;
  const read = (share) => (share === null ? "unlabelled" : percent(share, 1));
  const by = Number.isFinite(change[best]) ? `, ${changeText(change[best], data)}` : "";
  return `${data.grades[best]} ${read(both.a[best])} in A, ${read(both.b[best])} in B${by}`;
}

function noteOf(data, k, tests) {
  const [a, b] = [data.a, data.b].map((side) => integer(side.judged[k - 1]));
  const how = data.pooled ? "pooled over queries" : "mean of each query's shares";
  const wait = tests || !data.pooled ? "" : " Release to test this depth.";
  return `Of ${a} (A) and ${b} (B) labelled ads in the top ${k}, ${how}.${wait}`;
}
