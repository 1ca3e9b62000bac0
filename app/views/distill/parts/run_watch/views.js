// What each of the four pictures shows of a run.

import { fmt } from "../../../../parts/draw.js";
import { heldTop, paintChart } from "./curves.js";
import { capital, isOver, METRICS, percent } from "./sums.js";

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
  const terms = ["soft", "hard"].filter((term) => data.weights[term] > 0 && film.loss.some((line) => Number.isFinite(line[term])));
  let floor = film.loss.map(() => 0);
  const areas = terms.map((term) => {
    const from = floor;
    floor = film.loss.map((line, i) => from[i] + data.weights[term] * (line[term] ?? 0));
    const to = floor;
    return { kind: term, name: term, points: film.loss.map((line, i) => [line.step, from[i], to[i]]) };
  });
  const high = heldTop(chart, film.loss.map((line) => line.loss));
  const told = terms.map((term) => `${term} ${data.weights[term]} × ${fmt(view.loss?.[term])}`).join(" + ");
  chart.heading.textContent = view.loss ? `Loss ${fmt(view.loss.loss)}${terms.length > 1 ? ` = ${told}` : ""}` : "Loss";
  return {
    low: 0, high, marks: quarters(high), areas,
    lines: areas.length ? [] : [{ kind: "student", name: "loss", points: film.loss.map((line) => [line.step, line.loss]) }],
    empty: film.loss.length ? "" : waiting(film, "loss"),
    label: film.loss.length ? `Loss over steps: ${fmt(film.loss[0].loss)} at the first line, ${fmt(view.loss?.loss)} at step ${view.step}; ${told}.` : "No loss yet.",
  };
}

function quarters(high) {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => part * high);
}

function metricView(chart, film, metric, view) {
  const { name, field, high } = METRICS[metric];
  const points = (lines) => (lines ?? []).filter((line) => Number.isFinite(line[field])).map((line) => [line.step, line[field]]);
  const own = points(film.checks);
  const twin = points(film.twin?.lines);
  const top = film.teacher?.[metric];
  const values = [...own, ...twin].map(([, value]) => value).concat(Number.isFinite(top) ? [top] : []);
  if (chart.metric !== metric) Object.assign(chart, { metric, top: 0 });
  const frame = high ? { high, low: values.some((value) => value < METRICS[metric].low) ? 0 : METRICS[metric].low } : { low: 0, high: heldTop(chart, values) };
  const marks = quarters(frame.high - frame.low).map((part) => frame.low + part);
  chart.heading.textContent = `Validation ${name}`;
  return {
    ...frame, marks,
    levels: Number.isFinite(top) ? [{ kind: "teacher", name: "teacher", value: top }] : [],
    lines: [{ kind: "twin", name: "twin", points: twin, whole: true, dots: true }, { kind: "student", name: "student", points: own, dots: true }],
    empty: own.length || twin.length ? "" : isOver(film) ? "no validation was recorded" : "the first validation is awaited",
    label: `Validation ${name} over steps: student ${fmt(view.check?.[field])}, teacher ${fmt(top)}, ${view.step < film.ticks.at(-1) ? "twin's saved step" : "twin"} ${fmt(view.twinCheck?.[field])}. Validation pairs, not test.`,
  };
}

function momentLines(film, name) {
  const points = (moments) => (moments ?? []).filter((one) => Number.isFinite(one[name])).map((one) => [one.step, one[name]]);
  return [{ kind: "twin", name: "twin", points: points(film.twin?.moments), whole: true }, { kind: "student", name: "student", points: points(film.moments) }];
}

function agreementView(film, data, view) {
  const lines = momentLines(film, "agreement");
  const said = lines[1].points.length;
  return {
    low: 0, high: 1, marks: quarters(1), lines,
    empty: said ? "" : !data.taught ? "this run has no teacher" : film.moments.length ? "the teacher's answers are not known" : waiting(film, "moment"),
    label: `Agreement with the teacher over steps: student ${percent(view.moment?.agreement ?? NaN)}, twin ${percent(view.twinMoment?.agreement ?? NaN)}.`,
  };
}

function distanceView(chart, film, view) {
  const lines = momentLines(film, "distance");
  const top = film.probe?.teacherDistance;
  const high = heldTop(chart, lines.flatMap((line) => line.points.map(([, value]) => value)));
  return {
    low: 0, high, marks: quarters(high), lines,
    levels: Number.isFinite(top) ? [{ kind: "teacher", name: "teacher", value: top }] : [],
    empty: lines[1].points.length ? "" : film.moments.length ? "no truth is known of these pairs" : waiting(film, "moment"),
    label: `Distance to the truth over steps: student ${fmt(view.moment?.distance ?? NaN)}, twin ${fmt(view.twinMoment?.distance ?? NaN)}, teacher ${fmt(top ?? NaN)}.`,
  };
}
