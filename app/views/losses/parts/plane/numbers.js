// Every number of the student as a slider with the teacher's mark, and as a box to type into.

import { el } from "../../../../parts/draw.js";
import { clamp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { decimal } from "../../../../parts/words.js";
import { move } from "./moves.js";

const MOST = 100; // of a number that is typed
const STOPS = 500; // of a slider
const ROOM = { logits: 3, ads: 3, vectors: 0.5 }; // beyond the outermost number

/** A place for them; the rows come with the first scene. */
export function makeNumbers(part) {
  part.numbers = el("section", { class: "numbers", "aria-label": "The student's numbers", "data-unpictured": true });
  return part.numbers;
}

/** The rows say where the student stands. */
export function showNumbers(part, view) {
  const { subject } = view;
  if (part.numbersOf !== part.hash) arrange(part, subject);
  const { low, span } = part.bounds;
  part.rows.forEach(({ input, box }, at) => {
    const value = view.x[at];
    const stop = Math.round(STOPS * clamp((value - low) / span, 0, 1));
    if (Number(input.value) !== stop) input.value = stop;
    input.setAttribute("aria-valuetext", decimal(value, 2));
    box.set(Number(value.toFixed(3)));
  });
}

function arrange(part, subject) {
  part.numbersOf = part.hash;
  const all = [...subject.teacher, ...subject.own];
  const low = Math.min(...all) - ROOM[subject.view];
  const span = Math.max(...all) + ROOM[subject.view] - low;
  part.bounds = { low, span };
  part.rows = subject.names.map((name, at) => rowOf(part, name, at));
  const what = { logits: "Logits", ads: "Log-odds of relevance", vectors: "Vectors" }[subject.view];
  part.numbers.replaceChildren(
    el("h4", {}, `${what}: `, el("span", { class: "teacher" }, "●"), " teacher, ",
      el("span", { class: "student" }, "■"), " student"),
    ...part.rows.map(({ node }) => node));
}

function rowOf(part, name, at) {
  const { low, span } = part.bounds;
  const { teacher } = part.subject;
  const input = el("input", { type: "range", min: 0, max: STOPS, step: 1, "aria-label": name });
  input.oninput = () => move(part, { [at]: low + (span * Number(input.value)) / STOPS });
  input.onchange = () => part.later();
  const box = numberBox({
    label: `${name} as a number`, low: -MOST, high: MOST,
    step: (value, way) => Number((value + way * (span > 4 ? 0.1 : 0.02)).toFixed(3)),
    show: (value) => decimal(value, 2),
    take: (value) => {
      move(part, { [at]: value });
      part.later();
    },
  });
  const mark = el("span", { class: "mark", "aria-hidden": "true", title: `teacher ${decimal(teacher[at], 2)}` }, "●");
  mark.style.left = `calc(8px + (100% - 16px) * ${((teacher[at] - low) / span).toFixed(4)})`;
  const title = part.subject.view === "ads" ? part.subject.scene.labels[at] : name;
  return {
    input,
    box,
    node: el("div", { class: "number" }, el("span", { class: "name", title }, name),
      el("span", { class: "way" }, mark, input), box.node),
  };
}
