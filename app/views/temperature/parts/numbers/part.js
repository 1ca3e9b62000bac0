// The arithmetic behind the bars: one row per grade, best first, and the formula of the lit one.

import { el, stateOf, theme } from "../../../../parts/draw.js";
import { argmax, entropy, kl, logSoftmax, softmax } from "../../../../parts/maths.js";
import { attend, holds, rowOf, stage, tell } from "../../../../parts/stage.js";
import { degrees, number, probability, signed } from "../../../../parts/words.js";

export default function ({ parentElement }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({
    root,
    table: root.querySelector("table"),
    formula: root.querySelector(".formula"),
  }));
  return attend(part, paint);
}

const HEADS = [
  ["Grade", "", "Grades of the data, best first; a square marks the hard label"],
  ["z", "teacher", "Teacher's logit: what it says before any temperature. It never changes"],
  ["z / T", "teacher", "The logit divided by the temperature"],
  ["p", "teacher", "Teacher's soft label: softmax of z / T"],
  ["z", "student", "Student's logit"],
  ["z / T", "student", "The logit divided by the student's temperature"],
  ["q", "student", "Student's soft label: softmax of z / T"],
  ["q − p", "", "What the gradient of the soft loss pulls on, times T with the factor T²"],
  ["p ln(p / q)", "", "This grade's part of KL(teacher to student), in nats; the parts sum to it"],
  ["truth", "", "The generator's true P(grade), where it is known"],
];

function paint(part) {
  const { world, pair, T, Ts, lit, hidden } = stage();
  if (!holds(world, pair)) return;
  if (part.names !== world.names.join()) arrange(part, world);
  const [z, v] = [rowOf(world.teacher, pair, world.classes), rowOf(world.student, pair, world.classes)];
  const [p, q] = [softmax(z, T), softmax(v, Ts)];
  const [logP, logQ] = [logSoftmax(z, T), logSoftmax(v, Ts)];
  const truth = world.truth && rowOf(world.truth, pair, world.classes);
  for (const row of part.rows) {
    const k = row.grade;
    const cells = [
      signed(z[k], 2), signed(z[k] / T, 3), probability(p[k]), signed(v[k], 2), signed(v[k] / Ts, 3), probability(q[k]),
      signed(q[k] - p[k], 3), signed(p[k] * (logP[k] - logQ[k]), 4), truth ? probability(truth[k]) : "–",
    ];
    cells.forEach((text, at) => (row.cells[at].textContent = hidden && at >= 3 && at <= 7 ? "?" : text));
    row.node.classList.toggle("lit", lit === k);
    row.node.classList.toggle("gold", world.labels[pair] === k);
  }
  const gap = kl(z, v, T, Ts);
  const bits = (logits, temperature) => `${number(entropy(logits, temperature), 3)} bits`;
  const feet = ["", "", bits(z, T), "", "", bits(v, Ts), "0.000", `${number(gap, 4)} nats`, ""];
  feet.forEach((text, at) => (part.feet[at].textContent = hidden && at >= 3 ? "" : text));
  part.formula.textContent = formula(world, z, p, T, lit >= 0 ? lit : argmax(z));
}

function arrange(part, world) {
  part.names = world.names.join();
  const head = el("tr", {}, ...HEADS.map(([text, role, help], at) =>
    el("th", { scope: "col", title: help, class: `${role} ${at === 1 || at === 4 || at === 7 ? "edge" : ""}` },
      role && text.length < 3 ? `${role} ${text}` : text)));
  part.rows = world.names.map((name, grade) => {
    const cells = HEADS.slice(1).map((_, at) => el("td", { class: [0, 3, 6].includes(at) ? "edge" : "" }));
    const node = el("tr", { tabindex: 0 }, el("th", { scope: "row" }, name), ...cells);
    node.onpointerenter = node.onfocus = () => tell({ lit: grade });
    node.onpointerleave = node.onblur = () => tell({ lit: -1 });
    return { grade, cells, node };
  }).reverse();
  part.feet = HEADS.slice(1).map((_, at) => el("td", { class: [0, 3, 6].includes(at) ? "edge" : "" }));
  part.table.replaceChildren(
    el("caption", { class: "sr" }, "Logits and soft labels of this pair at the present temperature"),
    el("thead", {}, head), el("tbody", {}, ...part.rows.map((row) => row.node)),
    el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, "entropy, sum"), ...part.feet)));
}

/** softmax with this pair's numbers in it. */
function formula(world, z, p, T, k) {
  const power = (j) => `e^(${z[j].toFixed(2).replace("-", "−")} / ${degrees(T)})`;
  const below = Array.from(z, (_, j) => power(z.length - 1 - j)).join(" + ");
  return `Teacher: p(${world.names[k]}) = ${power(k)} / (${below}) = ${probability(p[k])}`;
}
