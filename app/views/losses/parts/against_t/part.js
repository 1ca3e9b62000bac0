// Length of each term's gradient, with its weight, at every temperature: solid with the factor T²,
// dashed without it. The student is where the plane's descent starts.

import { drag, el, low, speaker, stateOf, svg, theme } from "../../../../parts/draw.js";
import { lossOf, reasonAgainst, roleOf, softens } from "../../../../parts/losses.js";
import { clamp } from "../../../../parts/maths.js";
import { attend, stage, tell } from "../../../../parts/stage.js";
import { along, heat, makeRail, showRail } from "../../../../parts/temperature_rail.js";
import { capital, degrees, scientific } from "../../../../parts/words.js";

const TARGET = "losses_against_t"; // key of the container, whose saved numbers are ours
const [FLOOR, ROOF] = [1e-4, 100]; // fixed axis, so that places compare
const POINTS = 81;
const TEMPERATURES = Array.from({ length: POINTS }, (_, at) => heat(at / (POINTS - 1)));
const TICKS = [0.25, 0.5, 1, 2, 4, 8, 20];
const LENGTHS = [1e-4, 1e-3, 0.01, 0.1, 1, 10, 100];
const [PAD, FOOT, HEAD] = [58, 44, 8];

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.send = (T) => setStateValue("set", { lt: T, n: Date.now() });
  part.data = data;
  part.curvesKey = "";
  if (part.given !== data.choices.lt) {
    part.given = part.sent = data.choices.lt;
    if (stage().T !== part.given) tell({ T: part.given });
  }
  (window.kdLive ??= {})[TARGET] = () => ({ csv: csvOf(part), sentence: part.finding.textContent });
  const leave = attend(part, paint, part.plot);
  return () => {
    leave();
    delete window.kdLive?.[TARGET];
  };
}

function build(root) {
  const part = { root, finding: el("p", { class: "finding", "data-sentence": true }) };
  part.plot = svg("svg", { class: "plot", role: "img", "data-picture": true });
  part.legend = el("p", { class: "legend", "data-picture": true });
  const release = () => {
    if (stage().T === part.sent) return;
    part.sent = stage().T;
    part.send(part.sent);
    part.say(part.finding.textContent);
  };
  part.rail = makeRail("teacher", { move: (_, T) => tell({ T }), done: release });
  const spoken = el("p", { class: "sr", role: "status" });
  part.say = speaker(spoken);
  const at = ({ x }) => tell({ T: heat((x - PAD) / (part.width - PAD - 12)) });
  drag(part.plot, { start: at, move: at, end: release });
  root.replaceChildren(part.finding, part.plot, part.legend, part.rail.node, spoken);
  return part;
}

/** The terms of the objective that the plane shows, with the curves of their gradients. */
function curvesOf(part) {
  const { scene, terms } = part.data;
  const bench = stage().bench ?? {};
  const shown = bench.shown ?? "a";
  const own = Float64Array.from(scene.student.flat());
  const student = bench.view === scene.view && bench.x.length === own.length ? Float64Array.from(bench.x) : own;
  const subject = { view: scene.view, teacher: Float64Array.from(scene.teacher.flat()), grade: scene.grade };
  const slope = new Float64Array(student.length);
  const lengthOf = (term, T, squared) => {
    lossOf(term, subject, T, squared)(student, slope);
    return term.weight * Math.hypot(...slope);
  };
  const all = (terms[shown] ?? []).map((term, at) => ({ term, at }));
  const drawn = all.filter(({ term }) => !reasonAgainst(term, subject));
  return drawn.map(({ term, at }) => {
    const isSoft = softens(term);
    const of = (T, squared) => lengthOf({ ...term, follows: isSoft }, T, squared);
    const curve = (squared) => TEMPERATURES.map((T) => of(T, squared));
    return { at, isSoft, of, title: term.title, times: curve(true), bare: isSoft ? curve(false) : null };
  });
}

function paint(part) {
  const { T } = stage();
  const key = `${stage().benchText} ${part.data.scene.hash}`;
  if (part.curvesKey !== key) {
    part.curvesKey = key;
    part.curves = curvesOf(part);
  }
  const width = (part.width = part.plot.clientWidth || 600);
  const height = low() ? 200 : 300;
  const x = (value) => PAD + along(value) * (width - PAD - 12);
  const share = (length) => Math.log(clamp(length, FLOOR, ROOF) / FLOOR) / Math.log(ROOF / FLOOR);
  const y = (length) => HEAD + (1 - share(length)) * (height - FOOT - HEAD);
  const path = (values, kind) =>
    svg("path", { class: kind, d: `M${values.map((value, at) => `${x(TEMPERATURES[at])} ${y(value)}`).join("L")}` });
  const curves = part.curves.flatMap(({ at, times, bare }) => {
    const role = roleOf(at);
    return [...(bare ? [path(bare, `curve bare ${role}`)] : []), path(times, `curve ${role}`)];
  });
  const dots = part.curves.flatMap(({ at, isSoft, of }) => {
    const dot = (length) => svg("circle", { class: `dot ${roleOf(at)}`, cx: x(T), cy: y(length), r: 5 });
    return isSoft ? [dot(of(T, false)), dot(of(T, true))] : [dot(of(T, true))];
  });
  part.plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  part.plot.style.height = `${height}px`;
  part.plot.replaceChildren(
    ...axes(x, y, width, height), ...curves,
    svg("path", { class: "now", d: `M${x(T)} ${HEAD}V${height - FOOT}` }), ...dots);
  part.finding.textContent = sentenceOf(part, T);
  part.plot.setAttribute("aria-label", part.finding.textContent);
  legend(part);
  showRail(part.rail, T, "Temperature T");
}

function axes(x, y, width, height) {
  const rule = (d) => svg("path", { class: "gridline", d });
  const text = (words, left, top, place = {}) =>
    svg("text", { class: "muted", x: left, y: top, "text-anchor": "middle", ...place }, words);
  return [
    ...LENGTHS.flatMap((length) => [
      rule(`M${PAD} ${y(length)}H${width - 12}`),
      text(length < 0.01 ? scientific(length, 0) : `${length}`, PAD - 6, y(length) + 4, { "text-anchor": "end" }),
    ]),
    ...TICKS.flatMap((T) => [rule(`M${x(T)} ${HEAD}V${height - FOOT}`), text(`${T}`, x(T), height - FOOT + 18)]),
    text("temperature T", (PAD + width) / 2, height - 6),
    text("weight × gradient length", -(height - FOOT) / 2, 12, { transform: "rotate(-90)" }),
  ];
}

function legend(part) {
  const key = part.curves.map(({ title, at }) => `${at}${title}`).join();
  if (part.legendKey === key) return;
  part.legendKey = key;
  const entries = part.curves.map(({ title, at }) =>
    el("span", { class: `entry ${roleOf(at)}` }, el("b", {}, `${at + 1} `), capital(title)));
  const about = "Solid: with T²; dashed: without. Both axes are logarithmic and fixed.";
  part.legend.replaceChildren(...entries, el("span", { class: "muted" }, about));
}

function sentenceOf(part, T) {
  const soft = part.curves.filter(({ isSoft }) => isSoft);
  if (!part.curves.length) return "No term of this objective can be drawn here.";
  if (!soft.length) return "No term of this objective is softened by a temperature, so T changes nothing.";
  const texts = part.curves.map(({ title, isSoft, of }) => (isSoft
    ? `${size(of(T, false))} for ${title} (${size(of(T, true))} with the factor T²)`
    : `${size(of(T, true))} for ${title}, at any T`));
  const all = texts.join("; ");
  return `Gradient length at T = ${degrees(T)}: ${all}. `
    + "Without the factor, a higher T makes soft labels count less.";
}

function size(length) {
  return length >= 0.001 || length === 0 ? length.toPrecision(2) : scientific(length, 1);
}

function csvOf(part) {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const columns = part.curves.flatMap(({ title, bare, times }) =>
    (bare ? [[`${title}, with T²`, times], [`${title}, without T²`, bare]] : [[title, times]]));
  const head = ["T", ...columns.map(([name]) => quoted(name))].join(",");
  const rows = TEMPERATURES.map((T, at) => [T, ...columns.map(([, values]) => values[at].toPrecision(6))].join(","));
  return `${[head, ...rows].join("\n")}\n`;
}
