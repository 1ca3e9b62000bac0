// Losses of one pair's logits: the twin of kdcore.objectives.response and hard for a batch of one pair,
// which tests/browser/test_losses.py compares. Each factory takes the knobs and what the student learns
// from, and gives loss(z, out): the value at the student's logits z; the gradient goes into out, if given.
// factor: T², or 1 to leave it out.

import { argmax, labelSmoothing, logSoftmax, softmax } from "./maths.js";

const NEAR = 1e-8; // torch's least length in a cosine
const FLATTEST = 1e-14; // of a variance, and what is added to a deviation: as in _standardized
const TINY = 1e-7;

/** factor · KL(p ‖ softmax(z / T)); with p's entropy left out it is the cross-entropy. */
export function softLoss(p, T, factor, entropy = true) {
  const logQ = new Float64Array(p.length);
  const own = entropy ? p.reduce((sum, value) => sum + (value > 0 ? value * Math.log(value) : 0), 0) : 0;
  return (z, out) => {
    logSoftmax(z, T, logQ);
    let sum = own;
    for (let k = 0; k < p.length; k++) {
      sum -= p[k] * logQ[k];
      if (out) out[k] = (factor / T) * (Math.exp(logQ[k]) - p[k]);
    }
    return factor * sum;
  };
}

/** The sum of (q - target)² over the grades above the worst, q = softmax(z). */
function squaredProbabilities(target) {
  const q = new Float64Array(target.length);
  return (z, out) => {
    softmax(z, 1, q);
    let [sum, mean] = [0, 0];
    for (let k = 1; k < q.length; k++) {
      sum += (q[k] - target[k]) ** 2;
      mean += 2 * (q[k] - target[k]) * q[k];
    }
    if (out) for (let k = 0; k < q.length; k++) out[k] = q[k] * ((k ? 2 * (q[k] - target[k]) : 0) - mean);
    return sum;
  };
}

function soft(params, teacher, factor) {
  return softLoss(targetOf(params, teacher), params.temperature, factor);
}

function crossEntropy(params, teacher, factor) {
  return softLoss(targetOf(params, teacher), params.temperature, factor, false);
}

/** The teacher's soft label, at a temperature of its own where it has one. */
export function targetOf(params, teacher) {
  return softmax(teacher, params.teacher_temperature || params.temperature);
}

/** Half the mean squared gap of zero-mean logits. */
function logits(_, teacher) {
  const target = centered(teacher);
  const gap = new Float64Array(target.length);
  return (z, out) => {
    centered(z, gap);
    let sum = 0;
    for (let k = 0; k < gap.length; k++) {
      gap[k] -= target[k];
      sum += gap[k] ** 2;
      if (out) out[k] = gap[k] / gap.length;
    }
    return sum / gap.length / 2;
  };
}

/** The soft loss of logits with mean 0 and deviation 1. */
function standardized(params, teacher, factor) {
  const n = teacher.length;
  const deviation = (c) => Math.sqrt(Math.max(c.reduce((sum, v) => sum + v * v, 0) / (n - 1), FLATTEST));
  const scaled = (c) => {
    const by = deviation(c) + TINY;
    return c.map((v) => v / by);
  };
  const inner = softLoss(softmax(scaled(centered(teacher)), params.temperature), params.temperature, factor);
  const c = new Float64Array(n);
  return (z, out) => {
    centered(z, c);
    const value = inner(scaled(c), out);
    if (!out) return value;
    const sigma = deviation(c);
    const by = sigma + TINY;
    const along = sigma ** 2 > FLATTEST ? dot(out, c) / (by * by * (n - 1) * sigma) : 0;
    for (let k = 0; k < n; k++) out[k] = out[k] / by - along * c[k];
    centered(out, out);
    return value;
  };
}

/** The labelled grade against the others, and the others among themselves, weighed apart. */
function decoupled(params, teacher, factor, grade) {
  const { temperature: T, target_weight: targets, other_weight: others } = params;
  const target = grade >= 0 ? grade : argmax(teacher);
  const rest = (z) => z.filter((v, k) => k !== target);
  const halves = (z) => Float64Array.of(z[target] / T, logSumExp(rest(z), T));
  const two = softLoss(softmax(halves(teacher)), 1, factor);
  const among = softLoss(softmax(rest(teacher), T), T, factor);
  const [top, low] = [new Float64Array(2), new Float64Array(teacher.length - 1)];
  return (z, out) => {
    const left = rest(z);
    const value = targets * two(halves(z), out && top) + others * among(left, out && low);
    if (!out) return value;
    const share = softmax(left, T);
    for (let k = 0, at = 0; k < z.length; k++) {
      if (k === target) out[k] = (targets * top[0]) / T;
      else out[k] = (targets * top[1] * share[at]) / T + others * low[at++];
    }
    return value;
  };
}

/** 1 - the correlation over the grades; over a batch of one pair there is none, which costs 1. */
function dist(params, teacher, factor) {
  const { temperature: T, between_weight: between, within_weight: within } = params;
  const target = centered(softmax(teacher, T));
  const theirs = Math.max(Math.sqrt(dot(target, target)), NEAR);
  const [q, c, slope] = [0, 1, 2].map(() => new Float64Array(teacher.length));
  return (z, out) => {
    softmax(z, T, q);
    centered(q, c);
    const own = Math.sqrt(dot(c, c));
    const ours = Math.max(own, NEAR);
    const cosine = dot(c, target) / (ours * theirs);
    if (out) {
      const back = own > NEAR ? cosine / (ours * ours) : 0;
      for (let k = 0; k < q.length; k++) slope[k] = target[k] / (ours * theirs) - back * c[k];
      const mean = dot(slope, q); // the slope of a constant is none, so it need not be centered
      for (let k = 0; k < q.length; k++) out[k] = ((-factor * between) / T) * q[k] * (slope[k] - mean);
    }
    return factor * (between * (1 - cosine) + within);
  };
}

export const RESPONSES = {
  kl: soft,
  ce: crossEntropy,
  mse_logits: logits,
  mse_probabilities: (_, teacher) => squaredProbabilities(softmax(teacher)),
  standardized,
  decoupled,
  dist,
};

/** Losses that teach nothing on two grades. */
export const EMPTY_ON_TWO_GRADES = ["standardized", "decoupled", "dist"];

/** The hard label's loss at T = 1: its cross-entropy, smoothed or not, or the squared error. */
export function hardLoss(params, classes, grade) {
  if (params.loss === "mse") return squaredProbabilities(labelSmoothing(grade, classes, 0));
  return softLoss(labelSmoothing(grade, classes, params.smoothing ?? 0), 1, 1, false);
}

/** log of the sum of e^(z / T). */
function logSumExp(z, T) {
  const max = z.reduce((a, b) => Math.max(a, b), -Infinity);
  return max / T + Math.log(z.reduce((sum, v) => sum + Math.exp((v - max) / T), 0));
}

/** Numbers less their mean. */
export function centered(values, out = new Float64Array(values.length)) {
  let mean = 0;
  for (let k = 0; k < values.length; k++) mean += values[k] / values.length;
  for (let k = 0; k < values.length; k++) out[k] = values[k] - mean;
  return out;
}

/** The inner product. */
export function dot(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
