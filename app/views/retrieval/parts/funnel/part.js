// The funnel: two cuts under the hand; quality by the truth and time follow in the browser.
// All scores are sent at once; a drag sends one message, when it is released.

import { el, enlarged, floats, painter, speaker, stateOf, svg, theme } from "../../../../parts/draw.js";
import { roundUp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { integer, number } from "../../../../parts/words.js";
import { ceilingOf, stepsOf, timesOf } from "./cuts.js";

const LABELS = { candidates: "ads that ANN hands on", reordered: "ads that the teacher reads" };
const SIZE = { height: 330, left: 36, top: 26, bottom: 62, right: 16 };
const HEAD = ["step", "ads read", "ads left", "ms per query", "nDCG", "ceiling of what it hands on"];

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const view = stateOf(parentElement, () => create(root));
  view.send = (cuts) => setStateValue("cuts", cuts);
  if (view.hash !== data.hash) {
    view.queries = queriesOf(data);
    view.hash = data.hash;
    view.curve = null;
  }
  view.data = data;
  view.root = root;
  if (!view.busy) Object.assign(view, { candidates: data.candidates, reordered: data.reordered });
  view.paint();
  view.watch.observe(root);
  return () => {
    view.watch.disconnect();
    view.paint.cancel();
  };
}

function create(root) {
  const find = (name) => root.querySelector(name);
  const view = { hands: { candidates: find(".candidates"), reordered: find(".reordered") }, boxes: {} };
  view.say = speaker(find("[aria-live]"));
  view.paint = painter(() => draw(view));
  view.watch = new ResizeObserver(() => view.paint());
  for (const [name, hand] of Object.entries(view.hands)) {
    hand.oninput = () => {
      view.busy = true;
      view[name] = Number(hand.value);
      view.paint();
    };
    hand.onchange = () => send(view);
    view.boxes[name] = boxOf(view, name, hand);
    hand.closest(".cut").append(view.boxes[name].node);
  }
  return view;
}

/** A box for a typed cut; what is no whole number of the range is refused, and the range is said. */
function boxOf(view, name, hand) {
  return numberBox({
    label: LABELS[name],
    low: Number(hand.min),
    high: Number(hand.max),
    step: (value, way) => Math.round(value) + way,
    take: (value) => {
      view[name] = Math.round(value);
      send(view);
      view.paint();
    },
  });
}

function send(view) {
  view.busy = false;
  view.send({ candidates: view.candidates, reordered: view.reordered });
}

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** The queries of the flat arrays that Python sent. */
function queriesOf(data) {
  const [ids, student, teacher, gains, best] = ["ids", "student", "teacher", "gains", "best"].map((name) =>
    floats(bytesOf(data[name]), name === "ids" ? Int32Array : Float32Array),
  );
  return data.starts.slice(0, -1).map((start, i) => {
    const end = data.starts[i + 1];
    const cut = (values) => values.slice(start, end);
    const most = data.most;
    return {
      ids: cut(ids),
      student: cut(student),
      teacher: cut(teacher),
      gains: cut(gains),
      best: best.slice(i * most, (i + 1) * most),
    };
  });
}

function draw(view) {
  const { data, queries, candidates, root } = view;
  const reordered = Math.min(view.reordered, candidates);
  for (const [name, hand] of Object.entries(view.hands)) {
    hand.value = view[name];
    view.boxes[name].set(view[name]);
  }
  const { values, n } = stepsOf(queries, candidates, reordered, data.depth);
  const times = timesOf(data.times, candidates, reordered);
  const ceiling = ceilingOf(queries, candidates, data.depth);
  const total = times.reduce((sum, each) => sum + each, 0);
  const words =
    `${integer(data.ads)} ads → ${candidates} → teacher on ${reordered}: nDCG@${data.depth} ${number(values[2])} ` +
    `in ${number(total, 1)} ms per query (n = ${n}). Before the teacher ${number(values[1])}; a perfect ` +
    `re-rank of what ANN hands on ${number(ceiling)}.`;
  root.querySelector(".says").textContent = words;
  if (view.busy) view.say(words);
  table(view, { values, n, times, ceiling, candidates, reordered });
  curve(view, { value: values[2], n, total, ceiling, words });
}

function table(view, { values, n, times, ceiling, candidates, reordered }) {
  const { data, root } = view;
  const depth = `nDCG@${data.depth} [95 %], n = ${n}`;
  const ends = isSent(view, candidates, reordered) ? data.ends : [];
  const [first, own, last, most] = [...values, ceiling].map((value, i) => within(value, ends[i]));
  const alone = data.times.teacher * data.ads;
  const rows = [
    ["student's vector of the query", null, null, data.times.query, null, null],
    [`ANN: ${data.search}`, data.compared, integer(candidates), data.times.search, first, most],
    ["student's own order", integer(candidates), integer(candidates), times[1], own, null],
    ["teacher's re-rank", integer(reordered), integer(candidates), times[2], last, null],
    ...sameOf(data, ends.length, integer(reordered), times),
    ["teacher alone, over all ads", integer(data.ads), integer(data.ads), alone, aloneOf(data), null],
  ];
  const cell = (value, digits) =>
    value === null ? "–" : typeof value === "string" ? value : number(value, digits);
  const heads = HEAD.map((name, i) => el("th", { class: i ? "num" : "", scope: "col" }, i === 4 ? depth : name));
  root.querySelector("thead").replaceChildren(el("tr", {}, ...heads));
  root.querySelector("tbody").replaceChildren(
    ...rows.map(([name, read, on, ms, value, most]) => {
      const cells = [read, on, ms < 100 ? cell(ms, 2) : integer(Math.round(ms)), cell(value, 3), cell(most, 3)];
      return el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((c) => el("td", { class: "num" }, c)));
    }),
  );
}

/** Whether the intervals that Python sent are of these cuts; while a cut is dragged they are not. */
function isSent({ data }, candidates, reordered) {
  return data.cuts[0] === candidates && (reordered === undefined || data.cuts[1] === reordered);
}

/** A value with the ends of its interval, where they are known. */
function within(value, ends) {
  return ends?.length ? `${number(value)} [${ends.map((each) => number(each)).join(", ")}]` : number(value);
}

/** The funnel on the queries that the teacher alone answered: n = 20 beside n = 100 says nothing. */
function sameOf({ same, aloneQueries }, sent, read, times) {
  if (!same) return [];
  const value = sent ? `${within(same[0], same.slice(1))}, ${aloneQueries} queries` : "follows";
  const total = times.reduce((sum, each) => sum + each, 0);
  return [[`all steps, on the ${aloneQueries} queries of the row below`, read, null, total, value, null]];
}

/** The teacher that reads every ad: its nDCG with its interval and its queries, where measured. */
function aloneOf({ alone, aloneQueries }) {
  if (!alone) return "not measured";
  return `${within(alone[0], alone.slice(1))}, ${aloneQueries} queries`;
}

/** Total time against quality as the teacher reads more, with the chosen cut as a ring. */
function curve(view, now) {
  const { data, queries, candidates, root } = view;
  if (view.curve?.candidates !== candidates) {
    const points = data.reads.filter((reads) => reads <= candidates).map((reads) => ({
      reads,
      value: stepsOf(queries, candidates, reads, data.depth).values[2],
      total: timesOf(data.times, candidates, reads).reduce((sum, each) => sum + each, 0),
    }));
    view.curve = { candidates, points };
  }
  const { points } = view.curve;
  const size = enlarged(); // a projector's texts are larger, and so is the picture
  const width = Math.max(280, root.clientWidth / size);
  const scale = scalesOf(width, Math.max(...points.map((p) => p.total), now.total));
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${SIZE.height}`,
    height: SIZE.height * size,
    role: "img",
    "data-picture": true,
    "aria-label": now.words,
  });
  picture.append(...axes(view, scale), ...level(scale, now.ceiling));
  const line = points.map((p, i) => `${i ? "L" : "M"}${scale.x(p.total)} ${scale.y(p.value)}`).join("");
  picture.append(svg("path", { d: line, class: "curve" }));
  let free = -Infinity; // up to where a number beside a dot reaches
  const ends = isSent(view, candidates) ? data.curveEnds : [];
  points.forEach((p, at) => {
    const [x, y] = [scale.x(p.total), scale.y(p.value)];
    const words = `teacher reads ${p.reads}: ${within(p.value, ends[at])}, n = ${now.n}, in ${number(p.total, 1)} ms`;
    const title = svg("title", {}, words);
    picture.append(svg("circle", { cx: x, cy: y, r: 4, class: "dot" }, title));
    if (x - 12 < free) return;
    picture.append(svg("text", { x, y: y + 24, class: "reads", "text-anchor": "middle" }, p.reads));
    free = x + 12;
  });
  picture.append(svg("circle", { cx: scale.x(now.total), cy: scale.y(now.value), r: 9, class: "now" }));
  root.querySelector(".picture").replaceChildren(picture);
}

function scalesOf(width, longest) {
  const { height, left, right, top, bottom } = SIZE;
  const most = longest * 1.05 || 1;
  return {
    width,
    most,
    x: (ms) => left + (ms / most) * (width - left - right),
    y: (value) => height - bottom - value * (height - top - bottom),
  };
}

/** Round marks along both axes, and what the axes hold. */
function axes({ data, candidates }, { width, most, x, y }) {
  const { height, left, right, top, bottom } = SIZE;
  const shapes = [];
  for (const value of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    shapes.push(
      svg("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "grid" }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value, 1)),
    );
  }
  const step = roundUp(most / Math.max(2, Math.floor((width - left - right) / 70)), [1, 2, 5, 10]);
  for (let ms = 0; ms <= most; ms += step) {
    shapes.push(
      svg("line", { x1: x(ms), x2: x(ms), y1: top, y2: height - bottom, class: "grid" }),
      svg("text", { x: x(ms), y: height - bottom + 16, "text-anchor": "middle" }, `${Number(ms.toPrecision(6))}`),
    );
  }
  const reads = `Numbers at the marks: ads that the teacher reads, 0 to ${candidates}.`;
  shapes.push(
    svg("text", { x: 0, y: 12 }, `nDCG@${data.depth} by the truth, mean`),
    svg("text", { x: left, y: height - 24 }, "ms per query, all steps together"),
    svg("text", { x: left, y: height - 7 }, reads),
  );
  return shapes;
}

/** A line across: what a perfect re-rank of the ads handed on would reach. */
function level({ width, y }, ceiling) {
  const words = `ceiling of what ANN hands on ${number(ceiling)}`;
  const [x1, x2] = [SIZE.left, width - SIZE.right];
  return [
    svg("line", { x1, x2, y1: y(ceiling), y2: y(ceiling), class: "ceiling" }),
    svg("text", { x: x2, y: y(ceiling) - 5, "text-anchor": "end" }, words),
  ];
}
