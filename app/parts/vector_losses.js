// Losses of a few pooled vectors: the twin of kdcore.objectives.feature (without a projection) and
// relation, which tests/browser/test_losses.py compares. Vectors lie one after the other in a flat array
// of `width` numbers each. Each factory gives loss(s, out): the value; the gradient goes into out, if given.

import { logSoftmax, softmax } from "./maths.js";

const EQUAL = 1e-6; // vectors nearer than this have no direction from one to the other

/** Mean over all numbers of one(gap), whose slope is slope(gap). */
function gaps(t, one, slope) {
  return (s, out) => {
    let sum = 0;
    for (let i = 0; i < t.length; i++) {
      sum += one(s[i] - t[i]);
      if (out) out[i] = slope(s[i] - t[i]) / t.length;
    }
    return sum / t.length;
  };
}

const l2 = (t) => gaps(t, (gap) => gap * gap, (gap) => 2 * gap);

function hint(t, width) {
  return gaps(t, (gap) => (width / 2) * gap * gap, (gap) => width * gap);
}

/** Cross-entropy of the softmax over each vector's numbers. */
function crossEntropy(t, width) {
  const rows = t.length / width;
  const targets = rowsOf(t, width).map((row) => softmax(row));
  const logQ = new Float64Array(width);
  return (s, out) => {
    let sum = 0;
    targets.forEach((p, row) => {
      logSoftmax(s.subarray(row * width, (row + 1) * width), 1, logQ);
      for (let k = 0; k < width; k++) {
        sum -= p[k] * logQ[k];
        if (out) out[row * width + k] = (Math.exp(logQ[k]) - p[k]) / rows;
      }
    });
    return sum / rows;
  };
}

/** Mean of 1 - cos; a vector of zeros costs 1. */
function cosine(t, width) {
  const rows = t.length / width;
  return (s, out) => {
    out?.fill(0);
    let sum = 0;
    for (let at = 0; at < t.length; at += width) {
      let [product, ours, theirs] = [0, 0, 0];
      for (let k = at; k < at + width; k++) {
        product += s[k] * t[k];
        ours += s[k] * s[k];
        theirs += t[k] * t[k];
      }
      if (!(ours > 0 && theirs > 0)) {
        sum += 1;
        continue;
      }
      const lengths = Math.sqrt(ours) * Math.sqrt(theirs);
      sum += 1 - product / lengths;
      const back = product / ours;
      for (let k = at; out && k < at + width; k++) out[k] = (back * s[k] - t[k]) / lengths / rows;
    }
    return sum / rows;
  };
}

export const FEATURES = {
  l2,
  l1: (t) => gaps(t, Math.abs, Math.sign),
  hint,
  cross_entropy: crossEntropy,
  cosine,
};

/** Distances and angles between the vectors, weighted. */
export function relationLoss(params, t, width) {
  const teacher = params.unit_teacher ? unit(t, width) : t;
  const parts = [];
  if (params.distance_weight) parts.push([params.distance_weight, distanceLoss(teacher, width)]);
  if (params.angle_weight) parts.push([params.angle_weight, angleLoss(teacher, width, params.angle_cap)]);
  const slope = new Float64Array(t.length);
  return (s, out) => {
    out?.fill(0);
    let sum = 0;
    for (const [weight, loss] of parts) {
      sum += weight * loss(s, out && slope);
      for (let i = 0; out && i < out.length; i++) out[i] += weight * slope[i];
    }
    return sum;
  };
}

/** Smooth L1 of the distances over their mean, over all entries of the square of vectors. */
function distanceLoss(t, width) {
  const n = t.length / width;
  const theirs = normalized(distances(t, width, n)).d;
  const d = new Float64Array(n * n);
  return (s, out) => {
    distances(s, width, n, d);
    const { mean, apart } = normalized(d);
    let [sum, pull] = [0, 0];
    for (let at = 0; at < d.length; at++) {
      const gap = d[at] - theirs[at];
      sum += huber(gap);
      pull += bounded(gap) * d[at];
    }
    out?.fill(0);
    for (let at = 0; out && at < d.length; at++) {
      if (!(d[at] > 0)) continue;
      const [i, j] = [Math.floor(at / n), at % n];
      // d is the distance over the mean, which every distance moves
      const slope = (bounded(d[at] - theirs[at]) - pull / apart) / (n * n * mean);
      for (let k = 0; k < width; k++) {
        const along = (s[i * width + k] - s[j * width + k]) / (d[at] * mean);
        out[i * width + k] += slope * along;
        out[j * width + k] -= slope * along;
      }
    }
    return sum / (n * n);
  };
}

function distances(x, width, n, d = new Float64Array(n * n)) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (x[i * width + k] - x[j * width + k]) ** 2;
      d[i * n + j] = d[j * n + i] = Math.sqrt(sum);
    }
  }
  return d;
}

/** Distances over the mean of the positive ones, in place. */
function normalized(d) {
  let [sum, apart] = [0, 0];
  for (let at = 0; at < d.length; at++) {
    sum += d[at];
    if (d[at] > 0) apart++;
  }
  const mean = sum > 0 ? sum / apart : 1;
  for (let at = 0; at < d.length; at++) d[at] /= mean;
  return { d, mean, apart: Math.max(apart, 1) };
}

/** Smooth L1 of the cosines of the angles at each vector between two others, over all triplets. */
function angleLoss(t, width, cap) {
  const all = t.length / width;
  const n = cap && all > cap ? cap : all;
  const rows = Array.from({ length: n }, (_, at) => Math.floor((at * all) / n));
  const theirs = angles(ways(t, width, rows), width, n);
  const [w, slope] = [room(n, width), new Float64Array(width)];
  return (s, out) => {
    ways(s, width, rows, w);
    out?.fill(0);
    let sum = 0;
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const from = (i * n + j) * width;
        slope.fill(0);
        for (let k = 0; k < n; k++, at++) {
          const to = (i * n + k) * width;
          const gap = product(w.unit, from, to, width) - theirs[at];
          sum += huber(gap);
          for (let m = 0; out && m < width; m++) slope[m] += 2 * bounded(gap) * w.unit[to + m];
        }
        if (out) turn(out, slope, w, from, i * n + j, [rows[i], rows[j]], width, n ** 3);
      }
    }
    return sum / n ** 3;
  };
}

/** Add what a slope on the direction from one vector to another asks of both vectors. */
function turn(out, slope, w, from, pair, [i, j], width, count) {
  const length = w.length[pair];
  if (!(length > EQUAL)) return;
  let along = 0;
  for (let m = 0; m < width; m++) along += slope[m] * w.unit[from + m];
  for (let m = 0; m < width; m++) {
    const across = (slope[m] - along * w.unit[from + m]) / length / count;
    out[j * width + m] += across;
    out[i * width + m] -= across;
  }
}

function room(n, width) {
  return { unit: new Float64Array(n * n * width), length: new Float64Array(n * n) };
}

/** The directions and lengths from each vector to each other; equal vectors have none. */
function ways(x, width, rows, w = room(rows.length, width)) {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [from, a, b] = [(i * n + j) * width, rows[i] * width, rows[j] * width];
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (x[b + k] - x[a + k]) ** 2;
      const length = (w.length[i * n + j] = Math.sqrt(sum));
      for (let k = 0; k < width; k++) w.unit[from + k] = length > EQUAL ? (x[b + k] - x[a + k]) / length : 0;
    }
  }
  return w;
}

function angles({ unit: units }, width, n) {
  const out = new Float64Array(n ** 3);
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) out[at++] = product(units, (i * n + j) * width, (i * n + k) * width, width);
    }
  }
  return out;
}

function product(values, a, b, width) {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += values[a + k] * values[b + k];
  return sum;
}

/** torch's smooth L1, and its slope. */
function huber(gap) {
  const size = Math.abs(gap);
  return size < 1 ? (gap * gap) / 2 : size - 0.5;
}

function bounded(gap) {
  return gap > 1 ? 1 : gap < -1 ? -1 : gap;
}

/** Each vector scaled to length 1; one of zeros stays. */
export function unit(t, width) {
  const rows = rowsOf(t, width).map((row) => {
    const length = Math.max(Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)), 1e-12);
    return Array.from(row, (v) => v / length);
  });
  return Float64Array.from(rows.flat());
}

function rowsOf(t, width) {
  return Array.from({ length: t.length / width }, (_, row) => t.subarray(row * width, (row + 1) * width));
}
