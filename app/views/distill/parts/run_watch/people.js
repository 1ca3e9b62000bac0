// Twenty pairs, pinned for the whole run: teacher upwards, student downwards, the truth as a dashed
// outline on either side, the label as a frame around its grade. The bars move as the student learns.

import { el, svg } from "../../../../parts/draw.js";
import { softmax } from "../../../../parts/maths.js";
import { capital, number, shortened } from "../../../../parts/words.js";

const WIDE = 150;
const HIGH = 158;
const [TEXT, FOOT] = [36, 18]; // room for query and ad above, for the label below
const REACH = 48;
const MIDDLE = TEXT + 52;
const LETTERS = [20, 23]; // of a query, bold, and of an ad's title

/** The cards, made once for a probe. */
export function makePeople(host, probe) {
  const cards = probe.labels.map((label, i) => card(probe, i, label));
  host.replaceChildren(...cards.map((one) => one.node));
  return { probe, cards };
}

function card(probe, i, label) {
  const [query, title] = probe.texts[i];
  const n = probe.grades.length;
  const wide = WIDE / n;
  const column = (k, kind) => {
    const across = { x: (k * wide + 3).toFixed(1), width: (wide - 6).toFixed(1) };
    return svg("rect", { class: `bar ${kind}`, ...across, y: MIDDLE, height: 0 });
  };
  const [teacher, student] = ["teacher", "student"].map((kind) => probe.grades.map((_, k) => column(k, kind)));
  const truth = probe.truth ? probe.grades.flatMap((_, k) => outline(probe.truth[i * n + k], k, wide)) : [];
  const frame = { x: label * wide + 0.75, width: wide - 1.5, y: TEXT + 1, height: HIGH - TEXT - FOOT - 2 };
  const gold = label >= 0 ? [svg("rect", { class: "gold", ...frame })] : [];
  const gradeOf = label >= 0 ? probe.grades[label] : "not labelled";
  const line = (y, kind, words) => svg("text", { x: 0, y, class: kind }, words);
  const picture = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" },
    svg("title", {}, `${query} → ${title}`),
    line(12, "query", shortened(query, LETTERS[0])), line(28, "offer", shortened(title, LETTERS[1])),
    ...gold, ...teacher, ...student, ...truth,
    svg("path", { class: "zero", d: `M0 ${MIDDLE}H${WIDE}` }), line(HIGH - 3, "offer", `label: ${gradeOf}`));
  return { node: el("li", { class: "pair" }, picture), picture, teacher, student, query, title, gradeOf };
}

function outline(p, k, wide) {
  const height = REACH * p;
  if (height < 1) return [];
  const across = { x: (k * wide + 1.5).toFixed(1), width: (wide - 3).toFixed(1) };
  const at = { class: "truth", ...across, height: height.toFixed(1) };
  return [svg("rect", { ...at, y: (MIDDLE - height).toFixed(1) }), svg("rect", { ...at, y: MIDDLE })];
}

/** Move the bars to a moment (null: there is no answer of the student yet). */
export function paintPeople(people, moment) {
  const { probe, cards, subject } = people;
  const n = probe.grades.length;
  cards.forEach((one, i) => {
    const soft = (logits, T) => (logits ? softmax(logits.slice(i * n, (i + 1) * n), T) : null);
    const up = soft(probe.teacher, 1);
    const down = soft(moment?.logits, 1);
    for (let k = 0; k < n; k++) {
      const [a, b] = [REACH * (up?.[k] ?? 0), REACH * (down?.[k] ?? 0)];
      one.teacher[k].setAttribute("y", (MIDDLE - a).toFixed(1));
      one.teacher[k].setAttribute("height", a.toFixed(1));
      one.student[k].setAttribute("height", b.toFixed(1));
    }
    one.softLabels = { up, down };
    one.picture.setAttribute("aria-label", wordsOf(probe, one, subject));
  });
}

function wordsOf(probe, { query, title, gradeOf, softLabels: { up, down } }, subject) {
  const list = (p) => (p ? probe.grades.map((name, k) => `${name} ${number(p[k], 2)}`).join(", ") : "not known");
  return `${query} → ${title}. Label ${gradeOf}. Teacher: ${list(up)}. ${capital(nameOf(subject))}: ${list(down)}.`;
}

/** What the watched model is called beside its teacher. */
function nameOf(subject) {
  return subject === "teacher" ? "teacher in training" : subject;
}

/** The same as a table: one row per pair, the probability of every grade. */
export function tableOfPeople({ probe, cards, subject }) {
  const own = nameOf(subject);
  const columns = ["teacher", own, "truth"].flatMap((model) => probe.grades.map((name) => `${model}: ${name}`));
  const head = ["Query", "Ad", "Label", ...columns].map((name) => el("th", { scope: "col" }, name));
  const n = probe.grades.length;
  const body = cards.map((one, i) => {
    const truth = probe.truth?.slice(i * n, (i + 1) * n);
    const labels = [one.softLabels?.up, one.softLabels?.down, truth];
    const figures = labels.flatMap((p) => probe.grades.map((_, k) => number(p?.[k], 2)));
    return el("tr", {}, ...[one.query, one.title, one.gradeOf, ...figures].map((text) => el("td", {}, text)));
  });
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

/** Gray places for the pairs that are not there yet. */
export function placeholders(host, n) {
  host.replaceChildren(...Array.from({ length: n }, () => el("li", { class: "pair waiting", "aria-hidden": "true" })));
}
