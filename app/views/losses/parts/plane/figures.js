// The numbers beside the plane: each term where the student stands, and where both objectives end.

import { el } from "../../../../parts/draw.js";
import { roleOf } from "../../../../parts/losses.js";
import { rankOrder, softmax } from "../../../../parts/maths.js";
import { capital, decimal, integer, probability } from "../../../../parts/words.js";
import { meaningOf } from "./subject.js";

// what a cell of the second table shows
const CELLS = { logits: ": logit (probability at T = 1)", ads: ": log-odds (rank)", vectors: "" };

const UNIT = "Rings: the teacher's vectors at unit length, with which relation compares (option “unit teacher”). "
  + "Relation is 0 at the rings, and wherever distances and angles are the same, but not at the teacher's own points.";

/** Two tables, filled in each frame. */
export function makeFigures(part) {
  const table = (name, words, label) => {
    const caption = el("caption", {}, words);
    const [head, body] = [el("thead"), el("tbody")];
    part[name] = { caption, head, body };
    const region = { class: `scroll ${name}`, "data-picture": true, tabindex: 0, role: "region", "aria-label": label };
    return el("div", region, el("table", {}, caption, head, body));
  };
  part.unitNote = el("p", { class: "muted unit", "data-picture": true }, UNIT);
  return { terms: table("termTable", "", "Terms"), ends: table("endTable", "", "Places"), unit: part.unitNote };
}

/** Fill both; the cells stay, so that a screen reader does not lose its place. */
export function showFigures(part, view) {
  const { objective, slopes, shown } = view;
  const values = new Map(slopes.map((piece) => [piece.at, piece]));
  const total = slopes.reduce((sum, { weight, value }) => sum + weight * value, 0);
  const pull = view.x.map((_, k) => slopes.reduce((sum, { slope }) => sum + slope[k], 0));
  part.termTable.caption.textContent = `Objective ${shown.toUpperCase()} at the student's numbers`;
  fill(part.termTable.head, [["", "term", "weight", "loss", "weight × loss", "gradient length"]], "th");
  const rows = objective.all.map(({ at, title, weight, reason }) => {
    const piece = values.get(at);
    const name = reason ? `${capital(title)}: ${reason}` : capital(title);
    const cells = piece
      ? [tidy(piece.value), tidy(weight * piece.value), tidy(Math.hypot(...piece.slope))]
      : ["–", "–", "–"];
    return [`${at + 1}`, name, `${Number(weight.toPrecision(3))}`, ...cells];
  });
  const sum = slopes.length ? [["", "Sum", "", "", tidy(total), tidy(Math.hypot(...pull))]] : [];
  fill(part.termTable.body, [...rows, ...sum]);
  [...part.termTable.body.rows].forEach((row, at) => {
    row.className = at < rows.length ? `term ${values.has(at) ? roleOf(at) : "off"}` : "sum";
  });
  part.unitNote.hidden = !view.compared;
  showEnds(part, view);
}

function showEnds(part, view) {
  const { subject, names, here, now, runs } = view;
  const start = now.lsteps ? "start" : view.isOwn ? "student" : "student, moved";
  const columns = [["teacher", subject.teacher], [start, view.start]];
  part.endTable.caption.textContent = `Positions${CELLS[subject.view]}`;
  if (now.lsteps) for (const name of names) columns.push([endOf(name, runs[name], now.lsteps), here[name]]);
  fill(part.endTable.head, [["", ...columns.map(([words]) => words)]], "th");
  const rows = subject.names.map((name, at) => [name, ...columns.map(([, x]) => cellOf(subject, x, at))]);
  for (const [at, [name]] of meaningOf(subject, subject.own).entries()) {
    rows.push([name, ...columns.map(([, x]) => meaningOf(subject, x)[at][1])]);
  }
  for (const name of names) {
    const { drawn, loss } = view.objectives[name];
    if (drawn.length) rows.push([`loss of ${name.toUpperCase()}`, ...columns.map(([, x]) => tidy(loss(x)))]);
  }
  fill(part.endTable.body, rows);
}

/** A after 143 steps, and whether it has converged. */
function endOf(name, run, steps) {
  const done = Math.min(steps, run.path.length - 1);
  const end = run.state === "rest" && done === run.path.length - 1 ? ", converged" : "";
  return `${name.toUpperCase()} after ${integer(done)} ${done === 1 ? "step" : "steps"}${end}`;
}

function cellOf({ view }, x, at) {
  const value = decimal(x[at], 2);
  if (view === "logits") return `${value} (${probability(softmax(x)[at])})`;
  return view === "ads" ? `${value} (#${rankOrder(x).indexOf(at) + 1})` : value;
}

function tidy(value) {
  return decimal(value, Math.abs(value) < 10 ? 4 : 1);
}

/** Rows of texts as cells; the first of a row is its head. */
function fill(body, rows, tag = "td") {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((texts, r) => {
    const row = body.rows[r] ?? body.insertRow();
    while (row.cells.length > texts.length) row.lastElementChild.remove();
    texts.forEach((text, c) => {
      if (!row.cells[c]) {
        const isHead = tag === "th" || c === 0;
        row.append(el(isHead ? "th" : "td", isHead ? { scope: tag === "th" ? "col" : "row" } : { class: "num" }));
      }
      if (row.cells[c].textContent !== text) row.cells[c].textContent = text;
    });
  });
}
