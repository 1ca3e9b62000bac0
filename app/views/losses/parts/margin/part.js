// Each loss against the margin of the student, for two grades or two ads: where it is least, where it
// stops, and whether going beyond the teacher's score costs anything.

import { drag, el, low, speaker, stateOf, svg, theme } from "../../../../parts/draw.js";
import { lossOf } from "../../../../parts/losses.js";
import { clamp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { attend, stage, tell } from "../../../../parts/stage.js";
import { decimal, degrees, number } from "../../../../parts/words.js";

const TARGET = "losses_margin"; // key of the container, whose saved numbers are ours
const FAR = 10; // margins that are drawn
const ROOF = 6; // fixed axis of the loss, so that scores compare
const POINTS = 201;
const MARGINS = Array.from({ length: POINTS }, (_, at) => FAR * ((2 * at) / (POINTS - 1) - 1));
const [PAD, FOOT, HEAD] = [40, 44, 22];

const response = (loss) => ({ method: "response", params: { loss, teacher_temperature: 0 }, follows: true });
const grades = (term) => (score, T) => {
  const teacher = Float64Array.of(-score / 2, score / 2);
  const loss = lossOf(term, { teacher, grade: 1 }, T);
  return (margin) => loss(Float64Array.of(-margin / 2, margin / 2));
};
const ads = (term) => (score, T) => {
  const loss = lossOf(term, { teacher: Float64Array.of(score, 0) }, T);
  return (margin) => loss(Float64Array.of(margin, 0));
};

// of: the loss as a function of the margin, at a teacher's score and a temperature
const LINES = [
  { name: "hard label", kind: "hard", of: grades({ method: "hard", params: { loss: "ce" } }) },
  { name: "KL", kind: "kl", of: grades(response("kl")), isSoft: true },
  { name: "MSE of logits", kind: "logits", of: grades(response("mse_logits")) },
  { name: "MSE of probabilities", kind: "probabilities", of: grades(response("mse_probabilities")) },
  { name: "margin MSE", kind: "margin", of: ads({ method: "ranking", params: { loss: "margin_mse" } }) },
  { name: "hinge", kind: "hinge", of: () => (margin) => Math.max(0, 1 - margin) },
];

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.send = (score) => setStateValue("set", { lmargin: score, n: Date.now() });
  if (part.given !== data.choices.lmargin) {
    part.given = part.sent = part.score = data.choices.lmargin;
  }
  if (!part.isMounted && stage().T !== data.choices.lt) tell({ T: data.choices.lt });
  part.isMounted = true;
  (window.kdLive ??= {})[TARGET] = () => ({ csv: csvOf(part), sentence: part.finding.textContent });
  const leave = attend(part, paint, part.plot);
  return () => {
    leave();
    part.isMounted = false;
    delete window.kdLive?.[TARGET];
  };
}

function build(root) {
  const part = { root, score: 2, finding: el("p", { class: "finding", "data-sentence": true }) };
  part.plot = svg("svg", { class: "plot", role: "img", "data-picture": true });
  part.legend = el("p", { class: "legend", "data-picture": true });
  const spoken = el("p", { class: "sr", role: "status" });
  part.say = speaker(spoken);
  const release = () => {
    if (part.score === part.sent) return;
    part.sent = part.score;
    part.send(part.score);
    part.say(part.finding.textContent);
  };
  const set = (score) => {
    part.score = Number(clamp(score, -FAR, FAR).toFixed(2));
    part.ask();
  };
  const at = ({ x }) => set(FAR * ((2 * (x - PAD)) / (part.width - PAD - 12) - 1));
  drag(part.plot, { start: at, move: at, end: release });
  part.input = el("input", { type: "range", id: "teacher-score", min: -FAR, max: FAR, step: 0.1 });
  part.input.oninput = () => set(Number(part.input.value));
  part.input.onchange = release;
  part.box = numberBox({
    label: "Teacher's score as a number", low: -FAR, high: FAR,
    step: (value, way) => Number((value + way * 0.1).toFixed(2)),
    show: signedText,
    take: (value) => {
      set(value);
      release();
    },
  });
  root.replaceChildren(part.finding, part.plot, part.legend,
    el("div", { class: "score" }, el("label", { for: "teacher-score" }, "Teacher's score"), part.input, part.box.node),
    spoken);
  return part;
}

function linesOf(part) {
  const { T } = stage();
  return LINES.map((line) => {
    const loss = line.of(part.score, T);
    const name = line.isSoft ? `${line.name} at T = ${Number(T.toPrecision(3))}` : line.name;
    return { ...line, name, loss, values: MARGINS.map(loss) };
  });
}

function paint(part) {
  const lines = (part.lines = linesOf(part));
  const width = (part.width = part.plot.clientWidth || 600);
  const height = low() ? 220 : 320;
  const x = (margin) => PAD + ((margin + FAR) / (2 * FAR)) * (width - PAD - 12);
  const y = (loss) => HEAD + (1 - loss / ROOF) * (height - FOOT - HEAD);
  const curve = ({ values, kind }) => svg("path", { class: `curve ${kind}`, d: pathOf(values, x, y) });
  const here = x(part.score);
  part.plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
  part.plot.style.height = `${height}px`;
  part.plot.replaceChildren(
    ...axes(x, y, width - 12, height), ...lines.map(curve),
    svg("path", { class: "teacher", d: `M${here} ${HEAD}V${height - FOOT}` }),
    svg("circle", { class: "grip", cx: here, cy: height - FOOT, r: 8 }),
    svg("text", { class: "named", x: here, y: HEAD - 8, "text-anchor": "middle" },
      `teacher ${signedText(part.score)}`));
  legend(part, lines);
  part.finding.textContent = sentenceOf(part, lines);
  part.plot.setAttribute("aria-label", part.finding.textContent);
  part.input.value = part.score;
  part.input.setAttribute("aria-valuetext", `teacher's score ${signedText(part.score)}`);
  part.box.set(part.score);
}

/** The line as far as it lies under the roof. */
function pathOf(values, x, y) {
  let d = "";
  let isDrawn = false;
  values.forEach((value, at) => {
    const isLow = value <= ROOF;
    if (isLow) d += `${isDrawn ? "L" : "M"}${x(MARGINS[at]).toFixed(2)} ${y(value).toFixed(2)}`;
    isDrawn = isLow;
  });
  return d;
}

function axes(x, y, right, height) {
  const rule = (d) => svg("path", { class: "gridline", d });
  const text = (words, left, top, place = {}) =>
    svg("text", { class: "muted", x: left, y: top, "text-anchor": "middle", ...place }, words);
  return [
    ...[0, 2, 4, 6].flatMap((loss) => [
      rule(`M${PAD} ${y(loss)}H${right}`), text(`${loss}`, PAD - 6, y(loss) + 4, { "text-anchor": "end" }),
    ]),
    ...[-10, -5, 0, 5, 10].flatMap((margin) => [
      rule(`M${x(margin)} ${HEAD}V${height - FOOT}`),
      text(`${margin}`.replace("-", "−"), x(margin), height - FOOT + 20),
    ]),
    text("margin of the student", (PAD + right) / 2, height - 6),
    text("loss", -(height - FOOT) / 2, 12, { transform: "rotate(-90)" }),
  ];
}

function legend(part, lines) {
  const entries = lines.map(({ name, kind }) => {
    const sample = svg("svg", { class: "sample", width: 30, height: 8, viewBox: "0 0 30 8" },
      svg("path", { class: `curve ${kind}`, d: "M0 4H30" }));
    return el("span", { class: "entry" }, sample, name);
  });
  const about = "For two grades and the label relevant; margin MSE for two ads. Hinge is here for comparison only.";
  part.legend.replaceChildren(...entries, el("span", { class: "muted" }, about));
}

function sentenceOf(part, lines) {
  const beyond = clamp(part.score + 2, -FAR, FAR);
  const at = (kind) => number(lines.find((line) => line.kind === kind).loss(beyond), 2);
  const score = signedText(part.score);
  const past = `at ${signedText(beyond)}, KL is ${at("kl")} and margin MSE ${at("margin")}`;
  return `With a teacher's score of ${score}, KL, both MSE losses and margin MSE have their minimum at a margin of `
    + `${score} and rise beyond it: ${past}. The loss of the hard label falls with every larger margin `
    + `(${at("hard")} there); hinge is 0 from 1 on (${at("hinge")} there). T = ${degrees(stage().T)}.`;
}

function signedText(value) {
  return decimal(value, 2);
}

function csvOf({ lines }) {
  const head = ["margin", ...lines.map(({ name }) => `"${name}"`)].join(",");
  const rows = MARGINS.map((margin, at) =>
    [Number(margin.toFixed(4)), ...lines.map(({ values }) => values[at].toPrecision(6))].join(","));
  return `${[head, ...rows].join("\n")}\n`;
}
