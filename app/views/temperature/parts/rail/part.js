// Temperature: drag it, and the soft labels of one pair and the relevance of all pairs move with
// it. Everything is computed here; the server hears of it once, when the visitor lets go.

import { makeBars } from "../../../../parts/bars.js";
import { low, painter, speaker, stateOf, theme } from "../../../../parts/draw.js";
import { histogram, relevance, relevanceInto, softmax, survey } from "../../../../parts/maths.js";
import { mirrored, probabilityAxis, readBins, useCanvas } from "../../../../parts/mirror.js";
import { attend, holds, rowOf, stage, tell } from "../../../../parts/stage.js";
import { makeRail, makeSweep, showMarks, showRail, stepped } from "../../../../parts/temperature_rail.js";
import { integer, probability } from "../../../../parts/words.js";
import { makeFigures, makeTools } from "./figures.js";
import { guessing, makeGuess, paintGuess } from "./guess.js";

const BINS = 50;
const SETTLE = 250; // ms of rest after which key presses count as released

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.root = root;
  part.send = (message) => setStateValue("set", message);
  useCanvas(part, root, paint);
  receive(part, data);
  document.addEventListener("keydown", part.outside);
  const leave = attend(part, paint, part.canvas);
  return () => {
    leave();
    document.documentElement.removeAttribute("data-kd-ahead");
    document.removeEventListener("keydown", part.outside);
    part.sweep.stop();
    clearTimeout(part.timer);
  };
}

/** The part's state, the same for all its calls. now: the visitor's choices; pending: those sent, by name. */
function build(root) {
  const find = (selector) => root.querySelector(selector);
  const part = {
    now: {},
    pending: new Map(),
    root,
    canvas: find("canvas"),
    read: find(".read"),
    title: find(".title"),
  };
  part.say = speaker(find(".said"));
  part.ask = painter(() => paint(part));
  const on = { move: (role, T) => move(part, role, T), done: () => release(part) };
  part.rails = { teacher: makeRail("teacher", on), student: makeRail("student", on) };
  part.tools = makeTools(part, { play: () => part.sweep.toggle(), release, spread });
  part.sweep = makeSweep({
    start: () => part.now.T,
    show: part.tools.playing,
    move: (T) => ["teacher", "student"].forEach((role) => move(part, role, T)),
    done: () => release(part),
  });
  part.figures = makeFigures();
  find(".rails").replaceChildren(
    part.rails.teacher.node, part.rails.student.node, part.tools.node, part.figures.node);
  root.onkeydown = (event) => press(part, event);
  part.outside = (event) => {
    // the keys of the list act everywhere on the page, unless a control has the focus
    if (part.data?.keys && event.key.match(/^(Arrow.*| )$/) && nowhere()) press(part, event);
  };
  readBins(part);
  return part;
}

/** Take the values of the server in. A value that it has not changed since is the visitor's own. */
function receive(part, data) {
  const names = data.names.join("\u0000");
  if (part.names !== names) {
    part.names = names;
    part.bars = makeBars(part.root.querySelector(".bars"), data.names);
    part.guess = makeGuess(part.root.querySelector("section.guess"), data.names, part.ask);
  }
  for (const name of data.sent) {
    const echo = part.pending.get(name) === data[name];
    if (echo || data[name] !== part.data?.[name]) part.pending.delete(name);
    // an echo of what was sent may be older than what the visitor has done since
    if (!echo && data[name] !== part.data?.[name]) part.now[name] = data[name];
  }
  part.data = data;
  part.marked = null; // the marks may be others: paint sets them anew
  spread(part);
}

/** Tell the stage; when linked, the student's temperature is the teacher's. */
function spread(part) {
  const { T, Ts, linked, pair, same } = part.now;
  tell({ T, Ts: linked ? T : Ts, pair, same, replay: part.data.replay });
}

function move(part, role, T) {
  if (part.now.linked || role === "teacher") part.now.T = T;
  if (part.now.linked || role === "student") part.now.Ts = T;
  spread(part);
}

/** Send what has changed to the server, once. */
function release(part) {
  clearTimeout(part.timer);
  const { data, now, pending } = part;
  const changes = data.sent.filter((name) => now[name] !== (pending.get(name) ?? data[name]));
  if (!changes.length) return;
  for (const name of changes) pending.set(name, now[name]);
  part.send({ ...now, n: Date.now() }); // n: the same choice twice is still news to the server
  part.say(part.figures.words());
}

/** The same when the keys have rested. */
function later(part) {
  clearTimeout(part.timer);
  part.timer = setTimeout(() => release(part), SETTLE);
}

/** ← → move T, ↑ ↓ go to another pair, the space bar plays; other controls keep their own keys. */
function press(part, event) {
  const target = event.composedPath()[0];
  const own = target.type === "range" && !Object.values(part.rails).some((rail) => rail.input === target);
  const side = target === part.rails.student.input ? "student" : "teacher";
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const turn = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.altKey || event.ctrlKey || event.metaKey || own || target.matches?.(".typed")) return;
  if (way) {
    const from = side === "student" && !part.now.linked ? part.now.Ts : part.now.T;
    move(part, side, stepped(from, way, event.shiftKey));
    later(part);
  } else if (turn) {
    const rows = part.data.rows;
    part.now.pair = (part.now.pair + turn + rows) % rows;
    spread(part);
    later(part);
  } else if (event.key === " " && target.type !== "checkbox" && target.tagName !== "BUTTON") part.sweep.toggle();
  else return;
  event.preventDefault();
}

/** Whether no control has the focus: the page itself, or something that only shows. */
function nowhere() {
  const at = document.activeElement;
  if (!at || at === document.body) return true;
  const acts = "a[href], button, input, select, textarea, summary, [contenteditable], [role], canvas, iframe";
  return !at.shadowRoot && !at.matches(acts) && !at.closest("[role=dialog]");
}

/** Row of flat logits that is shown: the browser's own when it has them, else the server's one. */
function viewOf(part) {
  const { world, pair, T, Ts, lit } = stage();
  const { data } = part;
  const view = { T, Ts, lit, log: part.now.log, names: data.names, titles: data.titles };
  if (holds(world, pair) && world.hash === data.hash) {
    const z = (flat) => flat && rowOf(flat, pair, world.classes);
    view.z = { teacher: z(world.teacher), student: z(world.student), twin: z(world.twin) };
    return { ...view, grade: world.labels[pair], truth: z(world.truth), world };
  }
  return { ...view, z: data.here.z, grade: data.here.grade, truth: data.here.truth, world: null };
}

function paint(part) {
  const view = viewOf(part);
  const { T, Ts, linked } = { ...part.now, ...stage() };
  markAhead(part, T, linked ? T : Ts);
  showRail(part.rails.teacher, T, linked ? "Temperature T" : "Teacher's T");
  showRail(part.rails.student, Ts, "Student's T");
  part.rails.student.node.hidden = linked;
  part.rails.teacher.node.toggleAttribute("data-alone", !linked);
  if (part.marked !== linked) marksOf(part, linked);
  part.tools.show(part.now);
  view.hidden = guessing(part.guess, part.now.guess, stage().pair);
  view.guess = part.guess.p;
  if (stage().hidden !== view.hidden) tell({ hidden: view.hidden });
  part.bars(view);
  paintGuess(part.guess, view);
  const means = paintSet(part, view);
  part.figures.show(view, means, part.data);
}

/** While the picture is ahead of the server, the page's sentence is of another T: it fades. */
function markAhead({ data, now }, T, Ts) {
  const ahead = T !== data.T || (!now.linked && Ts !== data.Ts) || now.pair !== data.pair;
  document.documentElement.toggleAttribute("data-kd-ahead", ahead);
}

function marksOf(part, linked) {
  part.marked = linked;
  showMarks(part.rails, part.tools.chips, part.data.marks, linked, (mark) => {
    move(part, mark.role, mark.T);
    release(part);
  });
}

/** The density of relevance over all pairs; returns the means of the same pass. */
function paintSet(part, view) {
  const { data, colors } = part;
  const { world, z } = view;
  const p = relevance(softmax(z.teacher, view.T), data.relevantFrom);
  const q = relevance(softmax(z.student, view.Ts), data.relevantFrom);
  const side = (role, mark) => ({ role, mark, n: world?.rows ?? 0, counts: new Float64Array(BINS) });
  const [up, down] = [side("teacher", p), side("student", view.hidden ? NaN : q)];
  let means = null;
  let line = null;
  if (world) {
    part.room = part.room?.length === world.rows ? part.room : new Float64Array(world.rows);
    part.more = part.more?.length === world.rows ? part.more : new Float64Array(world.rows);
    const { teacher, student, classes } = world;
    means = survey(teacher, student, classes, view.T, view.Ts, data.relevantFrom, part.room, part.more);
    histogram(part.room, BINS, up.counts);
    histogram(part.more, BINS, down.counts);
    if (world.twin) {
      relevanceInto(world.twin, world.classes, view.Ts, data.relevantFrom, part.room);
      line = { ...side("twin", NaN), counts: histogram(part.room, BINS) };
    }
  }
  const plan = probabilityAxis(data.event, part.now.same);
  part.scene = mirrored(part.canvas, low() ? 190 : 268, colors, plan, up, down, line);
  const rows = integer(data.rows);
  part.title.textContent = `All ${rows} pairs: ${data.event}`;
  const dotted = line ? ", dotted: the student without a teacher" : "";
  part.note =
    `Teacher up, student down${dotted}; needles: this pair. Height: square root of a bin's share.`;
  if (!part.canvas.matches(":hover")) part.read.textContent = part.note;
  const pair = `teacher ${probability(p)}, student ${view.hidden ? "hidden" : probability(q)}`;
  part.canvas.setAttribute("aria-label", `${data.event} over ${rows} pairs. This pair: ${pair}.`);
  return means;
}
