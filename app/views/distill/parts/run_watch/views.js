// What each of the four pictures shows of a run.

import { capital, number, percent } from "../../../../parts/words.js";
import { paintChart, stableTop } from "./curves.js";
import { isOver, METRICS, subjectOf, termsOf, weightAt } from "./sums.js";

/** Paint them all at a view. */
export function paintCurves(part, view) {
  const { film, charts, metric, data } = part;
  const common = { total: film.total, step: view.step, scrubbed: part.step >= 0 };
  paintChart(charts.loss, { ...common, ...lossView(charts.loss, film, data, view) });
  paintChart(charts.metric, { ...common, ...metricView(charts.metric, film, metric, view) });
  paintChart(charts.agreement, { ...common, ...agreementView(film, data, view) });
  paintChart(charts.distance, { ...common, ...distanceView(charts.distance, film, view) });
}

function waiting(film, what) {
  return isOver(film) ? `no ${what} was recorded` : capital(film.status.words);
}

function lossView(chart, film, data, view) {
  const recorded = (term) => film.loss.some((line) => Number.isFinite(line[term]));
  const weighs = (term) => film.loss.some((line) => weightAt(line, term, data.weights) > 0);
  const terms = termsOf(data.weights).filter((term) => weighs(term) && recorded(term));
  let floor = film.loss.map(() => 0);
  const areas = terms.map((term) => {
    const from = floor;
    floor = film.loss.map((line, i) => from[i] + weightAt(line, term, data.weights) * (line[term] ?? 0));
    const to = floor;
    const points = film.loss.map((line, i) => [line.step, from[i], to[i]]);
    return { kind: kindOf(term, terms), name: term.replace("_", " "), points };
  });
  const high = stableTop(chart, film.loss.map((line) => line.loss));
  const factor = (term) => Number(weightAt(view.loss, term, data.weights).toPrecision(3));
  const sum = terms.map((term) => `${term} ${factor(term)} × ${number(view.loss?.[term])}`).join(" + ");
  const value = view.loss ? ` ${number(view.loss.loss)}` : "";
  const heat = Number.isFinite(view.loss?.temperature) ? `, T ${Number(view.loss.temperature.toPrecision(3))}` : "";
  chart.heading.textContent = `Loss${value}${heat}`;
  chart.below.textContent = value && terms.length > 1 ? `Loss = ${sum}` : "";
  const frame = { low: 0, high, marks: quarters(high), areas };
  if (!film.loss.length) return { ...frame, lines: [], empty: waiting(film, "loss"), label: "No loss yet." };
  const points = film.loss.map((line) => [line.step, line.loss]);
  return {
    ...frame,
    lines: areas.length ? [] : [{ kind: kindOfLine(film), name: "loss", points }],
    empty: "",
    label: `Loss over steps: ${number(film.loss[0].loss)} at the first line, `
      + `${number(view.loss?.loss)} at step ${view.step}${heat}; ${sum}.`,
  };
}

/** The class that colors a term: those beside soft and hard take three in turn. */
function kindOf(term, terms) {
  if (term === "soft" || term === "hard") return term;
  const others = terms.filter((one) => one !== "soft" && one !== "hard");
  return `term${(others.indexOf(term) % 3) + 1}`;
}

function quarters(high) {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => part * high);
}

/** [step, value] of the lines that hold a number under a name. */
function pointsOf(lines, name) {
  return (lines ?? []).filter((line) => Number.isFinite(line[name])).map((line) => [line.step, line[name]]);
}

/** The class that colors the watched run's own line. */
function kindOfLine(film) {
  return film.subject === "teacher" ? "teacher" : "student";
}

function levelsOf(value) {
  return Number.isFinite(value) ? [{ kind: "teacher", name: "teacher", value }] : [];
}

function metricView(chart, film, metric, view) {
  const { name, field } = METRICS[metric];
  const own = pointsOf(film.checks, field);
  const twin = pointsOf(film.twin?.lines, field);
  const top = film.teacher?.[metric];
  const values = [...own, ...twin].map(([, value]) => value).concat(Number.isFinite(top) ? [top] : []);
  if (chart.metric !== metric) Object.assign(chart, { metric, top: 0 });
  const { low, high } = axisOf(chart, METRICS[metric], values);
  chart.heading.textContent = `Validation ${name}`;
  const none = isOver(film) ? "no validation was recorded" : "the first validation is awaited";
  const other = view.step < film.ticks.at(-1) ? "twin's saved step" : "twin";
  const subject = subjectOf(film, metric);
  const rivals = subject === "student" ? `, teacher ${number(top)}, ${other} ${number(view.twinCheck?.[field])}` : "";
  return {
    low, high,
    marks: quarters(high - low).map((part) => low + part),
    levels: levelsOf(top),
    lines: [
      { kind: "twin", name: "twin", points: twin, whole: true, dots: true },
      { kind: kindOfLine(film), name: subject, points: own, dots: true },
    ],
    empty: own.length || twin.length ? "" : none,
    label: `Validation ${name} over steps: ${subject} ${number(view.check?.[field])}${rivals}. `
      + "Validation pairs, not test.",
  };
}

/** The metric's own axis, from 0 where a value lies below it; else one that holds all values. */
function axisOf(chart, { low, high }, values) {
  if (!high) return { low: 0, high: stableTop(chart, values) };
  return { low: values.some((value) => value < low) ? 0 : low, high };
}

function momentLines(film, name) {
  return [
    { kind: "twin", name: "twin", points: pointsOf(film.twin?.moments, name), whole: true },
    { kind: kindOfLine(film), name: film.subject, points: pointsOf(film.moments, name) },
  ];
}

function agreementView(film, data, view) {
  const lines = momentLines(film, "agreement");
  let empty = "";
  if (!lines[1].points.length) {
    if (!data.distilled) empty = "this run has no teacher";
    else empty = film.moments.length ? "the teacher's answers are not known" : waiting(film, "moment");
  }
  const [student, twin] = [view.moment, view.twinMoment].map((moment) => percent(moment?.agreement));
  return {
    low: 0, high: 1, marks: quarters(1), lines, empty,
    label: `Agreement with the teacher over steps: ${film.subject} ${student}, twin ${twin}.`,
  };
}

function distanceView(chart, film, view) {
  const lines = momentLines(film, "distance");
  const top = film.probe?.teacherDistance;
  const high = stableTop(chart, lines.flatMap((line) => line.points.map(([, value]) => value)));
  const none = film.moments.length ? "no truth is known of these pairs" : waiting(film, "moment");
  const [student, twin] = [view.moment, view.twinMoment].map((moment) => number(moment?.distance));
  const rivals = film.subject === "teacher" ? "" : `, twin ${twin}, teacher ${number(top)}`;
  return {
    low: 0, high, marks: quarters(high), lines,
    levels: levelsOf(top),
    empty: lines[1].points.length ? "" : none,
    label: `Distance to the truth over steps: ${film.subject} ${student}${rivals}.`,
  };
}
