// What the plane shows, in a sentence and as a table of numbers.

import { placeOf } from "../../../../parts/losses.js";
import { integer, number } from "../../../../parts/words.js";
import { meaningOf } from "./subject.js";

/** The sentence above the plane. */
export function sentenceOf(view) {
  const { objective, names, now, slopes } = view;
  if (isEmpty(view)) return ""; // the page says why, once
  if (names.every((name) => !view.objectives[name].drawn.length)) return nothing(view);
  if (now.lsteps) return `${endsOf(view)}${view.now.lsq ? "" : " The factor T² is off."}`;
  if (!objective.drawn.length) return nothing(view);
  const lengths = slopes.map(({ title, slope }) => `${number(Math.hypot(...slope), 3)} for ${title}`);
  const total = slopes.reduce((sum, { weight, value }) => sum + weight * value, 0);
  const name = view.shown.toUpperCase();
  const more = view.land ? ` The least loss in this picture is ${number(view.land.least, 3)} (×).` : "";
  return `The loss of ${name} is ${number(total, 3)}.${more} Gradient length: ${list(lengths)}.`;
}

/** Whether no objective has a term for this view. */
function isEmpty({ names, objectives, subject }) {
  return names.every((name) => objectives[name].all.every(({ term }) => placeOf(term) !== subject.view));
}

function nothing({ subject, shown, objective }) {
  const reasons = [...new Set(objective.all.map(({ title, reason }) => `${title} ${reason}`))];
  const place = { logits: "the logits of one pair", ads: "the ads of a query", vectors: "vectors" }[subject.view];
  return `No term of objective ${shown.toUpperCase()} can be drawn for ${place}`
    + (reasons.length ? `: ${list(reasons)}.` : ": it has no term.");
}

/** What the arrows are, and why the least loss need not be where the teacher is. */
export function noteOf(view) {
  const { subject, slopes, objective, x, axes, now } = view;
  const arrows = slopes.length > 1
    ? "Arrows: the direction of descent of each term; thick: of their sum. Their length is weight × gradient length. "
    : "Arrow: the direction of descent; its length is weight × gradient length. ";
  const fixed = subject.view === "vectors" ? 0 : x.length - axes.length;
  const unit = subject.view === "ads" ? "log-odds" : "logits";
  const slice = view.land && fixed && !now.lsteps
    ? ` The picture moves two ${unit}; the other ${fixed} stay as they are, so × need not be where the teacher is.`
    : "";
  const shift = now.lsteps && subject.view !== "vectors" && slopes.length && isShiftFree(objective.loss, x)
    ? ` A constant added to all ${unit} changes no term of ${view.shown.toUpperCase()}: `
      + "only their differences count, so descent may end away from the teacher's own numbers."
    : "";
  return `${slopes.length ? arrows : ""}Click or drag to move the student.${slice}${shift}`;
}

/** Whether a constant added to all numbers leaves the loss as it is. */
function isShiftFree(loss, x) {
  const here = loss(x);
  return Math.abs(loss(x.map((value) => value + 1)) - here) <= 1e-6 * (1 + Math.abs(here));
}

/** Where both end, by what the view means. */
function endsOf(view) {
  const { subject, names, here, runs, now } = view;
  const drawn = names.filter((name) => view.objectives[name].drawn.length);
  const texts = drawn.map((name, at) => {
    const steps = Math.min(now.lsteps, runs[name].path.length - 1);
    if (runs[name].state === "lost") return `${name.toUpperCase()} diverges: its step size is too large`;
    const unit = at ? "" : steps === 1 ? " step" : " steps";
    const place = `${at ? "" : "reaches "}${reached(subject, here[name])}`;
    return `${name.toUpperCase()} ${place} after ${integer(steps)}${unit}`;
  });
  const start = meaningOf(subject, view.start).map((each) => each.join(" ")).join(", ");
  return `From the same start (${start}), gradient descent with ${list(texts)}. ${aim(subject)}`;
}

function reached(subject, x) {
  const [[, text], more] = meaningOf(subject, x);
  return more ? `${text} (${more.join(" ")})` : text;
}

function aim(subject) {
  return subject.view === "vectors" ? "" : `The teacher is at ${reached(subject, subject.teacher)}.`;
}

function list(texts) {
  return texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}

/** Every place as CSV: the models, and each step of the ways that were gone. */
export function csvOf(view) {
  const { subject, names, runs, now, objectives } = view;
  const losses = names.filter((name) => objectives[name].drawn.length);
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const lossNames = losses.map((name) => `loss of ${name.toUpperCase()}`);
  const head = ["place", "step", ...subject.names.map(quoted), ...lossNames];
  const row = (place, step, x) =>
    [place, step, ...Array.from(x, (value) => value.toPrecision(6)),
      ...losses.map((name) => objectives[name].loss(x).toPrecision(6))].join(",");
  const models = [["teacher", subject.teacher], ["student", subject.own], ["twin", subject.twin]];
  const rows = models.filter(([, x]) => x).map(([place, x]) => row(place, "", x));
  rows.push(row("start", 0, view.start));
  for (const name of names) {
    runs[name].path.slice(1, now.lsteps + 1).forEach((x, at) => rows.push(row(name.toUpperCase(), at + 1, x)));
  }
  return `${[head.join(","), ...rows].join("\n")}\n`;
}
