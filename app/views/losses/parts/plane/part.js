// The plane: drag what the student says, and see how each loss would change it. Everything is computed here;
// the server hears of it once, when the visitor lets go.

import { colorsOf, el, painter, speaker, stateOf, theme } from "../../../../parts/draw.js";
import { comparedOf, lossOf, reasonAgainst, sumOf, titleOf } from "../../../../parts/losses.js";
import { attend, stage, tell } from "../../../../parts/stage.js";
import { descend, newDescent, placeAt } from "./descent.js";
import { makeFigures, showFigures } from "./figures.js";
import { makeHands, showHands } from "./hands.js";
import { bottomOf, channels, COARSE, FINE, landscapeOf, levelsOf, lineOf, shadeInto } from "./landscape.js";
import { draw, layout } from "./picture.js";
import { axesOf, isInRange, rangeOf, subjectOf } from "./subject.js";
import { csvOf, noteOf, sentenceOf } from "./tale.js";

const KEYS = ["lt", "lat", "lax", "lsq", "lob", "lrate", "lsteps"];
const FRAME = 12; // ms that a landscape may take of a frame
const SETTLE = 250; // ms of rest after which key presses count as released
const TARGET = "losses_plane"; // key of the container, whose saved numbers are ours

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.send = (message) => setStateValue("set", message);
  part.colors = colorsOf(root);
  part.shaded = null; // the theme may be another
  receive(part, data);
  (window.kdLive ??= {})[TARGET] = () => ({ csv: csvOf(part.view), sentence: part.finding.textContent });
  const leave = attend(part, paint, part.frame, () => {
    part.now.lt = stage().T;
    part.moved = performance.now();
    part.ask();
  });
  return () => {
    leave();
    part.stop();
    clearTimeout(part.timer);
    delete window.kdLive?.[TARGET];
  };
}

/** The part's state, the same for all its calls. now: the visitor's choices; pending: those sent, by name. */
function build(root) {
  const part = { root, now: {}, given: {}, pending: new Map(), moved: 0 };
  part.ask = painter(() => paint(part));
  part.finding = el("p", { class: "finding", "data-sentence": true });
  part.canvas = el("canvas", { role: "img" });
  part.canvas.redraw = () => {
    part.colors = colorsOf(root);
    part.shaded = null;
    paint(part);
  };
  part.shade = document.createElement("canvas");
  part.frame = el("div", { class: "frame", "data-picture": true }, part.canvas);
  part.read = el("p", { class: "read muted" });
  const spoken = el("p", { class: "sr", role: "status" });
  part.say = speaker(spoken);
  part.change = (values) => change(part, values);
  part.release = () => release(part);
  part.later = () => {
    clearTimeout(part.timer);
    part.timer = setTimeout(part.release, SETTLE);
  };
  const hands = makeHands(part);
  const figures = makeFigures(part);
  root.replaceChildren(
    part.finding,
    el("div", { class: "bench" },
      el("div", { class: "left" }, part.frame, hands.buttons, part.read, hands.rail),
      el("div", { class: "right" }, figures.terms, figures.ends, figures.unit, hands.numbers)),
    spoken);
  return part;
}

/** Take the values of the server in. A value that it has not changed since is the visitor's own. */
function receive(part, data) {
  if (part.hash !== data.scene.hash || part.sceneView !== data.scene.view) {
    [part.hash, part.sceneView] = [data.scene.hash, data.scene.view];
    part.subject = subjectOf(data.scene);
    part.range = null;
  }
  part.terms = data.terms;
  part.termsKey = JSON.stringify(data.terms);
  for (const name of KEYS) {
    const value = JSON.stringify(data.choices[name]);
    const isEcho = part.pending.get(name) === value;
    if (isEcho || value !== part.given[name]) part.pending.delete(name);
    // an echo of what was sent may be older than what the visitor has done since
    if (!isEcho && value !== part.given[name]) [part.now[name], part.range] = [data.choices[name], null];
    part.given[name] = value;
  }
  if (stage().T !== part.now.lt) tell({ T: part.now.lt });
}

/** Other choices: shown in the next frame. */
function change(part, values) {
  Object.assign(part.now, values);
  part.moved = performance.now();
  if ("lt" in values) tell({ T: values.lt });
  part.ask();
}

/** Send what has changed to the server, once. */
function release(part) {
  clearTimeout(part.timer);
  const { now, pending, given } = part;
  const news = KEYS.filter((name) => JSON.stringify(now[name]) !== (pending.get(name) ?? given[name]));
  refit(part);
  part.ask();
  if (!news.length) return;
  for (const name of news) pending.set(name, JSON.stringify(now[name]));
  part.send({ ...now, n: Date.now() }); // n: the same choice twice is still news to the server
  part.say(part.finding.textContent);
}

/** Draw another stretch of the axes, should a point have left the plane. */
function refit(part) {
  const { subject, view, range } = part;
  if (view && range && !isInRange(subject, view.axes, placesOf(view), range)) part.range = null;
}

/** The terms of an objective in this view: those with a loss, and why the others have none. */
function objectiveOf(part, name) {
  const { subject, now, terms } = part;
  const scene = { ...subject, view: subject.view };
  const all = (terms[name] ?? []).map((term, at) => {
    const reason = reasonAgainst(term, scene);
    const loss = reason ? null : lossOf(term, scene, now.lt, now.lsq);
    return { term, at, reason, loss, weight: term.weight, title: titleOf(term, now.lt) };
  });
  const drawn = all.filter(({ loss }) => loss);
  return { name, all, drawn, loss: sumOf(drawn) };
}

/** Everything that a frame shows. */
function viewOf(part) {
  const { subject, now } = part;
  const start = now.lat.length === subject.own.length ? Float64Array.from(now.lat) : subject.own;
  const names = part.terms.b?.length ? ["a", "b"] : ["a"];
  const shown = names.includes(now.lob) ? now.lob : "a";
  const key = JSON.stringify([part.hash, part.termsKey, now.lt, now.lsq, now.lrate, Array.from(start)]);
  if (part.runsKey !== key) {
    part.runsKey = key;
    part.objectives = Object.fromEntries(names.map((name) => [name, objectiveOf(part, name)]));
    part.runs = Object.fromEntries(
      names.map((name) => [name, newDescent(part.objectives[name].loss, start, now.lrate)]));
  }
  for (const name of names) descend(part.runs[name], part.objectives[name].drawn.length ? now.lsteps : 0);
  const here = Object.fromEntries(names.map((name) => [name, placeAt(part.runs[name], now.lsteps)]));
  const axes = axesOf(subject, now.lax);
  const compared = part.objectives[shown].drawn.map(({ term }) => comparedOf(term, subject.teacher)).find(Boolean);
  return {
    subject, start, names, shown, axes, compared, here, now, x: here[shown],
    objectives: part.objectives, runs: part.runs,
    objective: part.objectives[shown], isOwn: start === subject.own || start.every((v, k) => v === subject.own[k]),
  };
}

function paint(part) {
  if (!part.subject) return;
  const view = (part.view = viewOf(part));
  const { subject, axes } = view;
  if (!part.range || part.rangeAxes !== String(axes)) {
    part.rangeAxes = String(axes);
    part.range = rangeOf(subject, axes, placesOf(view));
  }
  view.range = part.range;
  view.land = landOf(part, view);
  view.bottom = view.land && bottomOf(view.land, view.range, axes.map((at) => view.x[at]));
  view.slopes = slopesOf(view);
  const place = (part.place = layout(part.frame.clientWidth, window.innerHeight, part.range));
  part.finding.textContent = sentenceOf(view);
  part.note = noteOf(view);
  if (!part.isRead) part.read.textContent = part.note;
  draw(part, view, place);
  showHands(part, view, place);
  showFigures(part, view);
  publish(view);
}

/** What has to lie on the plane. */
function placesOf({ subject, start, here, compared }) {
  return [subject.teacher, subject.own, start, compared, ...Object.values(here)].filter(Boolean);
}

/** The landscape of the objective that is shown; anew only when something moved that it depends on. */
function landOf(part, view) {
  const { objective, axes, range, x } = view;
  if (!objective.drawn.length) return null;
  const others = Array.from(x, (value, at) => (axes.includes(at) ? 0 : value));
  const key = JSON.stringify([part.hash, part.termsKey, view.shown, view.now.lt, view.now.lsq, axes, range, others]);
  const began = performance.now();
  const isMoving = began - part.moved < SETTLE;
  if (part.landKey !== key || (!isMoving && part.land.cells < FINE)) {
    part.landKey = key;
    part.land = landscapeOf(objective.loss, x, axes, range, isMoving && part.isSlow ? COARSE : FINE);
    if (part.land.cells === FINE) part.isSlow = performance.now() - began > FRAME;
    else setTimeout(part.ask, SETTLE);
    part.land.lines = levelsOf(part.land).map((level) => lineOf(part.land, level));
    part.shaded = null;
  }
  if (part.shaded !== part.land) {
    part.shaded = part.land;
    shadeInto(part.shade, part.land, channels(part.colors.background), channels(part.colors.text));
  }
  return part.land;
}

/** The value of each term where the student stands, and its weighted gradient. */
function slopesOf({ objective, x }) {
  return objective.drawn.map((piece) => {
    const slope = new Float64Array(x.length);
    const value = piece.loss(x, slope);
    for (let k = 0; k < slope.length; k++) slope[k] *= piece.weight;
    return { ...piece, value, slope };
  });
}

/** Tell the other parts of the page what is shown. */
function publish(view) {
  const terms = view.slopes.map(({ term, weight, value, slope }) => ({
    name: term.name, weight, value, gradient: Math.hypot(...slope),
  }));
  const total = terms.reduce((sum, { weight, value }) => sum + weight * value, 0);
  const bench = { view: view.subject.view, shown: view.shown, x: Array.from(view.start) };
  const text = JSON.stringify([bench, terms]);
  window.kdLosses = { T: view.now.lt, ...bench, terms, total };
  if (stage().benchText !== text) tell({ benchText: text, bench });
}
