// Accuracy, precision and recall of each model at the thresholds that are dragged, and the
// threshold at which its F1 is best, on the labelled pairs that the cube counts.

import { el } from "../../../../parts/draw.js";
import { number } from "../../../../parts/words.js";

const BEST = "The threshold with the best F1 on these pairs; a press sets it.";
const RATES = ["accuracy", "precision", "recall", "F1"];

/** From counts by cell (4 * gold + 2 * teacher + student): [true +, false +, false −, true −]. */
export function confusion(cube, bit) {
  const sums = [0, 0, 0, 0];
  for (let cell = 0; cell < 8; cell++) {
    const says = Boolean(cell & bit);
    const gold = cell >= 4;
    sums[says ? (gold ? 0 : 1) : gold ? 2 : 3] += cube[cell];
  }
  return sums;
}

/** The four rates; NaN where nothing is counted. */
export function ratesOf([hits, wrong, misses, rejections]) {
  const all = hits + wrong + misses + rejections;
  return {
    accuracy: (hits + rejections) / all,
    precision: hits / (hits + wrong),
    recall: hits / (hits + misses),
    F1: (2 * hits) / (2 * hits + wrong + misses),
  };
}

/** The threshold with the best F1 over counted pairs; NaN where no pair is relevant. */
export function bestCut(values, gold, counted) {
  const rows = [];
  let relevant = 0;
  for (let i = 0; i < values.length; i++) {
    if (!counted(i) || gold[i] === 2) continue;
    rows.push(i);
    relevant += gold[i];
  }
  rows.sort((a, b) => values[b] - values[a]);
  let [hit, best, cut] = [0, 0, NaN];
  rows.forEach((row, place) => {
    hit += gold[row];
    const last = place === rows.length - 1 || values[rows[place + 1]] < values[row];
    const f1 = (2 * hit) / (place + 1 + relevant);
    if (last && f1 > best) [best, cut] = [f1, values[row]];
  });
  return cut;
}

/** The table; take(role, threshold) is called when a best threshold is pressed. */
export function rateTable(take) {
  const body = el("tbody");
  const node = el("table", { class: "rates num" },
    el("caption", {}, "At these thresholds, on the labelled pairs counted above"),
    el("thead", {}, el("tr", {}, el("td"), ...RATES.map((name) => el("th", { scope: "col" }, name)),
      el("th", { scope: "col", title: BEST }, "best F1 at"))),
    body);
  return { node, body, take };
}

/** New numbers. Best thresholds cost a sort of the pairs: they are new only when pairs change. */
export function fillRates(table, { cube, twin }, hasTwin, best) {
  const models = [["teacher", "Teacher", confusion(cube, 2)], ["student", "Student", confusion(cube, 1)]];
  if (hasTwin) models.push(["twin", "Twin", confusion(twin, 1)]);
  table.node.hidden = models[0][2].every((n) => n === 0);
  table.body.replaceChildren(...models.map(([role, name, sums]) => {
    const rates = ratesOf(sums);
    const cut = best[role];
    const button = el("button", { type: "button", "aria-label": `${name}: best F1 at ${number(cut, 2)}; set it`,
      disabled: !Number.isFinite(cut), onclick: () => table.take(role, cut) }, number(cut, 2));
    return el("tr", {}, el("th", { scope: "row" }, name),
      ...RATES.map((rate) => el("td", {}, number(rates[rate], 3))),
      el("td", {}, role === "twin" ? number(cut, 2) : button));
  }));
}
