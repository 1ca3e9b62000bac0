// The hard label smoothed by ε beside the teacher's soft label (and the truth, when it is known).

import { el, stateOf, theme } from "../../../../parts/draw.js";
import { labelSmoothing, logSoftmax, softmax } from "../../../../parts/maths.js";
import { attend, holds, rowOf, stage } from "../../../../parts/stage.js";
import { degrees, integer, number, probability } from "../../../../parts/words.js";

const MOST = 0.9;

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const find = (selector) => root.querySelector(selector);
  const part = stateOf(parentElement, () => ({
    finding: find(".finding"), input: find("input"), output: find("output"), match: find(".match"),
    plots: find(".plots"), note: find(".note"), eps: data.smoothing,
  }));
  if (part.sent !== data.smoothing) part.eps = part.sent = data.smoothing;
  const send = () => {
    if (part.eps === part.sent) return;
    part.sent = part.eps;
    setStateValue("eps", part.eps);
  };
  part.input.oninput = () => {
    part.eps = Number(part.input.value);
    part.ask();
  };
  part.input.onchange = send;
  part.match.onclick = () => {
    part.eps = part.equal;
    part.ask();
    send();
  };
  return attend(part, paint);
}

function paint(part) {
  const { world, pair, T } = stage();
  if (!holds(world, pair)) return;
  const grade = world.labels[pair];
  const isLabelled = grade >= 0;
  if (part.hash !== world.hash) arrange(part, world);
  const soft = softmax(rowOf(world.teacher, pair, world.classes), T);
  const truth = world.truth && rowOf(world.truth, pair, world.classes);
  const smooth = isLabelled ? labelSmoothing(grade, world.classes, part.eps) : null;
  part.input.value = part.eps;
  part.input.disabled = !isLabelled;
  part.output.textContent = part.eps.toFixed(2);
  part.input.setAttribute("aria-valuetext", `ε = ${part.eps.toFixed(2)}`);
  part.equal = isLabelled ? equalBlur(soft, grade, world.classes) : part.eps;
  part.match.disabled = !isLabelled || part.equal === part.eps;
  part.match.textContent = `Same entropy as the teacher: ε = ${part.equal.toFixed(2)}`;
  for (const group of part.groups) {
    const values = { smooth, soft, true: truth }[group.kind];
    group.rows.forEach((row, k) => {
      row.value.textContent = values ? probability(values[k]) : "–";
      const reach = values ? values[k] : 0;
      row.bar.hidden = !values;
      if (group.kind === "soft") row.bar.style.transform = `scaleX(${reach})`;
      else row.bar.style.width = `${100 * reach}%`;
    });
    group.words.textContent = describe(group.kind, { values, smooth, soft, truth, world, grade, T });
  }
  part.finding.textContent = sentence(part, world, grade, soft, smooth, truth, T);
  part.note.textContent = `${ABOUT}${world.truth ? ` ${overall(part, world, T)}` : ""}`;
}

const ABOUT = "ε is the share of the label that is spread evenly over all grades: "
  + "1 − ε + ε / grades on the label, ε / grades elsewhere. Entropy in bits; KL in nats.";

/** How far both are from the truth on average over the labelled pairs. */
function overall(part, world, T) {
  if (part.sumsOf !== world.hash) {
    part.sumsOf = world.hash;
    part.sums = truthSums(world);
  }
  const { n, logs, hit } = part.sums;
  if (!n) return "";
  const even = part.eps / world.classes;
  const smooth = (logs - hit * Math.log(1 - part.eps + even) - (n - hit) * Math.log(even)) / n;
  const soft = (logs - crossed(world, T)) / n;
  const means = `smoothed label ${nats(smooth)}, teacher at T = ${degrees(T)} ${nats(soft)}`;
  return `Mean KL from the truth over all ${integer(n)} labelled pairs: ${means}.`;
}

/** Over labelled pairs: how many, the sum of t ln t, and the truth's mass on the drawn label. */
function truthSums(world) {
  const sums = { n: 0, logs: 0, hit: 0 };
  for (let row = 0; row < world.rows; row++) {
    if (world.labels[row] < 0) continue;
    sums.n += 1;
    sums.hit += world.truth[row * world.classes + world.labels[row]];
    for (const t of rowOf(world.truth, row, world.classes)) sums.logs += t > 0 ? t * Math.log(t) : 0;
  }
  return sums;
}

/** Sum of t ln p over labelled pairs, p the teacher's soft labels at T. */
function crossed(world, T) {
  const { classes, truth, teacher } = world;
  const logP = new Float64Array(classes);
  let sum = 0;
  for (let row = 0; row < world.rows; row++) {
    if (world.labels[row] < 0) continue;
    logSoftmax(rowOf(teacher, row, classes), T, logP);
    for (let k = 0; k < classes; k++) sum += truth[row * classes + k] * logP[k];
  }
  return sum;
}

function nats(value) {
  return Number.isFinite(value) ? `${value.toFixed(3)} nats` : "infinitely far";
}

function describe(kind, { values, truth, grade, world, T }) {
  if (!values) return "This pair is not labelled: there is nothing to smooth.";
  const bits = `${number(bitsOf(values), 2)} bits`;
  if (kind === "true") return `The generator's true P(grade): ${bits}.`;
  const far = truth ? `; KL from the truth ${nats(klOf(truth, values))}` : "";
  const what = kind === "smooth"
    ? `Label ${world.names[grade]}, every other grade alike`
    : `At T = ${degrees(T)}, grades in an order`;
  return `${what}: ${bits}${far}.`;
}

function sentence(part, world, grade, soft, smooth, truth, T) {
  if (!smooth) return "Label smoothing needs a label; a teacher also has an answer for a pair without one.";
  const others = Array.from(soft, (_, k) => k).filter((k) => k !== grade).sort((a, b) => soft[b] - soft[a]);
  const examples = others.length > 4 ? [...others.slice(0, 3), others.at(-1)] : others;
  const each = examples.map((k) => `${world.names[k]} ${probability(soft[k])}`);
  const even = `Smoothing with ε = ${part.eps.toFixed(2)} gives each wrong grade ${probability(smooth[others[0]])}`;
  const order = world.classes > 2
    ? `${each.slice(0, -1).join(", ")} and ${each.at(-1)}`
    : `${each[0]}; two grades leave no order among the wrong ones`;
  const both = `${even}; the teacher at T = ${degrees(T)} gives ${order}.`;
  if (!truth) return both;
  const [a, b] = [klOf(truth, smooth), klOf(truth, soft)];
  const distances = `${nats(Math.min(a, b))} against ${nats(Math.max(a, b))}`;
  return `${both} On this pair the ${b < a ? "teacher" : "smoothed label"} is nearer to the truth (${distances}).`;
}

function arrange(part, world) {
  part.hash = world.hash;
  const kinds = [["smooth", "Hard label, smoothed"], ["soft", "Teacher's soft label"]];
  if (world.truth) kinds.push(["true", "Truth"]);
  part.groups = kinds.map(([kind, title]) => {
    const rows = world.names.map((name) => {
      const [bar, value] = [el("i"), el("span", { class: "num" })];
      const way = el("div", { class: `way ${kind}` }, bar);
      return { bar, value, node: el("div", { class: "bar" }, el("span", {}, name), way, value) };
    });
    const words = el("small");
    const node = el("div", {}, el("h5", {}, title), words, ...rows.map((row) => row.node).reverse());
    return { kind, rows, words, node };
  });
  part.plots.replaceChildren(...part.groups.map((group) => group.node));
}

/** The ε (two digits) whose smoothed label is as blurred as the soft one. */
function equalBlur(soft, grade, classes) {
  const bits = bitsOf(soft);
  let [low, high] = [0, MOST];
  for (let turn = 0; turn < 30; turn++) {
    const middle = (low + high) / 2;
    if (bitsOf(labelSmoothing(grade, classes, middle)) < bits) low = middle;
    else high = middle;
  }
  return Number(((low + high) / 2).toFixed(2));
}

function bitsOf(p) {
  return p.reduce((sum, value) => sum - (value > 0 ? value * Math.log2(value) : 0), 0);
}

/** KL(p || q) of two labels in nats; infinite when q rules out what p allows. */
function klOf(p, q) {
  return p.reduce((sum, value, k) => sum + (value > 0 ? value * Math.log(value / q[k]) : 0), 0);
}
