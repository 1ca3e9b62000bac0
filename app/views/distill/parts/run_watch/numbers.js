// The numbers of the moment, each with its definition on hover and on focus, and the state line.

import { el, fmt } from "../../../../parts/draw.js";
import {
  capital, count, duration, gapWords, isDone, isOver, METRICS, OVER, percent, secondsLeft,
} from "./sums.js";

const ABOUT = {
  value: "Of the validation pairs, not of the test pairs; they choose the epoch that is saved.",
  gap: "Here of the validation metric shown: the student's best epoch so far against the best epoch of its " +
    "twin. The 95 % interval is that of two unrelated models, wider than a paired one: Hanley and McNeil " +
    "1982 for ROC-AUC with half of the pairs relevant; for NLL, losses as spread as their mean.",
  agreement: "Share of the probe pairs on which the student's likeliest grade is the teacher's.",
  kl: "Mean KL(teacher ‖ student) over the probe, in nats, at the temperature of the loss, without the factor T².",
  distance: "Mean |relevance − true relevance| over the probe: the truth is known in the generated world only.",
  speed: "Training pairs per second, the median of the newest metric lines.",
  memory: "Peak memory of the run's process, or of its GPU, at its last report.",
  left: "The steps to go at the pace of the newest lines; scoring the validation and test pairs comes after.",
};

/** The places of the numbers, made once. gap: the definition of gap recovered. */
export function makeNumbers(list, gap) {
  const made = {};
  for (const [key, name, role] of [
    ["value", "Validation", "student"], ["gap", "Gap recovered", "student"], ["agreement", "Agreement", "teacher"],
    ["kl", "KL from teacher", "teacher"], ["distance", "Distance to truth", "truth"], ["speed", "Speed", "grid"],
    ["left", "Time left", "grid"], ["memory", "Memory", "grid"],
  ]) {
    const label = el("span", {}, name);
    const button = el("button", { type: "button", "aria-describedby": `about-${key}` }, label, el("span", { class: "mark", "aria-hidden": "true" }, "i"));
    const [value, small] = [el("dd", {}, "–"), el("dd", { class: "small" })];
    const about = el("span", { class: "about", role: "tooltip", id: `about-${key}` }, key === "gap" ? `${gap} ${ABOUT.gap}` : ABOUT[key]);
    made[key] = { label, value, small };
    list.append(el("div", { class: "number", style: `--stripe: var(--kd-${role})` }, el("dt", {}, button, about), value, small));
  }
  return made;
}

/** Show the numbers of a view. */
export function paintNumbers(numbers, film, metric, view) {
  const put = (key, value, small = "") => {
    numbers[key].value.textContent = value;
    numbers[key].value.classList.toggle("words", /[a-z]{5}/.test(value));
    numbers[key].small.textContent = small;
  };
  const { name, field } = METRICS[metric];
  const { moment, check, gap } = view;
  numbers.value.label.textContent = name;
  put("value", fmt(check?.[field]), check ? `step ${count(check.step)} · ${film.pairs ? `${count(film.pairs)} ` : ""}validation pairs` : "no validation yet");
  const end = isDone(film) && view.step === film.ticks.at(-1);
  const sure = Number.isFinite(gap.value) ? `${gapWords(gap)} · ` : "";
  put("gap", gap.why ?? percent(gap.value), gap.why ? "" : `${sure}${end ? "" : "so far, "}${gap.soFar ? "twin still learns" : "of validation, not test"}`);
  const probed = film.probe ? `${count(film.probe.pairs)} probe pairs` : "";
  put("agreement", percent(moment?.agreement ?? NaN), probed);
  put("kl", fmt(moment?.kl ?? NaN), film.probe ? `nats at T = ${film.probe.temperatures[1]}` : "");
  const others = [["teacher", film.probe?.teacherDistance], ["twin", view.twinMoment?.distance]].filter(([, v]) => Number.isFinite(v));
  put("distance", fmt(moment?.distance ?? NaN), others.map(([who, v]) => `${who} ${fmt(v)}`).join(", ") || (film.probe && !film.probe.truth ? "no truth is known" : ""));
  const { pace } = view;
  put("speed", Number.isFinite(pace) ? `${count(Math.round(pace))}` : "–", "pairs per second");
  paintMachine(put, film, numbers.left.label);
}

function paintMachine(put, film, label) {
  const memory = film.lines.findLast((line) => Number.isFinite(line.memory_mb))?.memory_mb;
  put("memory", Number.isFinite(memory) ? `${count(Math.round(memory))} MB` : "–", Number.isFinite(memory) ? "" : "not reported");
  const { status } = film;
  label.textContent = isOver(film) ? "Took" : "Time left";
  if (isOver(film)) {
    put("left", status.ended ? duration(spent(film)) : "–", "in training");
  } else {
    const left = secondsLeft(film);
    put("left", duration(left), status.left ? `at the pace of ${count(status.left.steps)} steps` : "not known yet");
  }
}

/** Seconds at work: of this leg and of those before it. */
function spent({ status, ahead }) {
  if (!status.started) return NaN;
  const leg = (status.ended ?? (Date.now() + ahead) / 1000) - status.started;
  return leg + (status.before ?? 0);
}

const SHOWN = { finished: "■ Finished", stopped: "❚❚ Paused", failed: "✕ Failed", lost: "✕ Lost", broken: "✕ Unreadable" };

/** One line on how the run stands. */
export function stateLine(film) {
  const { status, twin } = film;
  const gone = Number.isFinite(spent(film)) ? duration(spent(film)) : "";
  const parts = [SHOWN[status.state] ?? `● ${capital(status.words)}`];
  if (film.total && film.ticks.length) parts.push(`step ${count(film.ticks.at(-1) ?? status.step)} of ${count(film.total)}`);
  if (gone) parts.push(`${gone} ${isOver(film) ? "in all" : "so far"}`);
  if (twin) parts.push(`twin ${OVER.includes(twin.state) || twin.state === "queued" ? twin.state : `at step ${count(twin.step)} of ${count(twin.total)}`}`);
  if (status.message && !["stopped", "failed", "lost", "broken"].includes(status.state)) parts.push(status.message); // told above
  return parts.join(" · ");
}
