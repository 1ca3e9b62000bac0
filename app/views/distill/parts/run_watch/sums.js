// What the browser knows of a run, and its words and numbers at a step of the training.

import { capital, integer, number, percent } from "../../../../parts/words.js";

export const OVER = ["finished", "stopped", "failed", "lost", "broken"];
const LEARNING = ["pretrain", "multitask", "distill", "finetune", "evaluate"];
const NOT_CLEAR = "n/a: the teacher is not clearly better than the twin";
// error: standard error of one model's metric on n validation pairs, without its answers at hand
const OF_GRADES = {
  roc_auc: { name: "ROC-AUC", field: "validation_roc_auc", sign: 1, low: 0.5, high: 1, error: errorOfArea },
  nll: { name: "NLL", field: "validation_nll", sign: -1, low: 0, high: 0, error: (nll, n) => nll / Math.sqrt(n) },
};
// what a pretraining has instead, by the names that the page Runs has for it
const OF_PRETRAINING = {
  masked: { name: "Hidden-word loss", field: "validation_masked", low: 0, high: 0, words: true },
  masked_accuracy: { name: "Hidden words right", field: "validation_masked_accuracy", low: 0, high: 1, words: true },
  next_ad: { name: "Next-ad loss", field: "validation_next_ad", low: 0, high: 0 },
  next_ad_accuracy: { name: "Next ads right", field: "validation_next_ad_accuracy", low: 0, high: 1 },
};
export const METRICS = { ...OF_GRADES, ...OF_PRETRAINING };

/** The metrics that a run has; graded: whether its model gives grades, which a pretraining does not. */
export function metricsOf(graded) {
  return graded ? OF_GRADES : OF_PRETRAINING;
}

/** What a metric's model is called. */
export function subjectOf(film, metric) {
  return metric in OF_GRADES ? film.subject : "pretraining";
}

/** On how much a metric was measured at a validation, in words. */
export function measuredOn(film, metric, check) {
  if (!METRICS[metric].words) return film.pairs ? `${integer(film.pairs)} validation pairs` : "validation pairs";
  return `${integer(check?.validation_words ?? 0)} hidden words`;
}

/** Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747, with half of the pairs relevant. */
function errorOfArea(area, n) {
  const [half, square] = [n / 2, area * area];
  const spread = (half - 1) * (area / (2 - area) + 2 * square / (1 + area) - 2 * square);
  return Math.sqrt(Math.max(0, area * (1 - area) + spread)) / half;
}

/** Nothing known yet. */
export function newFilm() {
  return { lines: [], moments: [], loss: [], checks: [], ticks: [], total: 0, status: null, teacher: null,
    pairs: null, probe: null, twin: null, next: "0", ahead: 0, subject: "student" };
}

/** The query that asks for what is not known. */
export function questionOf(film) {
  const last = (list) => list?.at(-1)?.step ?? "";
  return new URLSearchParams({
    after: film.next, moment: last(film.moments), twin: film.twin?.next ?? "0", twin_moment: last(film.twin?.moments),
  }).toString();
}

/** Take an answer in. */
export function absorb(film, answer, clock) {
  if (answer.student.reset) Object.assign(film, { lines: [], moments: [] });
  film.lines.push(...answer.student.lines);
  film.moments = joined(film.moments, answer.moments);
  film.next = answer.student.next;
  if (clock) film.ahead = clock * 1000 - Date.now();
  if (answer.probe) film.probe = answer.probe;
  Object.assign(film, { status: answer.status, teacher: answer.teacher, pairs: answer.pairs });
  film.twin = answer.twin && withTwin(film.twin, answer.twin);
  film.loss = film.lines.filter((line) => Number.isFinite(line.loss));
  film.checks = film.lines.filter((line) => Number.isFinite(line.validation_nll ?? line.validation_loss));
  const steps = [...film.loss, ...film.checks, ...film.moments].map((one) => one.step);
  film.ticks = [...new Set(steps)].sort((a, b) => a - b);
  const planned = LEARNING.includes(answer.status.stage) || isOver(film) ? answer.status.total : 0;
  film.total = Math.max(planned, film.ticks.at(-1) ?? 0);
}

function withTwin(twin, answer) {
  const before = twin && twin.id === answer.id && !answer.reset ? twin : { lines: [], moments: [] };
  return { ...answer, lines: [...before.lines, ...answer.lines], moments: joined(before.moments, answer.moments) };
}

/** Moments with newer ones behind them, which replace those at and after their first step. */
function joined(moments, newer) {
  if (!newer.length) return moments;
  return [...moments.filter((moment) => moment.step < newer[0].step), ...newer];
}

/** Whether the run has ended, one way or another. */
export function isOver(film) {
  return OVER.includes(film.status?.state);
}

/** Whether the run and its twin have ended, so that there is nothing to wait for. */
export function isDone(film) {
  return isOver(film) && (!film.twin || OVER.includes(film.twin.state));
}

/** Whether a run ended without having recorded how it answered its probe pairs. */
export function hasNoMoments(film) {
  return isOver(film) && !film.moments.length;
}

/** What stands over the pinned pairs: of which step they are, or why there are none. */
export function pairsHead(film, view) {
  if (hasNoMoments(film)) return "This run recorded no moments of its training, so no pairs can be shown.";
  const when = view.moment ? ` at step ${integer(view.moment.step)}` : "; the first moment is awaited";
  return `${film.probe?.labels.length ?? 20} pinned pairs${when}`;
}

/** The last of a list that stands at or before a step. */
export function lastAt(list, step) {
  let last = null;
  for (const entry of list) {
    if (entry.step > step) break;
    last = entry;
  }
  return last;
}

/** The validation of the step that would be kept, as known at `step`. */
export function keptAt(checks, step) {
  const last = lastAt(checks, step);
  if (!last) return null;
  return checks.find((line) => line.step === last.kept_step) ?? last;
}

/** Gap recovered at a step: (student - twin) / (teacher - twin), in validation; or why it is n/a.
 * low, high: its 95 % interval as if the models were unrelated, which is wider than a paired one. */
export function gapAt(film, metric, step) {
  const { field, sign, error } = METRICS[metric];
  const own = keptAt(film.checks, step)?.[field];
  const alone = keptAt(film.twin?.lines ?? [], Infinity)?.[field];
  const top = film.teacher?.[metric];
  if (!film.twin) return { why: "no twin was trained" };
  if (!Number.isFinite(alone)) return { why: "waits for the twin" };
  if (!Number.isFinite(top)) return { why: "the teacher is not measured on validation" };
  if (!Number.isFinite(own)) return { why: "waits for a validation" };
  const noise = (one, other) => 1.96 * Math.hypot(error(one, film.pairs ?? 0), error(other, film.pairs ?? 0));
  if (!(sign * (top - alone) > noise(top, alone))) return { why: NOT_CLEAR, unclear: true };
  const [value, about] = [(own - alone) / (top - alone), noise(own, alone) / Math.abs(top - alone)];
  return { value, low: value - about, high: value + about, soFar: !OVER.includes(film.twin.state) };
}

/** Pairs per second at a step: the median over the newest lines, since a single one may be an outlier. */
export function paceAt(film, step) {
  const timed = film.loss.filter((line) => line.step <= step && Number.isFinite(line.pairs_per_second));
  const sorted = timed.slice(-9).map((line) => line.pairs_per_second).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : NaN;
}

/** Everything that is shown at one step; at the end of a finished run, of the step that it keeps. */
export function viewAt(film, metric, step) {
  const end = film.status?.state === "finished" && step === film.ticks.at(-1);
  return {
    step,
    loss: lastAt(film.loss, step),
    pace: paceAt(film, step),
    check: (end ? keptAt : lastAt)(film.checks, step),
    moment: lastAt(film.moments, step),
    twinCheck: keptAt(film.twin?.lines ?? [], Infinity),
    twinMoment: lastAt(film.twin?.moments ?? [], step),
    gap: gapAt(film, metric, step),
  };
}

/** Seconds to the last step by the newest lines; NaN when they do not tell. */
export function secondsLeft(film) {
  const left = film.status?.left;
  if (!left) return NaN;
  return Math.max(0, left.seconds - ((Date.now() + film.ahead) / 1000 - left.at));
}

/** The twin is always told by the step that it keeps; at an earlier step of the student, say so. */
export function twinName(film, step) {
  return step < film.ticks.at(-1) ? "its twin's saved step" : "its twin without a teacher";
}

/** One sentence: how far the run is, how good the student is, and in comparison with which models. */
export function sentenceOf(film, metric, view) {
  const { state, words } = film.status;
  if (!film.ticks.length) {
    return isOver(film) ? "Nothing was learned, so there is nothing to show." : `${capital(words)}.`;
  }
  const { name, field } = METRICS[metric];
  const subject = `the ${subjectOf(film, metric)}`;
  const parts = [`After ${integer(view.step)} of ${integer(film.total)} steps`];
  const value = view.check?.[field];
  const showsSaved = isOver(film) && view.check?.step < view.step && state === "finished";
  if (showsSaved) parts.push(`, of which step ${integer(view.check.step)} is kept,`);
  if (Number.isFinite(value)) {
    const n = film.pairs || METRICS[metric].words ? ` on ${measuredOn(film, metric, view.check)}` : " in validation";
    const others = [["its teacher", film.teacher?.[metric]], [twinName(film, view.step), view.twinCheck?.[field]]];
    const rivals = others.filter(([, v]) => Number.isFinite(v)).map(([model, v]) => `${model} ${number(v)}`);
    const within = film.subject === "teacher" ? intervalOf(film, metric, value) : "";
    const beside = rivals.length ? `; ${rivals.join(", ")}` : "";
    parts.push(` ${subject} has ${name} ${number(value)}${within}${n}${beside}.`);
    if (within && state === "finished") parts.push(" These pairs chose the saved step: judge it by the test pairs.");
  } else parts.push(` ${subject} has not been validated yet.`);
  const when = isDone(film) && view.step === film.ticks.at(-1) ? "" : " so far";
  if (Number.isFinite(view.gap.value)) {
    parts.push(` Gap recovered in validation${when}: ${gapWords(view.gap)}. The verdict is on the test pairs.`);
  } else if (view.gap.unclear) {
    parts.push(` Gap recovered in validation ${NOT_CLEAR}.`);
  }
  if (Number.isFinite(view.moment?.agreement)) {
    const pairs = `${percent(view.moment.agreement)} of ${integer(film.probe?.pairs ?? 0)} probe pairs`;
    parts.push(`${showsSaved ? " At the last step it" : " It"} agrees with its teacher on ${pairs}.`);
  }
  return parts.join("");
}

/** The 95 % interval of a metric of the validation pairs, of which there may be few. */
function intervalOf(film, metric, value) {
  const { error, high } = METRICS[metric];
  if (!error || !film.pairs) return "";
  const half = 1.96 * error(value, film.pairs);
  return ` [${number(Math.max(0, value - half))}, ${number(high ? Math.min(high, value + half) : value + half)}]`;
}

/** The share with its interval, and what that supports. */
export function gapWords({ value, low, high }) {
  const [from, to] = [low, high].map((end) => percent(end).replace(" %", ""));
  const claim = low > 0 ? "" : high < 0 ? ": the gap grew" : ": perhaps nothing";
  return `${percent(value)} [${from}, ${to}]${claim}`;
}

/** Columns of the CSV: the loss, each term as it is weighted, and what was measured. */
function csvNames({ weights, graded }, film) {
  const heat = film.lines.some((line) => Number.isFinite(line.temperature)) ? ["temperature"] : [];
  const terms = termsOf(weights).map((term) => `${term}_weighted`);
  if (!graded) return ["loss", ...terms, ...fieldsOf(OF_PRETRAINING), "pairs_per_second", "memory_mb"];
  return [
    "loss", ...terms, ...fieldsOf(OF_GRADES),
    "twin_validation_roc_auc", "twin_validation_nll", "agreement_with_teacher", "kl_to_teacher_nats",
    "distance_to_truth", "twin_distance_to_truth", "pairs_per_second", "memory_mb", ...heat,
  ];
}

function fieldsOf(metrics) {
  return Object.values(metrics).map(({ field }) => field);
}

/** Names of the terms of a loss, in the order in which they are drawn: soft first, hard last. */
export function termsOf(weights) {
  const between = Object.keys(weights).filter((term) => term !== "soft" && term !== "hard");
  return ["soft", ...between.sort(), "hard"];
}

/** The weight of a term at a line: the run writes it down where a schedule or stages change it. */
export function weightAt(line, term, weights) {
  const weight = line?.[`${term}_weight`];
  return Number.isFinite(weight) ? weight : weights[term] ?? 0;
}

// the name in the CSV -> the name in a line of metrics, or in a moment of the replay
const COLUMNS = {
  line: {
    loss: "loss",
    temperature: "temperature",
    pairs_per_second: "pairs_per_second",
    memory_mb: "memory_mb",
    ...Object.fromEntries(fieldsOf(METRICS).map((field) => [field, field])),
  },
  twinLine: { twin_validation_roc_auc: "validation_roc_auc", twin_validation_nll: "validation_nll" },
  moment: { agreement_with_teacher: "agreement", kl_to_teacher_nats: "kl", distance_to_truth: "distance" },
  twinMoment: { twin_distance_to_truth: "distance" },
};

/** All numbers of the picture, one row per step, as CSV; its last column repeats the run. */
export function csvOf(film, data) {
  const rows = new Map();
  const put = (step, values) => rows.set(step, { ...rows.get(step), ...values });
  for (const line of film.lines) {
    put(line.step, pick(line, COLUMNS.line));
    for (const term of termsOf(data.weights)) {
      const weighted = line[term] * weightAt(line, term, data.weights);
      if (Number.isFinite(weighted)) put(line.step, { [`${term}_weighted`]: weighted });
    }
  }
  for (const line of film.twin?.lines ?? []) put(line.step, pick(line, COLUMNS.twinLine));
  for (const moment of film.moments) put(moment.step, pick(moment, COLUMNS.moment));
  for (const moment of film.twin?.moments ?? []) put(moment.step, pick(moment, COLUMNS.twinMoment));
  const names = csvNames(data, film);
  const source = `"run=${data.run} ${data.label.replace(/\s+/g, " ").replaceAll('"', '""')}"`;
  const body = [...rows]
    .sort(([a], [b]) => a - b)
    .map(([step, row]) => [step, ...names.map((name) => row[name] ?? ""), source].join(","));
  return [["step", ...names, "made_from"].join(","), ...body, ""].join("\n");
}

function pick(line, names) {
  const numbers = Object.entries(names).filter(([, from]) => Number.isFinite(line[from]));
  return Object.fromEntries(numbers.map(([to, from]) => [to, line[from]]));
}
