// The numbers of the moment, each with its definition on hover and on focus, and the state line.

import { el } from "../../../../parts/draw.js";
import { capital, duration, integer, number, percent } from "../../../../parts/words.js";
import { gapWords, isDone, isOver, measuredOn, METRICS, OVER, secondsLeft } from "./sums.js";

const ABOUT = {
  value: "Of the validation pairs, not of the test pairs; they choose the epoch that is saved.",
  gap: "Here of the validation metric shown: the student's best epoch so far against the best epoch of its "
    + "twin. The 95 % interval is that of two unrelated models, wider than a paired one: Hanley and McNeil "
    + "1982 for ROC-AUC with half of the pairs relevant; for NLL, losses as spread as their mean.",
  agreement: "Share of the probe pairs on which the student's likeliest grade is the teacher's.",
  kl: "Mean KL(teacher ‖ student) over the probe, in nats, at the temperature of the loss, without the factor T².",
  distance: "Mean |relevance − true relevance| over the probe: the truth is known in the generated world only.",
  speed: "Training pairs per second, the median of the newest metric lines.",
  memory: "Peak memory of the run's process, or of its GPU, at its last report.",
  left: "The steps to go at the pace of the newest lines; scoring the validation and test pairs comes after.",
};

const NUMBERS = [
  ["value", "Validation", "student"],
  ["gap", "Gap recovered", "student"],
  ["agreement", "Agreement", "teacher"],
  ["kl", "KL from teacher", "teacher"],
  ["distance", "Distance to truth", "truth"],
  ["speed", "Speed", "grid"],
  ["left", "Time left", "grid"],
  ["memory", "Memory", "grid"],
];

const OF_GRADES = ["gap", "agreement", "kl", "distance"]; // what a pretraining cannot have

/** The places of the numbers, made once. gap: the definition of gap recovered. */
export function makeNumbers(list, gap) {
  const places = {};
  for (const [key, name, role] of NUMBERS) {
    const id = `about-${key}`;
    const label = el("span", {}, name);
    const mark = el("span", { class: "mark", "aria-hidden": "true" }, "i");
    const button = el("button", { type: "button", "aria-describedby": id }, label, mark);
    const meaning = key === "gap" ? `${gap} ${ABOUT.gap}` : ABOUT[key];
    const about = el("span", { class: "about", role: "tooltip", id }, meaning);
    const [value, small] = [el("dd", {}, "–"), el("dd", { class: "small" })];
    const stripe = { class: "number", style: `--stripe: var(--kd-${role})` };
    const node = el("div", stripe, el("dt", {}, button, about), value, small);
    list.append(node);
    places[key] = { node, label, value, small };
  }
  return places;
}

/** Show the numbers of a view; graded: whether the run's model gives grades. */
export function paintNumbers(numbers, film, metric, view, graded) {
  for (const key of OF_GRADES) numbers[key].node.style.display = graded ? "" : "none";
  const put = (key, value, small = "") => {
    numbers[key].value.textContent = value;
    numbers[key].value.classList.toggle("words", /[a-z]{5}/.test(value));
    numbers[key].small.textContent = small;
  };
  const { name, field } = METRICS[metric];
  const { moment, check, pace } = view;
  numbers.value.label.textContent = name;
  const n = measuredOn(film, metric, check);
  put("value", number(check?.[field]), check ? `step ${integer(check.step)} · ${n}` : "no validation yet");
  paintGap(put, film, view);
  put("agreement", percent(moment?.agreement), film.probe ? `${integer(film.probe.pairs)} probe pairs` : "");
  put("kl", number(moment?.kl), film.probe ? `nats at T = ${film.probe.temperatures[1]}` : "");
  const others = [["teacher", film.probe?.teacherDistance], ["twin", view.twinMoment?.distance]]
    .filter(([, distance]) => Number.isFinite(distance))
    .map(([model, distance]) => `${model} ${number(distance)}`);
  const unknown = film.probe && !film.probe.truth ? "no truth is known" : "";
  put("distance", number(moment?.distance), others.join(", ") || unknown);
  put("speed", Number.isFinite(pace) ? integer(Math.round(pace)) : "–", "pairs per second");
  paintMachine(put, film, numbers.left.label);
}

function paintGap(put, film, view) {
  const { gap } = view;
  if (gap.why) return put("gap", gap.why);
  const end = isDone(film) && view.step === film.ticks.at(-1);
  const interval = Number.isFinite(gap.value) ? `${gapWords(gap)} · ` : "";
  const of = gap.soFar ? "twin still learns" : "of validation, not test";
  return put("gap", percent(gap.value), `${interval}${end ? "" : "so far, "}${of}`);
}

function paintMachine(put, film, label) {
  const memory = film.lines.findLast((line) => Number.isFinite(line.memory_mb))?.memory_mb;
  if (Number.isFinite(memory)) put("memory", `${integer(Math.round(memory))} MB`);
  else put("memory", "–", "not reported");
  const { status } = film;
  label.textContent = isOver(film) ? "Took" : "Time left";
  if (isOver(film)) {
    put("left", status.ended ? duration(spent(film)) : "–", "in training");
  } else {
    const left = secondsLeft(film);
    put("left", duration(left), status.left ? `at the pace of ${integer(status.left.steps)} steps` : "not known yet");
  }
}

/** Seconds at work: of this leg and of those before it. */
function spent({ status, ahead }) {
  if (!status.started) return NaN;
  const leg = (status.ended ?? (Date.now() + ahead) / 1000) - status.started;
  return leg + (status.before ?? 0);
}

const STATES = {
  finished: "■ Finished",
  stopped: "❚❚ Paused",
  failed: "✕ Failed",
  lost: "✕ Lost",
  broken: "✕ Unreadable",
};

/** One line on how the run stands. */
export function stateLine(film) {
  const { status, twin } = film;
  const gone = Number.isFinite(spent(film)) ? duration(spent(film)) : "";
  const parts = [STATES[status.state] ?? `● ${capital(status.words)}`];
  if (film.total && film.ticks.length) {
    parts.push(`step ${integer(film.ticks.at(-1) ?? status.step)} of ${integer(film.total)}`);
  }
  if (gone) parts.push(`${gone} ${isOver(film) ? "in all" : "so far"}`);
  if (twin) {
    const at = `at step ${integer(twin.step)} of ${integer(twin.total)}`;
    parts.push(`twin ${OVER.includes(twin.state) || twin.state === "queued" ? twin.state : at}`);
  }
  // of a run that did not finish, the page shows the message above the part
  if (status.message && !["stopped", "failed", "lost", "broken"].includes(status.state)) parts.push(status.message);
  return parts.join(" · ");
}
