// Masked word: what two language models would write in one gap, at T = 1, 3, 5 and at a T that is
// dragged. All logits are here, so every soft label is the whole vocabulary's own softmax.

import { makeCheckBoxes } from "../../../../parts/check_boxes.js";
import { el, painter, speaker, stateOf, theme } from "../../../../parts/draw.js";
import { entropy, kl, softmax } from "../../../../parts/maths.js";
import { makeRail, makeSweep, showRail, stepped } from "../../../../parts/temperature_rail.js";
import { degrees, integer, number } from "../../../../parts/words.js";
import { makePanel, paintPanel, topOf } from "./panels.js";

const FIXED = [1, 3, 5];
const SETTLE = 250; // ms of rest after which key presses count as released
const SHARE = 0.9;

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.send = (message) => setStateValue("set", message);
  receive(part, data);
  part.watch.observe(root);
  return () => {
    part.watch.disconnect();
    part.sweep.stop();
    clearTimeout(part.timer);
  };
}

function build(root) {
  const part = { root, now: {}, lit: null };
  const light = { lit: (word) => { part.lit = word; part.ask(); } };
  part.ask = painter(() => paint(part));
  part.rail = makeRail("teacher", { move: (role, T) => move(part, T), done: () => release(part) });
  part.rail.entry.input.setAttribute("aria-label", "Temperature as a number");
  part.tools = makeTools(part);
  part.sweep = makeSweep({
    start: () => part.now.T,
    show: (on) => (part.tools.button.textContent = on ? "■ Stop" : "▶ Sweep T"),
    move: (T) => move(part, T),
    done: () => release(part),
  });
  part.free = makePanel("free", light);
  part.fixed = FIXED.map(() => makePanel("fixed", light));
  const status = el("p", { class: "sr", "aria-live": "polite" });
  part.say = speaker(status);
  part.legend = el("p", { class: "muted legend", "data-picture": true });
  part.gap = el("p", { class: "gap num", "data-picture": true });
  root.replaceChildren(
    el("div", { class: "rails" }, part.rail.node, part.tools.node),
    el("div", { class: "panels", "data-picture": true }, part.free.node, ...part.fixed.map((panel) => panel.node)),
    part.gap, part.legend, status);
  part.watch = new ResizeObserver(() => { part.still = ""; part.ask(); });
  root.onkeydown = (event) => press(part, event);
  return part;
}

const CHOICES = {
  log: ["Log axis", "Four decades of probability, so that the tail can be seen"],
  same: ["Same scale", "One axis for all four pictures, so that their bars can be compared; "
    + "off: each axis ends just above its own longest bar"],
  few: ["Only these words", "The softmax over the words shown, as slides draw it; "
    + "off: over the whole vocabulary"],
};

function makeTools(part) {
  const { labels, show } = makeCheckBoxes(part, CHOICES, () => {
    part.ask();
    release(part);
  });
  const button = el("button", { type: "button", class: "play", onclick: () => part.sweep.toggle() }, "▶ Sweep T");
  return { node: el("div", { class: "row tools" }, button, ...labels), show, button };
}

/** Take the values of the server in; `turn` counts the times when it, not the visitor, chose the view. */
function receive(part, data) {
  if (part.turn !== data.turn) {
    part.turn = data.turn;
    part.now = { ...data.view };
  }
  if (part.hash !== data.hash) {
    part.hash = data.hash;
    const [teacher, student] = [data.teacher, data.student].map((table) => table.getChild("z").toArray());
    part.logits = { teacher, student };
    // largest first: which words share the mass does not depend on T
    part.sorted = { teacher: falling(teacher), student: falling(student) };
    part.room = { teacher: new Float64Array(teacher.length), student: new Float64Array(student.length) };
    part.still = "";
  }
  part.data = data;
  part.ask();
}

/** The logits, largest first. */
function falling(logits) {
  return Float64Array.from(logits).sort().reverse();
}

function move(part, T) {
  part.now.T = T;
  part.ask();
}

function release(part) {
  clearTimeout(part.timer);
  const choice = JSON.stringify([part.now, part.turn]);
  if (part.sent === choice) return;
  part.sent = choice;
  part.send({ ...part.now, n: Date.now() }); // n: the same choice twice is still news to the server
  part.say(part.free.picture?.getAttribute("aria-label") ?? "");
}

function press(part, event) {
  const target = event.composedPath()[0];
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!way || target.matches(".typed") || event.altKey || event.ctrlKey || event.metaKey) return;
  move(part, stepped(part.now.T, way, event.shiftKey));
  clearTimeout(part.timer);
  part.timer = setTimeout(() => release(part), SETTLE);
  event.preventDefault();
}

/** Soft labels of the rows at T, and how far they spread; over all words or only those shown. */
function soften(part, T) {
  const { rows } = part.data;
  const view = { stats: {} };
  for (const [role, name, at] of [["teacher", "p", "t"], ["student", "q", "s"]]) {
    const all = part.logits[role];
    const inVocabulary = rows.filter((row) => row[at] >= 0); // a vocabulary may lack a word
    const few = inVocabulary.map((row) => all[row[at]]);
    const soft = part.now.few ? softmax(few, T) : softmax(all, T, part.room[role]);
    const index = (row) => (part.now.few ? inVocabulary.indexOf(row) : row[at]);
    const shares = rows.map((row) => (row[at] < 0 ? NaN : soft[index(row)]));
    const rest = 1 - shares.reduce((sum, p) => sum + (p || 0), 0);
    view[name] = part.now.few ? shares : [...shares, Math.max(rest, 0)];
    const over = part.now.few ? few : all;
    const sorted = part.now.few ? falling(few) : part.sorted[role];
    view.stats[role] = { bits: entropy(over, T), sharing: sharing(sorted, T) };
  }
  return view;
}

/** How many of the likeliest words hold nine tenths of the mass. */
function sharing(sorted, T) {
  const soft = softmax(sorted, T);
  let sum = 0;
  let words = 0;
  while (words < soft.length && sum < SHARE - 1e-12) sum += soft[words++];
  return words;
}

function paint(part) {
  const { data, now } = part;
  const narrow = part.root.clientWidth < 820;
  const many = Math.max(part.logits.teacher.length, part.logits.student.length) - data.rows.length;
  const rest = { word: `${integer(many)} others`, truth: -1, rest: true };
  const rows = now.few ? data.rows : [...data.rows, rest];
  part.root.toggleAttribute("data-narrow", narrow);
  showRail(part.rail, now.T, "Temperature T");
  part.tools.show(now);
  const shared = { rows, log: now.log, lit: part.lit };
  const title = `Your T = ${degrees(now.T)}`;
  const free = soften(part, now.T);
  const key = [part.hash, now.few].join("|");
  if (part.softKey !== key) {
    part.softKey = key;
    part.softened = FIXED.map((T) => soften(part, T)); // a drag does not change them
  }
  const tops = [free, ...part.softened].map(({ p, q }) => topOf(rows, p, q));
  const common = Math.max(...tops);
  const topAt = (panel) => (now.same ? common : tops[panel]);
  paintPanel(part.free, { ...shared, ...free, title, worded: true, truth: false, top: topAt(0) });
  const fixed = [part.root.clientWidth, key, now.log, now.same && common, part.lit].join("|");
  if (part.still !== fixed) {
    part.still = fixed; // three panels that most moves of a drag leave as they are
    part.fixed.forEach((panel, i) => {
      const T = FIXED[i];
      const view = { title: `T = ${T}`, worded: narrow, truth: T === 1 && !now.few, top: topAt(i + 1) };
      paintPanel(panel, { ...shared, ...part.softened[i], ...view });
    });
  }
  between(part);
}

/** How far apart the two are at this T, where both speak of the same words. */
function between(part) {
  const { data, now } = part;
  const words = [];
  if (data.same) {
    const apart = kl(part.logits.teacher, part.logits.student, now.T);
    words.push(`At T = ${degrees(now.T)}: KL(teacher ‖ student) = ${number(apart, 3)} nats, `
      + `T² · KL = ${number(apart * now.T ** 2, 3)}.`);
  } else {
    words.push("The two models have different vocabularies, so no KL between them is defined; "
      + "– marks a word that is not in a model's vocabulary.");
  }
  part.gap.textContent = words.join(" ");
  const over = now.few ? "Bars: softmax over these words only" : "Bars: softmax over the whole vocabulary";
  const truthKnown = data.rows.some((row) => row.truth >= 0) && !now.few;
  const second = truthKnown
    ? "Dashed at T = 1: the exact P(word) of the grammar that generated the lab's sentences."
    : "KL is always over all words.";
  const third = now.log || now.same
    ? ""
    : " Each picture has its own axis; a bar with two gaps is longer than its axis.";
  part.legend.textContent = `${over}. ${second}${third}`;
}
