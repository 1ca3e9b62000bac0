// "Who is right": gold x teacher x student as readable tables, a cell a button that filters.

import { el } from "../../../../parts/draw.js";
import { integer, signed } from "../../../../parts/words.js";
import { outcomeOf } from "./counts.js";

const FACES = [
  { gold: 1, title: "Label: relevant" },
  { gold: 0, title: "Label: not relevant" },
  { gold: 2, title: "No label" },
];
const WORDS = {
  both: ["✓✓", "both right"],
  only_teacher: ["✓✗", "only teacher right"],
  only_student: ["✗✓", "only student right"],
  neither: ["✗✗", "both wrong"],
  unlabelled: ["··", "not labelled"],
};
const GOLD = ["not relevant", "relevant", "missing"];

/** The tables and their buttons; press(cell) is called at a click. */
export function cubeTables(press) {
  const cells = [];
  const faces = FACES.map(({ gold, title }) => {
    const total = el("span", { class: "num muted" });
    const rows = [1, 0].map((teacher) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, `teacher ${teacher ? "yes" : "no"}`),
        ...[1, 0].map((student) => {
          const cell = 4 * gold + 2 * teacher + student;
          cells[cell] = cubeCell(cell, press);
          return el("td", {}, cells[cell].button);
        }),
      ),
    );
    const head = el(
      "tr",
      {},
      el("td"),
      el("th", { scope: "col" }, "student yes"),
      el("th", { scope: "col" }, "student no"),
    );
    const caption = el("caption", {}, title, " ", total);
    const table = el("table", {}, caption, el("thead", {}, head), el("tbody", {}, ...rows));
    return { gold, table, total };
  });
  return { node: el("div", { class: "faces" }, ...faces.map((f) => f.table)), faces, cells };
}

function cubeCell(cell, press) {
  const [glyph, words] = WORDS[outcomeOf(cell)];
  const count = el("span", { class: "count num" });
  const difference = el("span", { class: "moved num" });
  const button = el(
    "button",
    { type: "button", class: `cell ${outcomeOf(cell)}`, onclick: () => press(cell) },
    count,
    el("span", { class: "who" }, el("span", { "aria-hidden": "true" }, `${glyph} `), words),
    difference,
  );
  return { button, count, difference, words };
}

/** New numbers into the cells. twin: whether the counts of a twin are known. */
export function fillCube({ faces, cells }, tally, chosen, picked, twin) {
  cells.forEach(({ button, count, difference, words }, cell) => {
    const n = tally.cube[cell];
    const change = n - tally.twin[cell];
    count.textContent = integer(n);
    difference.textContent = twin ? arrow(change) : "";
    button.setAttribute("aria-pressed", String(picked && chosen[cell] === 1));
    button.toggleAttribute("data-empty", n === 0);
    button.setAttribute("aria-label", sentenceOf(cell, n, words, twin ? change : null));
  });
  const totals = faces.map(({ gold }) => tally.cube.slice(4 * gold, 4 * gold + 4).reduce((a, b) => a + b, 0));
  for (const [place, { gold, table, total }] of faces.entries()) {
    const n = totals[place];
    total.textContent = `${integer(n)} pairs`;
    table.hidden = n === 0 && (gold === 2 || totals[2] > 0);
  }
}

function arrow(change) {
  if (!change) return "= as twin";
  return `${change > 0 ? "▲ +" : "▼ −"}${integer(Math.abs(change))}`;
}

function sentenceOf(cell, n, words, change) {
  const says = (yes) => (yes ? "yes" : "no");
  const than = change === null ? "" : `; ${signed(change, 0)} against the twin trained on labels`;
  return (
    `${integer(n)} pairs: label ${GOLD[cell >> 2]}, teacher ${says(cell & 2)}, ` +
    `student ${says(cell & 1)}; ${words}${than}`
  );
}
