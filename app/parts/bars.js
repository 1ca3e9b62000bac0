// Mirrored soft labels of one pair: teacher left, student right, grades in the gutter. The axis is
// fixed, so that a drag shows the labels flatten and nothing rescales.

import { el, low } from "./draw.js";
import { clamp, reachOf, softmax } from "./maths.js";
import { tell } from "./stage.js";
import { degrees, probability } from "./words.js";

/** The rows, made once for a set of grades; paint(view) moves them. */
export function makeBars(host, names) {
  const heads = {
    teacher: el("div", { class: "head left" }),
    student: el("div", { class: "head right" }),
  };
  const rows = names.map((name, grade) => makeRow(name, grade)).reverse(); // best grade on top
  const axes = [el("div", { class: "axis left" }), el("div", { class: "axis right" })];
  const legend = el("div", { class: "legend muted" });
  // two grades or nine: the picture keeps its height as far as it can
  host.style.setProperty("--row", `${clamp(Math.round((low() ? 118 : 205) / names.length), 28, 72)}px`);
  host.replaceChildren(
    el("div", { class: "grid" },
      heads.teacher, el("div", { class: "head muted" }, "grade"), heads.student,
      ...rows.flatMap((row) => row.nodes), axes[0], el("div"), axes[1]),
    legend,
  );
  return (view) => paintBars({ host, heads, rows, axes, legend }, view);
}

function makeRow(name, grade) {
  const side = (role) => {
    const marks = Object.fromEntries(
      ["fill", "hard", "truth", "twin", "guess"].map((kind) => [kind, el("i", { class: `${kind} ${role}` })]),
    );
    const value = el("span", { class: "value num" });
    return { marks, value, track: el("div", { class: `track ${role}` }, ...Object.values(marks)) };
  };
  const [left, right] = [side("teacher"), side("student")];
  const gutter = el("div", { class: "gutter" }, name);
  const cells = [
    el("div", { class: "cell left" }, left.value, left.track),
    gutter,
    el("div", { class: "cell right" }, right.track, right.value),
  ];
  for (const cell of cells) {
    cell.onpointerenter = () => tell({ lit: grade });
    cell.onpointerleave = () => tell({ lit: -1 });
  }
  return { grade, name, left, right, gutter, nodes: cells };
}

function paintBars(bars, view) {
  const labels = {
    teacher: softmax(view.z.teacher, view.T),
    student: softmax(view.z.student, view.Ts),
    twin: view.z.twin && softmax(view.z.twin, view.Ts),
  };
  heading(bars.heads.teacher, "Teacher", view.titles.teacher, view.T);
  heading(bars.heads.student, "Student", view.titles.student, view.Ts);
  for (const row of bars.rows) {
    const { grade } = row;
    const hard = view.grade === grade;
    const truth = view.truth?.[grade];
    paintSide(row.left, labels.teacher[grade], hard, truth, null, view.log);
    if (view.hidden) paintSide(row.right, NaN, hard, null, null, view.log);
    else paintSide(row.right, labels.student[grade], hard, truth, labels.twin?.[grade], view.log);
    reach(row.right.marks.guess, view.guess?.[grade], view.log);
    reach(row.left.marks.guess, null, view.log);
    row.gutter.classList.toggle("isgold", hard);
    for (const node of row.nodes) node.classList.toggle("lit", view.lit === grade);
  }
  const ticks = view.log ? ["10⁻⁴", "10⁻³", "0.01", "0.1", "1"] : ["0", "0.25", "0.5", "0.75", "1"];
  const shown = ticks.join();
  if (bars.shown !== shown) {
    bars.shown = shown;
    bars.axes[1].replaceChildren(...ticks.map((text) => el("span", {}, text)));
    bars.axes[0].replaceChildren(...ticks.toReversed().map((text) => el("span", {}, text)));
  }
  legendOf(bars, view);
  bars.host.setAttribute("aria-label", summary(bars.rows, labels, view));
}

function heading(node, role, title, T) {
  const text = `${role} at T = ${degrees(T)}`;
  if (node.shown === text + title) return;
  node.shown = text + title;
  node.replaceChildren(el("b", {}, el("i", { class: "dot" }), text), el("span", { class: "muted" }, title));
}

function paintSide(side, p, hard, truth, twin, log) {
  side.value.textContent = Number.isNaN(p) ? "?" : probability(p);
  side.marks.fill.style.transform = `scaleX(${reachOf(p, log).toFixed(4)})`;
  side.marks.hard.hidden = !hard;
  reach(side.marks.truth, truth, log);
  reach(side.marks.twin, twin, log);
}

function reach(node, p, log) {
  node.hidden = p === undefined || p === null;
  if (!node.hidden) node.style.width = `${(100 * reachOf(p, log)).toFixed(2)}%`;
}

function legendOf(bars, view) {
  const parts = [
    view.grade >= 0
      ? ["hard", `hard label: ${view.names[view.grade]}`]
      : ["none", "no hard label: this pair is not labelled"],
    ...(view.truth ? [["truth", "truth: the generator's true P(grade)"]] : []),
    ...(view.guess ? [["mine", "your guess"]] : []),
    ...(view.z.twin && !view.hidden ? [["twin", "same student without a teacher"]] : []),
  ];
  const text = JSON.stringify(parts);
  if (bars.legendText === text) return;
  bars.legendText = text;
  bars.legend.replaceChildren(
    ...parts.map(([kind, words]) => el("span", {}, el("i", { class: `key ${kind}` }), words)),
  );
}

function summary(rows, labels, view) {
  const list = (p) => rows.map((row) => `${row.name} ${probability(p[row.grade])}`).join(", ");
  const gold = view.grade >= 0 ? `Hard label ${view.names[view.grade]}. ` : "Not labelled. ";
  const student = view.hidden ? "hidden until you reveal it" : list(labels.student);
  return `Soft labels. ${gold}Teacher: ${list(labels.teacher)}. Student: ${student}.`;
}
