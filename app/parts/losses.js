// A term of an objective as arithmetic on what a visitor can drag: the logits of one pair, the log-odds
// of a query's ads, or a few vectors in a plane. The formulas stand in logit_losses, list_losses and
// vector_losses.js; tests/browser/test_losses.py compares all of them with kdcore.objectives.

import { RANKINGS } from "./list_losses.js";
import { EMPTY_ON_TWO_GRADES, hardLoss, RESPONSES, softLoss } from "./logit_losses.js";
import { softmax } from "./maths.js";
import { FEATURES, relationLoss, unit } from "./vector_losses.js";

const WIDTH = 2; // numbers of a vector in the plane
const PLACES = {
  response: "logits",
  label_aware: "logits",
  hard: "logits",
  ranking: "ads",
  feature: "vectors",
  relation: "vectors",
};
const LIVES_ON = { logits: "the logits of one pair", ads: "the ads of a query", vectors: "vectors" };
const SOFTENS = ["kl", "ce", "standardized", "decoupled", "dist", "list_kl"];

/** The view that draws a term; undefined for one that none draws. */
export function placeOf({ method, params }) {
  return method === "feature" && params.on !== "pooled" ? undefined : PLACES[method];
}

/** Why a term cannot be drawn in a view, as the end of a sentence; "" when it can. */
export function reasonAgainst(term, { view, teacher, grade }) {
  const { method, params } = term;
  const place = placeOf(term);
  if (!place) return "reads the inside of both models: nothing to drag";
  if (place !== view) return `compares ${LIVES_ON[place]}`;
  if (method === "hard" && !(grade >= 0)) return "needs a label, and this pair has none";
  if (method === "response" && teacher.length === 2 && EMPTY_ON_TWO_GRADES.includes(params.loss)) {
    return "teaches nothing on two grades";
  }
  return view === "ads" && teacher.length < 2 ? "needs a query with two ads or more" : "";
}

/** Whether a term's loss is softened by a temperature, and so has the factor T². */
export function softens({ method, params }) {
  return method === "label_aware" || (method !== "hard" && SOFTENS.includes(params.loss));
}

/** The temperature of a term: its own, or that of the page where it follows it. */
export function temperatureOf(term, T) {
  return term.follows ? T : term.params.temperature;
}

/**
 * loss(x, out) of a term that can be drawn: its value at the student's numbers x; the gradient goes into
 * out, if given. scene: view, teacher (flat Float64Array) and grade; T: of the terms that follow the page;
 * squared: whether T² multiplies the losses that it belongs to.
 */
export function lossOf(term, { teacher, grade }, T, squared = true) {
  const params = { ...term.params, temperature: temperatureOf(term, T) };
  const factor = squared ? params.temperature ** 2 : 1;
  switch (term.method) {
    case "label_aware": return labelAwareLoss(params, teacher, factor, grade);
    case "hard": return hardLoss(params, teacher.length, grade);
    case "ranking": return RANKINGS[params.loss](params, teacher, factor);
    case "feature": return FEATURES[params.loss](teacher, WIDTH);
    case "relation": return relationLoss(params, teacher, WIDTH);
    default: return RESPONSES[params.loss](params, teacher, factor, grade);
  }
}

/** Label and soft label by their shares; a pair alone weighs 1, and the factor belongs to the soft part. */
function labelAwareLoss({ temperature: T, label_share }, teacher, factor, grade) {
  const share = grade >= 0 ? label_share : 0;
  const soft = softLoss(softmax(teacher, T), T, factor, false);
  const parts = [{ loss: soft, weight: 1 - share }];
  if (share) parts.push({ loss: hardLoss({}, teacher.length, grade), weight: share });
  return sumOf(parts);
}

/** The teacher's vectors as a term compares them, where they are not the teacher's own; else null. */
export function comparedOf({ method, params }, teacher) {
  return method === "relation" && params.unit_teacher ? unit(teacher, WIDTH) : null;
}

/** The weighted sum of losses with their weights, as a loss. */
export function sumOf(parts) {
  let slope = new Float64Array(0);
  return (x, out) => {
    if (slope.length !== x.length) slope = new Float64Array(x.length);
    out?.fill(0);
    let sum = 0;
    for (const { loss, weight } of parts) {
      sum += weight * loss(x, out && slope);
      for (let i = 0; out && i < x.length; i++) out[i] += weight * slope[i];
    }
    return sum;
  };
}

/** What a term is called, with its temperature where it has one: KL at T = 2. */
export function titleOf(term, T) {
  return softens(term) ? `${term.title} at T = ${Number(temperatureOf(term, T).toPrecision(3))}` : term.title;
}

/** The color of a term by its place in its objective: a role of the palette. */
export function roleOf(at) {
  return ["truth", "defect", "twin", "muted"][at % 4];
}
