// A recipe as a picture: a box per stage in the column behind the stages it needs, below one another
// on a phone. While the pipeline is at work the browser asks the lab how it stands.

import { el, enlarged, stateOf, svg, theme } from "../../../../parts/draw.js";
import { integer, number } from "../../../../parts/words.js";

const PACE = 1000; // ms between two looks
const HIDDEN = 6000; // while the tab is not seen
const LINE = 20; // of a box
const GAP = 26;
const STEP = 18; // between two boxes, one above the other
const LOOKS = { waiting: " idle", queued: " idle", stopped: " paused" };
const ROLES = { teacher: "teacher", student: "student", twin: "twin" };

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({ timer: 0 }));
  Object.assign(part, { now: data.now, pipeline: data.pipeline, over: false });
  part.send = (name, message) => setStateValue(name, { ...message, n: Date.now() });
  draw(root, part);
  part.watch?.disconnect();
  part.watch = new ResizeObserver(() => draw(root, part));
  part.watch.observe(root);
  clearTimeout(part.timer);
  if (data.pipeline && data.now.state === "running") later(root, part);
  return () => {
    part.over = true;
    part.watch.disconnect();
    clearTimeout(part.timer);
  };
}

function later(root, part) {
  clearTimeout(part.timer);
  part.timer = setTimeout(() => look(root, part), document.hidden ? HIDDEN : PACE);
}

async function look(root, part) {
  const folder = window.location.pathname.replace(/\/+$/, "").split("/").slice(0, -1).join("/");
  try {
    const answer = await fetch(`${folder}/kd/recipe/${encodeURIComponent(part.pipeline)}`, { cache: "no-store" });
    if (part.over) return;
    if (answer.ok) {
      const news = await answer.json();
      const changed = statesOf(news) !== statesOf(part.now);
      part.now = news;
      draw(root, part);
      if (changed) part.send("ended", { state: news.state }); // the page draws its numbers anew
    }
  } catch {
    // the lab is away for a moment: the picture stays, the next look follows
  }
  // also after a change: a page that is drawn anew with the same data does not start this part again
  if (!part.over && part.now.state === "running") later(root, part);
}

function statesOf(now) {
  return [now.state, ...now.stages.map((stage) => stage.state)].join(" ");
}

function draw(root, part) {
  const focused = root.getRootNode().activeElement?.dataset?.stage;
  const { stages } = part.now;
  const size = enlarged(); // a projector's texts are larger, and so is the picture
  const width = Math.max(280, root.clientWidth / size);
  const places = placed(stages, width);
  const height = Math.max(...places.map((p) => p.y + p.tall)) + 10;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, height: height * size, role: "group",
    "data-picture": true, "aria-label": "The stages of the recipe" });
  picture.append(...stages.flatMap((stage, i) => arrows(stage, places[i], stages, places)));
  stages.forEach((stage, i) => picture.append(box(stage, places[i], part)));
  root.replaceChildren(picture, el("p", { class: "sr", role: "status" }, spoken(part.now)));
  if (focused) root.querySelector(`[data-stage="${CSS.escape(focused)}"]`)?.focus();
}

/** What a stage waits for, without what another of its needs waits for already. */
function nearest(stage, stages) {
  const byName = Object.fromEntries(stages.map((each) => [each.name, each]));
  const before = (name) => (byName[name]?.after ?? []).flatMap((other) => [other, ...before(other)]);
  const implied = new Set(stage.after.flatMap(before));
  return stage.after.filter((name) => byName[name] && !implied.has(name));
}

/** The place of each box: its column is one behind the last stage that it needs. */
function placed(stages, width) {
  const column = {};
  stages.forEach((s) => (column[s.name] = Math.max(-1, ...s.after.map((name) => column[name] ?? -1)) + 1));
  const columns = Math.max(...Object.values(column)) + 1;
  const wide = (width - GAP * (columns - 1)) / columns;
  const lines = stages.some((stage) => stage.value) ? 4 : 3;
  const tall = 18 + lines * LINE;
  const listed = { x: 14, wide: width - 16, tall, below: true };
  if (wide < 150) return stages.map((s, i) => ({ ...listed, y: 4 + i * (tall + STEP) }));
  const used = {};
  return stages.map((s) => {
    const row = (used[column[s.name]] = (used[column[s.name]] ?? -1) + 1);
    return { x: column[s.name] * (wide + GAP), y: 4 + row * (tall + STEP), wide, tall };
  });
}

function arrows(stage, to, stages, places) {
  return nearest(stage, stages).map((name) => {
    const from = places[stages.findIndex((other) => other.name === name)];
    if (to.below) return svg("path", { class: "arrow", d: beside(from, to) });
    const [x, y, x2, y2] = [from.x + from.wide, from.y + from.tall / 2, to.x, to.y + to.tall / 2];
    return svg("path", { class: "arrow", d: `M${x} ${y}C${x + GAP / 2} ${y} ${x2 - GAP / 2} ${y2} ${x2} ${y2}` });
  });
}

/** From a box to one below it in a list: straight down, or at the left of those between them. */
function beside(from, to) {
  if (Math.abs(to.y - from.y - from.tall - STEP) < 1) return `M${to.x + 20} ${to.y - STEP}v${STEP}`;
  return `M${from.x} ${from.y + from.tall / 2}H4V${to.y + to.tall / 2}H${to.x}`;
}

function box(stage, { x, y, wide, tall }, part) {
  const color = `var(--kd-${ROLES[stage.role] ?? "muted"})`;
  const open = () => part.send("opened", { run: stage.run, stage: stage.name });
  const onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  };
  const look = LOOKS[stage.state] ?? "";
  const node = svg("g", { class: `box${look}`, role: "button", tabindex: 0, "data-stage": stage.name,
    "aria-label": sentence(stage), onclick: open, onkeydown });
  node.append(svg("rect", { class: "frame", x: x + 1, y, width: wide - 2, height: tall, rx: 6, stroke: color }));
  if (stage.state === "running") {
    node.append(svg("rect", { class: "bar", x: x + 2, y: y + tall - 8, height: 6, fill: color,
      width: Math.max(0, Math.min(stage.share, 1) * (wide - 4)) }));
  }
  const letters = Math.floor((wide - 18) / 6.6);
  const of = stage.value ? `ROC-AUC${pairsOf(stage)}` : "";
  const lines = [["title", stage.title], ["words", wordsOf(stage)], ["value", valueOf(stage)], ["of", of]];
  lines.forEach(([kind, text], i) => {
    const shown = text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
    node.append(svg("text", { class: kind, x: x + 10, y: y + (i + 1) * LINE }, shown));
  });
  node.append(svg("title", {}, sentence(stage)));
  return node;
}

function valueOf(stage) {
  if (!stage.value) return "";
  const [value, low, high] = stage.value;
  return `${number(value)} [${number(low)}, ${number(high)}]`;
}

function pairsOf(stage) {
  return stage.value && stage.n ? ` · ${integer(stage.n)} pairs` : "";
}

function sentence(stage) {
  const value = stage.value ? `, ROC-AUC ${valueOf(stage)}${pairsOf(stage)}` : "";
  const run = stage.run ? "; opens its run" : "; shows its settings";
  return `${stage.title}: ${wordsOf(stage)}${value}${run}`;
}

/** How it stands; a stage of an ablation says first what it is without. */
function wordsOf(stage) {
  return stage.without ? `${stage.without} · ${stage.words}` : stage.words;
}

function spoken(now) {
  return `${now.done} of ${now.stages.length} stages are done. ${now.message}`;
}
