// The buttons beside the rail, and the live numbers under it, each with its definition on focus.

import { makeCheckBoxes } from "../../../../parts/check_boxes.js";
import { el } from "../../../../parts/draw.js";
import { entropy, kl } from "../../../../parts/maths.js";
import { degrees, integer, number } from "../../../../parts/words.js";

const CHOICES = {
  linked: ["One T for both"],
  log: ["Log axis"],
  same: ["Same scale", "Heights of the densities up to 100 %, so that several temperatures compare; "
    + "off: up to the highest bin"],
  guess: ["Guess first"],
};

/** Play, four check boxes, and room for the marks' buttons; actions of the part: play, release, spread. */
export function makeTools(part, { play, release, spread }) {
  const start = el("button", { type: "button", class: "play", onclick: play }, "▶ Play");
  const { labels, show } = makeCheckBoxes(part, CHOICES, (name) => {
    if (name === "linked") part.now.Ts = part.now.T; // both ways: what parts from here starts together
    spread(part);
    release(part);
  });
  const chips = el("span", { class: "chips" });
  return {
    chips,
    node: el("div", { class: "row tools" }, start, ...labels, chips),
    playing: (on) => (start.textContent = on ? "❚❚ Pause" : "▶ Play"),
    show,
  };
}

const FIGURES = {
  teacher: ["Teacher is unsure by", "Entropy of the teacher's soft label: 0 bits is sure of one grade, "
    + "the logarithm of the number of grades (base 2) is flat."],
  student: ["Student is unsure by", "Entropy of the student's soft label, in bits, read like the teacher's."],
  kl: ["KL, this pair", "Kullback-Leibler divergence of the student's soft label from the teacher's, "
    + "in nats: 0 when they agree. Values at different T do not compare."],
  scaled: ["T² · KL", "The loss of response distillation for this pair: KL times T², because soft "
    + "gradients shrink as 1/T². It needs one T for both."],
  mean: ["KL, all pairs", "Mean KL from teacher to student over all pairs of this data set, in nats, "
    + "at the present temperatures."],
};

export function makeFigures() {
  const cells = {};
  const node = el("div", { class: "figures" });
  for (const [name, [title, help]] of Object.entries(FIGURES)) {
    const value = el("b", { class: "num" });
    const note = el("small", { class: "muted num" });
    const id = `about-${name}`;
    node.append(
      el("button", { type: "button", class: "figure", "aria-describedby": id },
        el("span", { class: "name" }, title), value, note, el("span", { class: "about", id, role: "tooltip" }, help)));
    cells[name] = { value, note };
  }
  const put = (name, value, note) => {
    cells[name].value.textContent = value;
    cells[name].note.textContent = note;
  };
  let words = "";
  return { node, words: () => words, show: (view, means, data) => (words = showFigures(put, view, means, data)) };
}

function showFigures(put, view, means, data) {
  const { T, Ts, z } = view;
  const gap = kl(z.teacher, z.student, T, Ts);
  const [a, b] = [entropy(z.teacher, T), entropy(z.student, Ts)];
  const most = Math.log2(data.names.length).toFixed(2);
  const twin = z.twin ? kl(z.teacher, z.twin, T, Ts) : NaN;
  const hide = (text) => (view.hidden ? "?" : text); // until the guess is made
  put("teacher", `${number(a, 2)} bits`, `of ${most}; all pairs ${number(means?.pBits, 2)}`);
  put("student", hide(`${number(b, 2)} bits`), `of ${most}; all pairs ${number(means?.qBits, 2)}`);
  const beside = Number.isFinite(twin) && !view.hidden
    ? `without a teacher ${number(twin, 4)}`
    : "teacher to student";
  put("kl", hide(`${number(gap, 4)} nats`), beside);
  if (T === Ts) put("scaled", hide(number(T * T * gap, 4)), `${number(T * T, 2)} × ${hide(number(gap, 4))}`);
  else put("scaled", hide("–"), "needs one T for both");
  put("mean", hide(`${number(means?.kl, 4)} nats`), `n = ${integer(data.rows)} pairs`);
  const temperatures = `T = ${degrees(T)}${T === Ts ? "" : `, student ${degrees(Ts)}`}`;
  const [bits, nats] = [hide(number(b, 2)), hide(number(gap, 4))];
  return `${temperatures}. Teacher ${number(a, 2)} bits, student ${bits} bits, KL ${nats} nats.`;
}
