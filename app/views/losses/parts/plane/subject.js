// What is dragged: the logits of one pair, the log-odds of a query's ads, or a few vectors in a plane; as
// one flat list of numbers, of which two lie on the axes.

import { rankOrder, relevance, softmax } from "../../../../parts/maths.js";
import { number, percent, shortened } from "../../../../parts/words.js";

const LEAST_SPAN = { logits: 6, ads: 6, vectors: 1 }; // of an axis
const ROOM = 0.22; // of the span, left free around what lies farthest out

/** A scene of the page as flat numbers; names: of each number, points: how many can be taken. */
export function subjectOf(scene) {
  const isVectors = scene.view === "vectors";
  const flat = (values) => values && Float64Array.from(values.flat());
  const short = scene.view === "logits" ? scene.names : scene.labels.map((label) => shortened(label, 28));
  return {
    scene,
    view: scene.view,
    teacher: flat(scene.teacher),
    own: flat(scene.student),
    twin: flat(scene.twin),
    labels: short,
    names: isVectors ? short.flatMap((_, at) => [`${letter(at)}, x`, `${letter(at)}, y`]) : short,
    points: isVectors ? short.length : 1,
    grade: scene.grade ?? -1,
  };
}

/** p, q, r: how the points of a plane are called. */
export function letter(at) {
  return String.fromCharCode("p".charCodeAt(0) + at);
}

/** Indices of the two numbers on the axes; where the visitor chose none, those worth a look. */
export function axesOf(subject, chosen) {
  const n = subject.own.length;
  if (subject.view === "vectors") {
    const point = chosen[0] < subject.points ? chosen[0] : 0;
    return [2 * point, 2 * point + 1];
  }
  if (chosen.length === 2 && chosen[0] !== chosen[1] && chosen.every((at) => at >= 0 && at < n)) return chosen;
  return subject.view === "logits" ? [0, n - 1] : mostTurned(subject);
}

/** The two ads whose order the student has most wrong; the teacher's first and last if it has none. */
function mostTurned({ teacher, own }) {
  const order = rankOrder(teacher);
  let best = [order.at(-1), order[0]];
  let most = 0;
  for (const i of order) {
    for (const j of order) {
      const wrong = Math.min(teacher[i] - teacher[j], own[j] - own[i]);
      if (wrong > most) [most, best] = [wrong, [j, i]];
    }
  }
  return best;
}

/** The ends of both axes, of one length, around every place in `places`. */
export function rangeOf(subject, axes, places) {
  const ends = groupsOf(subject, axes).map((group) => {
    const values = places.flatMap((x) => group.map((at) => x[at]));
    return [Math.min(...values), Math.max(...values)];
  });
  const widest = Math.max(...ends.map(([low, high]) => high - low));
  const span = Math.max(LEAST_SPAN[subject.view], widest * (1 + 2 * ROOM));
  return ends.map(([low, high]) => [(low + high - span) / 2, (low + high + span) / 2]);
}

/** Whether every place in `places` lies within the ends of both axes. */
export function isInRange(subject, axes, places, range) {
  return groupsOf(subject, axes).every((group, by) => {
    const [low, high] = range[by];
    return places.every((x) => group.every((at) => x[at] >= low && x[at] <= high));
  });
}

/** The numbers that lie on each axis. */
function groupsOf(subject, axes) {
  return subject.view === "vectors" ? [0, 1].map((by) => everySecond(subject, by)) : axes.map((at) => [at]);
}

function everySecond(subject, by) {
  return Array.from({ length: subject.points }, (_, at) => 2 * at + by);
}

/** What a place means for a reader: [name, text] each. */
export function meaningOf(subject, x) {
  if (subject.view === "logits") {
    const { names, relevantFrom } = subject.scene;
    const event = names.slice(relevantFrom).join(" or ");
    return [[`P(${event})`, percent(relevance(softmax(x), relevantFrom), 1)]];
  }
  if (subject.view === "vectors") return [["mean distance from the teacher's", number(meanDistance(subject, x), 3)]];
  const { right, all } = ordered(subject, x);
  const spread = number(Math.max(...x) - Math.min(...x), 1);
  return [["pairs of ads in the teacher's order", `${right} of ${all}`], ["spread", spread]];
}

/** How many pairs of ads stand in the teacher's order, of those that it does not tie. */
function ordered({ teacher }, x) {
  let [right, all] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    for (let j = 0; j < x.length; j++) {
      if (!(teacher[i] > teacher[j])) continue;
      all++;
      if (x[i] > x[j]) right++;
    }
  }
  return { right, all };
}

function meanDistance({ teacher, points }, x) {
  let sum = 0;
  for (let at = 0; at < 2 * points; at += 2) sum += Math.hypot(x[at] - teacher[at], x[at + 1] - teacher[at + 1]);
  return sum / points;
}
