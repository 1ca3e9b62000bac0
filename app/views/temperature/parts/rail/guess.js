// Guess first: the student's label stays hidden until the visitor has guessed it.

import { el } from "../../../../parts/draw.js";
import { softmax } from "../../../../parts/maths.js";
import { percent, probability } from "../../../../parts/words.js";

/** One rail per grade, best first, and the button that reveals; changed() after every move. */
export function makeGuess(host, names, changed) {
  const guess = { host, weights: names.map(() => 100 / names.length), pair: -1, open: false, p: null };
  guess.verdict = el("p", { class: "verdict", "aria-live": "polite" });
  guess.reveal = el("button", { type: "button" }, "Reveal the student");
  guess.reveal.onclick = () => {
    guess.open = !guess.open;
    changed();
  };
  guess.rows = names.map((name, grade) => {
    const input = el("input", { type: "range", min: 0, max: 100, "aria-label": `Your guess: ${name}` });
    const value = el("output", { class: "num" });
    input.oninput = () => {
      guess.weights[grade] = Number(input.value);
      changed();
    };
    return { input, value, node: el("label", {}, el("span", {}, name), input, value) };
  });
  host.replaceChildren(
    el("p", {}, "What will the student say? Only the shares count: they always sum to 1."),
    ...guess.rows.map((row) => row.node).reverse(), guess.reveal, guess.verdict);
  return guess;
}

/** Whether the student's label is hidden now; a new pair hides it again. */
export function guessing(guess, on, pair) {
  if (guess.pair !== pair || guess.host.hidden === on) {
    guess.pair = pair;
    guess.open = false;
    guess.weights.fill(100 / guess.weights.length);
  }
  guess.host.hidden = !on;
  const sum = guess.weights.reduce((total, weight) => total + weight, 0);
  guess.p = on ? guess.weights.map((weight) => (sum > 0 ? weight / sum : 1 / guess.weights.length)) : null;
  return on && !guess.open;
}

export function paintGuess(guess, view) {
  if (!guess.p) return;
  guess.rows.forEach((row, k) => {
    row.input.value = guess.weights[k];
    row.value.textContent = probability(guess.p[k]);
    row.input.setAttribute("aria-valuetext", probability(guess.p[k]));
    row.input.disabled = guess.open;
  });
  guess.reveal.textContent = guess.open ? "Guess again" : "Reveal the student";
  const q = softmax(view.z.student, view.Ts);
  const off = (p) => p.reduce((sum, value, k) => sum + Math.abs(value - q[k]), 0) / 2;
  const teacher = off(softmax(view.z.teacher, view.T));
  guess.verdict.textContent = guess.open
    ? `Your guess misplaces ${percent(off(guess.p))} of the student's label; `
      + `the teacher's label differs from it by ${percent(teacher)} (total variation).`
    : "";
}
