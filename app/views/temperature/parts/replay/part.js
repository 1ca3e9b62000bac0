// Scrub through training: the student's soft labels on the probe come to the teacher's. All
// moments are in the browser; the server hears of the moment once, at its release.

import { makeBars } from "../../../../parts/bars.js";
import { painter, stateOf, svg, theme } from "../../../../parts/draw.js";
import { histogram, relevanceInto, roundUp, survey } from "../../../../parts/maths.js";
import { mirrored, probabilityAxis, useCanvas } from "../../../../parts/mirror.js";
import { makePlayer } from "../../../../parts/player.js";
import { attend, rowOf, stage } from "../../../../parts/stage.js";
import { degrees, integer, number, percent } from "../../../../parts/words.js";

const CELLS = 40;
const PACE = 140; // ms per moment while it plays

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => gather(root));
  useCanvas(part, root, paint);
  part.send = () => {
    part.sent = { moment: part.moment, probe: part.probe };
    setStateValue("at", { ...part.sent, n: Date.now() }); // n: the same choice twice is still news
  };
  if (part.hash !== data.hash) load(part, data);
  obey(part);
  const leave = attend(part, paint, part.canvas, () => obey(part));
  return () => {
    leave();
    part.stop();
  };
}

function gather(root) {
  const find = (selector) => root.querySelector(selector);
  const part = {
    root,
    input: find("#moment"),
    output: find("output"),
    canvas: find("canvas"),
    line: find(".line"),
  };
  const names = ["finding", "lined", "setted", "texts", "note"];
  part.words = Object.fromEntries(names.map((name) => [name, find(`.${name}`)]));
  part.oneTitle = find(".one .title");
  part.ask = painter(() => paint(part));
  part.input.oninput = () => {
    part.moment = Number(part.input.value);
    part.ask();
  };
  part.input.onchange = () => part.send();
  part.stop = makePlayer(find(".start"), PACE, {
    begin: () => {
      if (part.moment === lastMoment(part)) part.moment = 0;
    },
    step: () => {
      part.moment = Math.min(part.moment + 1, lastMoment(part));
      part.ask();
      return part.moment < lastMoment(part);
    },
    done: () => part.send(),
  });
  const turn = (way) => () => {
    part.probe = (part.probe + way + part.data.labels.length) % part.data.labels.length;
    part.ask();
    part.send();
  };
  find(".back").onclick = turn(-1);
  find(".next").onclick = turn(1);
  return part;
}

function load(part, data) {
  const column = (table) => table?.getChild("logits").toArray() ?? null;
  Object.assign(part, { data, hash: data.hash, curves: null, moment: data.steps.length - 1, probe: 0 });
  const models = ["student", "teacher", "twin", "truth"];
  part.logits = Object.fromEntries(models.map((name) => [name, column(data[name])]));
  part.frame = data.labels.length * data.names.length; // numbers per moment
  part.aim = part.logits.teacher ?? momentOf(part, "student", data.steps.length - 1);
  part.input.max = data.steps.length - 1;
  part.bars = makeBars(part.root.querySelector(".bars"), data.names);
  part.room = { up: new Float64Array(data.labels.length), down: new Float64Array(data.labels.length) };
  part.heard = {};
}

/** Take moment and pair from the stage when the server has set them anew. */
function obey(part) {
  const { moment, probe } = stage().replay ?? { moment: -1, probe: 0 };
  const last = lastMoment(part);
  const news = (name, value) => {
    const echo = part.sent?.[name] === value; // what was sent came back: no news, and only once
    if (echo) delete part.sent[name];
    return !echo && part.heard[name] !== value;
  };
  if (news("moment", moment)) part.moment = moment < 0 ? last : Math.min(moment, last);
  if (news("probe", probe)) part.probe = Math.min(probe, part.data.labels.length - 1);
  part.heard = { moment, probe };
  part.ask();
}

function momentOf(part, model, at) {
  return part.logits[model].subarray(at * part.frame, (at + 1) * part.frame);
}

function lastMoment({ data }) {
  return data.steps.length - 1;
}

/** Mean KL to the teacher at every moment; worked out anew only when a temperature moves. */
function curvesAt(part, T, Ts) {
  const key = `${T}:${Ts}`;
  if (part.curves?.key === key) return part.curves;
  const { data } = part;
  const distance = (logits) => survey(part.aim, logits, data.names.length, T, Ts, 1).kl;
  const curve = (model, steps) => steps.map((_, at) => distance(momentOf(part, model, at)));
  const twin = part.logits.twin ? curve("twin", data.twinSteps) : [];
  part.curves = { key, student: curve("student", data.steps), twin };
  return part.curves;
}

function paint(part) {
  const { T, Ts } = stage();
  const { data, moment } = part;
  const curves = curvesAt(part, T, Ts);
  const step = data.steps[moment];
  part.input.value = moment;
  part.output.textContent = `step ${integer(step)} of ${integer(data.steps.at(-1))}`;
  part.input.setAttribute("aria-valuetext", `${part.output.textContent}, KL ${number(curves.student[moment], 3)} nats`);
  paintPair(part, T, Ts);
  paintSet(part, T, Ts);
  paintLine(part, curves);
  part.words.finding.textContent = sentence(part, curves, Ts);
  part.words.note.textContent = note(part);
}

/** How far the student has come to its teacher at the moment that is shown. */
function sentence(part, { student }, Ts) {
  const { data, moment } = part;
  const aim = part.logits.teacher ? "its teacher" : "where it ends";
  const [first, now] = [student[0], student[moment]];
  let change = ", the first saved moment";
  if (moment > 0) change = first > 0 ? `, ${percent(1 - now / first)} nearer than at step ${data.steps[0]}` : "";
  return (
    `After ${integer(data.steps[moment])} of ${integer(data.steps.at(-1))} steps the student's soft labels ` +
    `at T = ${degrees(Ts)} are ${number(now, 3)} nats from ${aim} on ${data.labels.length} probe pairs${change}.`
  );
}

function note({ data, logits }) {
  const aim = logits.teacher
    ? ""
    : "The teacher's answers to them are not saved here, so the distance is to the student's own last moment. ";
  const twin = logits.twin ? "Dotted: the same student without a teacher. " : "";
  return (
    `The probe: ${data.labels.length} pairs of the validation split, drawn once, never trained on. ${aim}${twin}` +
    "The height of the line is a mean over pairs in nats; it moves with T, " +
    "and values at different T do not compare."
  );
}

function paintPair(part, T, Ts) {
  const { data, moment, probe } = part;
  const classes = data.names.length;
  const truth = part.logits.truth && rowOf(part.logits.truth, probe, classes);
  part.oneTitle.textContent = `Probe pair ${probe + 1} of ${data.labels.length}`;
  part.words.texts.textContent = data.texts[probe];
  const own = momentOf(part, "student", moment);
  part.bars({
    T, Ts, lit: -1, log: false, names: data.names, titles: data.titles, truth, grade: data.labels[probe],
    z: { teacher: rowOf(part.aim, probe, classes), student: rowOf(own, probe, classes), twin: null },
  });
}

function paintSet(part, T, Ts) {
  const { data, moment, probe, room } = part;
  const classes = data.names.length;
  relevanceInto(part.aim, classes, T, data.relevantFrom, room.up);
  relevanceInto(momentOf(part, "student", moment), classes, Ts, data.relevantFrom, room.down);
  const side = (role, values) => ({ role, n: values.length, counts: histogram(values, CELLS), mark: values[probe] });
  const plan = probabilityAxis(data.event, true);
  mirrored(part.canvas, 268, part.colors, plan, side("teacher", room.up), side("student", room.down));
  part.words.setted.textContent = `The probe: ${data.event}, teacher up, student down`;
  part.canvas.setAttribute("aria-label", `${data.event} of the probe at step ${data.steps[moment]}.`);
}

function paintLine(part, curves) {
  const { data, line } = part;
  const [width, height, left, foot] = [line.clientWidth || 400, 268, 48, 36];
  const most = Math.max(...curves.student, ...curves.twin);
  const top = most > 0 ? roundUp(most, [1, 2, 4, 10]) : 1;
  const x = (step) => left + (step / data.steps.at(-1)) * (width - left - 12);
  const y = (value) => 8 + (1 - value / top) * (height - foot - 8);
  const path = (values, steps, kind) => {
    const points = values.map((value, at) => `${x(steps[at])} ${y(value)}`);
    return svg("path", { class: kind, d: `M${points.join("L")}` });
  };
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    svg("path", { class: "gridline", d: `M${left} ${y(part * top)}H${width - 12}` }),
    svg("text", { x: left - 6, y: y(part * top) + 4, "text-anchor": "end" }, `${Number((part * top).toPrecision(3))}`),
  ]);
  const here = [x(data.steps[part.moment]), y(curves.student[part.moment])];
  line.setAttribute("viewBox", `0 0 ${width} ${height}`);
  line.replaceChildren(
    ...grid,
    svg("text", { x: left, y: height - 18, "text-anchor": "start" }, "0"),
    svg("text", { x: width - 12, y: height - 18, "text-anchor": "end" }, integer(data.steps.at(-1))),
    svg("text", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, "step of training"),
    ...(curves.twin.length ? [path(curves.twin, data.twinSteps, "twin")] : []),
    path(curves.student, data.steps, "student"),
    svg("path", { class: "now", d: `M${here[0]} 8V${height - foot}` }),
    svg("circle", { cx: here[0], cy: here[1], r: 6 }));
  const aim = part.logits.teacher ? "the teacher" : "its own end";
  part.words.lined.textContent = `KL from ${aim}, mean over the probe, nats`;
  const ends = [curves.student[0], curves.student.at(-1)].map((value) => number(value, 3));
  line.setAttribute("aria-label", `Mean KL over training: ${ends[0]} at the first moment, ${ends[1]} at the last.`);
}
