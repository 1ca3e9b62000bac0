// Joint density of teacher and student: two thresholds and a box by mouse or by sliders, the cube
// beside it. Everything moves here; Python hears once, when a gesture ends.

import { shade } from "../../../../parts/cividis.js";
import { colorsOf, el, fit, fontOf, painter, speaker, stateOf, theme } from "../../../../parts/draw.js";
import { integer, number } from "../../../../parts/words.js";
import { fillCard, pairCard } from "./card.js";
import {
  BINS, cellOf, CELLS, count, goldOf, histogram2d, index, inside, NO_LABEL, tally, unpack,
} from "./counts.js";
import { cubeTables, fillCube } from "./cube.js";
import { boxFields, change, choices, go, listen, press, send, sliders, syncFields } from "./hands.js";
import { draw, layout, paintBins } from "./picture.js";
import { bestCut, fillRates, rateTable } from "./rates.js";

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.setStateValue = setStateValue;
  part.data = data;
  part.colors = colorsOf(root);
  adopt(part, data);
  part.leave ??= attend(part);
  take(part);
  return part.leave;
}

/** Follow the points of the page and the width of the picture, until the returned function is called. */
function attend(part) {
  const stop = new AbortController();
  window.addEventListener("kd:points", () => take(part), { signal: stop.signal });
  const watcher = new ResizeObserver(part.ask);
  watcher.observe(part.frame);
  return () => {
    stop.abort();
    watcher.disconnect();
    part.ask.cancel();
    part.leave = null;
  };
}

function build(root) {
  const part = { root, n: -1, ct: 0.5, cs: 0.5, box: null, chosen: new Uint8Array(12).fill(1), pair: -1, hover: -1 };
  part.ask = painter(() => paint(part));
  const redraw = () => {
    part.colors = colorsOf(root);
    part.stale = true; // the bins are a picture of their own, in the theme's colors
    paint(part);
  };
  part.canvas = el("canvas", { role: "img" });
  part.canvas.redraw = redraw;
  part.frame = el("div", { class: "frame", "data-picture": true }, part.canvas);
  part.cube = cubeTables((cell) => press(part, cell));
  part.rates = rateTable((role, cut) => {
    change(part, role === "teacher" ? { ct: cut } : { cs: cut });
    send(part);
  });
  part.card = pairCard((by) => go(part, by));
  part.status = el("p", { class: "status num", role: "status" });
  part.say = speaker(part.status);
  const left = el("div", { class: "left" }, part.frame, legend(part), sliders(part), boxFields(part), part.status);
  const right = el(
    "div",
    { class: "right" },
    part.card.node,
    el(
      "section",
      { "aria-label": "Who is right", "data-picture": true },
      el("h3", {}, "Who is right"),
      part.cube.node,
      part.rates.node,
    ),
    (part.note = el("p", { class: "muted note" })),
  );
  root.replaceChildren(el("div", { class: "joint" }, left, right));
  listen(part);
  return part;
}

function legend(part) {
  part.ramp = el("canvas", { class: "ramp", width: 64, height: 1, "aria-hidden": "true" });
  part.most = el("span", { class: "num" });
  return el("div", { class: "row legend muted", "data-picture": true }, "1 pair", part.ramp, part.most, "log scale",
    el("span", { "data-unpictured": true }, "Drag to select, click a point to read it."));
}

/** Python's values, unless newer ones of the visitor's are on their way to it. */
function adopt(part, data) {
  if (part.n < 0) part.n = data.seen;
  if (data.seen < part.n || part.busy) return;
  part.n = data.seen;
  part.ct = data.ct;
  part.cs = data.cs;
  part.box = data.box.length === 4 ? data.box : null;
  part.picked = data.cells.length > 0;
  part.chosen = Uint8Array.from(CELLS, (name) => (!part.picked || data.cells.includes(name) ? 1 : 0));
  part.pair = data.pair ? data.pair.row : -1;
  part.chosenPair = data.chosen; // -1: the page chose the pair, and may choose another
  part.lastSent = choices(part);
}

/** Take the points when they are on the page; counting needs them. */
function take(part) {
  const raw = window.kdPoints?.get(part.data.points);
  if (raw && part.raw !== raw) {
    part.raw = raw;
    part.points = { ...raw, gold: goldOf(raw.grade, part.data.relevant_from) };
    part.index = index(part.points);
    part.tally = tally(part.points);
    part.grid = new Int32Array(BINS * BINS);
    [part.across, part.up] = [new Int32Array(BINS), new Int32Array(BINS)];
    part.bits = null;
    part.hover = -1;
  }
  if (raw && part.bits !== part.data.mask) {
    part.bits = part.data.mask;
    part.mask = unpack(part.bits, raw.x.length);
  }
  part.stale = true;
  part.ask();
}

/** The picture, then the tables and words beside it: one layout of the page per frame. */
function paint(part) {
  const { points } = part;
  if (!points) return;
  const place = (part.place = layout(part.frame.clientWidth));
  const [context] = fit(part.canvas, place.height);
  if (part.stale) {
    count(points, part, part.tally);
    recolor(part);
  }
  const { teacher, student, muted, grid, text, background } = part.colors;
  draw(context, place, {
    bins: part.bins, across: part.across, up: part.up, quadrants: part.tally.quadrants,
    ct: part.ct, cs: part.cs, box: part.box, pair: part.pair, hover: part.hover,
    at: (row) => [points.x[row], points.y[row]],
    colors: { teacher, student, muted, grid, ink: text, paper: background },
    font: fontOf(part.root, place.small ? 11 : 12), marks: part.data.marks,
  });
  if (part.stale) {
    fillCube(part.cube, part.tally, part.chosen, part.picked, Boolean(points.z));
    fillRates(part.rates, part.tally, Boolean(points.z), bestCuts(part));
    part.stale = false;
  }
  words(part);
  part.canvas.dataset.frame = String(Number(part.canvas.dataset.frame ?? 0) + 1);
}

/** The best threshold of each model on the counted pairs; anew only when these change. */
function bestCuts(part) {
  const { points, mask, box } = part;
  const key = `${part.data.points} ${part.bits} ${box}`;
  if (part.cutsKey === key) return part.cuts;
  const within = (i) => (!mask || mask[i]) && inside(box, points.x[i], points.y[i]);
  part.cutsKey = key;
  part.cuts = {
    teacher: bestCut(points.x, points.gold, within),
    student: bestCut(points.y, points.gold, within),
    twin: points.z ? bestCut(points.z, points.gold, within) : NaN,
  };
  return part.cuts;
}

/** The bins anew, but not while a threshold moves that changes no bin. */
function recolor(part) {
  const dark = part.root.hasAttribute("data-dark");
  const key = `${part.data.points} ${part.bits} ${dark} ${part.picked}`;
  if (key === part.binsKey && !part.picked) return;
  part.binsKey = key;
  histogram2d(part.points, part.tally.shown, part.grid, part.across, part.up);
  part.bins ??= document.createElement("canvas");
  part.most.textContent = `${integer(paintBins(part.grid, dark, part.bins))} pairs`;
  paintRamp(part, dark);
}

function paintRamp(part, dark) {
  const context = part.ramp.getContext("2d");
  for (let i = 0; i < 64; i++) {
    context.fillStyle = `rgb(${shade(i / 63, dark).join(" ")})`;
    context.fillRect(i, 0, 1, 1);
  }
}

/** Sliders, card and sentences say what the picture shows. */
function words(part) {
  const { points, tally } = part;
  syncFields(part);
  const row = part.hover >= 0 ? part.hover : part.pair;
  const some = row >= 0 && row < points.x.length;
  const [x, y] = some ? [points.x[row], points.y[row]] : [0, 0];
  const grade = some ? points.grade[row] : NO_LABEL;
  fillCard(part.card, {
    pair: part.data.pair,
    outside: some && !(tally.shown[row] && inside(part.box, x, y)),
    row: some ? row : -1,
    x, y, z: some && points.z ? points.z[row] : null,
    cell: some ? cellOf(points.gold[row], x, y, part.ct, part.cs) : 8,
    ct: part.ct, cs: part.cs, hovered: part.hover >= 0 && part.hover !== part.pair,
    gradeName: grade === NO_LABEL ? "none" : part.data.grades[grade],
  });
  const q = tally.quadrants;
  part.canvas.setAttribute(
    "aria-label",
    `Joint density of ${tally.drawn} pairs. Both say relevant ${q[3]}, only the teacher ${q[2]}, ` +
      `only the student ${q[1]}, neither ${q[0]}, at thresholds ${number(part.ct, 2)} and ${number(part.cs, 2)}.`,
  );
  part.say(
    part.box
      ? `${integer(tally.boxed)} of ${integer(tally.drawn)} pairs in the box.`
      : `${integer(tally.drawn)} pairs shown; the two models differ on ${integer(q[1] + q[2])}.`,
  );
  const twin = points.z ? " ▲▼: against the twin, the same student trained on labels alone." : "";
  part.note.textContent =
    `Yes and no: P(relevant) against each threshold.${twin} Press cells to keep only their pairs.`;
}
