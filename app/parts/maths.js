// Pure arithmetic of the browser parts: soft labels, their distances, ranking, histograms.
// Twin of kdcore.softlabels, kdcore.labels and kdcore.metrics.ranking: tests/browser/test_maths.py
// runs this file in a real browser against them. No DOM, no state, no randomness.

function checkedTemperature(T) {
  if (!(T > 0 && Number.isFinite(T))) throw new RangeError(`temperature ${T} is not a positive number`);
  return T;
}

const FINE = 1024; // steps per doubling
const POWERS = Float64Array.from({ length: FINE }, (_, step) => 2 ** (step / FINE));
const HALVES = Float64Array.from({ length: 1075 }, (_, step) => 2 ** -step);

/** e^x for x <= 0 to 1e-14 of its value, in half of Math.exp's time: all pairs move in a frame. */
function fall(x) {
  if (x < -700) return 0;
  const steps = x * (FINE / Math.LN2);
  const whole = Math.floor(steps);
  const rest = (steps - whole) * (Math.LN2 / FINE);
  return POWERS[whole & (FINE - 1)] * HALVES[-(whole >> 10)] * (1 + rest * (1 + rest * (0.5 + rest / 6)));
}

/** log softmax(logits / T) of one pair; exact for |logit| = 1e4 and T = 0.05. */
export function logSoftmax(logits, T = 1, out = new Float64Array(logits.length)) {
  checkedTemperature(T);
  const n = logits.length;
  let max = -Infinity;
  for (let k = 0; k < n; k++) if (logits[k] > max) max = logits[k];
  let sum = 0;
  for (let k = 0; k < n; k++) sum += Math.exp((out[k] = (logits[k] - max) / T)); // max keeps exp finite
  const log = Math.log(sum);
  for (let k = 0; k < n; k++) out[k] -= log;
  return out;
}

/** softmax(logits / T) of one pair; arXiv 1503.02531, Eq. 1. */
export function softmax(logits, T = 1, out = new Float64Array(logits.length)) {
  logSoftmax(logits, T, out);
  for (let k = 0; k < out.length; k++) out[k] = Math.exp(out[k]);
  return out;
}

/** P(grade >= relevantFrom) of one soft label. */
export function relevance(p, relevantFrom) {
  let sum = 0;
  for (let k = relevantFrom; k < p.length; k++) sum += p[k];
  return sum;
}

/** Relevance of every pair straight from flat logits, into out (pairs). */
export function relevanceInto(flat, classes, T, relevantFrom, out) {
  const inverse = 1 / checkedTemperature(T);
  for (let at = 0, row = 0; at < flat.length; at += classes, row++) {
    let max = flat[at];
    for (let k = 1; k < classes; k++) if (flat[at + k] > max) max = flat[at + k];
    let below = 0;
    let above = 0;
    for (let k = 0; k < relevantFrom; k++) below += fall((flat[at + k] - max) * inverse);
    for (let k = relevantFrom; k < classes; k++) above += fall((flat[at + k] - max) * inverse);
    out[row] = above / (above + below);
  }
  return out;
}

/** Bits of one soft label at T: 0 is sure, log2(classes) is flat. */
export function entropy(logits, T = 1) {
  const logP = logSoftmax(logits, T);
  let sum = 0;
  for (let k = 0; k < logP.length; k++) sum -= Math.exp(logP[k]) * logP[k];
  return Math.max(sum / Math.LN2, 0);
}

/** Bits of every pair from flat logits, into out (pairs). */
export function entropyInto(flat, classes, T, out) {
  const inverse = 1 / checkedTemperature(T);
  for (let at = 0, row = 0; at < flat.length; at += classes, row++) {
    let max = flat[at];
    for (let k = 1; k < classes; k++) if (flat[at + k] > max) max = flat[at + k];
    let sum = 0;
    let mean = 0;
    for (let k = 0; k < classes; k++) {
      const scaled = (flat[at + k] - max) * inverse;
      const weight = fall(scaled);
      sum += weight;
      mean += weight * scaled;
    }
    out[row] = Math.max((Math.log(sum) - mean / sum) / Math.LN2, 0); // H = log Z - E[z / T]
  }
  return out;
}

/** KL(p || q) in nats from logits; p is the teacher. One T for both unless the second is given. */
export function kl(pLogits, qLogits, T = 1, studentT = T) {
  const logP = logSoftmax(pLogits, T);
  const logQ = logSoftmax(qLogits, studentT);
  let sum = 0;
  for (let k = 0; k < logP.length; k++) sum += Math.exp(logP[k]) * (logP[k] - logQ[k]);
  return Math.max(sum, 0);
}

/**
 * One pass over all pairs of two flat arrays, each exponential taken once: their relevance into
 * pOut and qOut (pairs; null leaves it out). Returns the means: kl(p || q) in nats, pBits and
 * qBits of entropy; nan without a pair.
 */
export function survey(pFlat, qFlat, classes, T, studentT, relevantFrom, pOut = null, qOut = null) {
  const pInverse = 1 / checkedTemperature(T);
  const qInverse = 1 / checkedTemperature(studentT);
  const rows = pFlat.length / classes;
  let total = 0;
  let pBits = 0;
  let qBits = 0;
  for (let row = 0, at = 0; row < rows; row++, at += classes) {
    let pMax = pFlat[at];
    let qMax = qFlat[at];
    for (let k = at + 1; k < at + classes; k++) {
      if (pFlat[k] > pMax) pMax = pFlat[k];
      if (qFlat[k] > qMax) qMax = qFlat[k];
    }
    // sums over grades: e^a and e^b, their relevant part, and under each the mean of a or of b
    let pSum = 0;
    let qSum = 0;
    let pBelow = 0;
    let qBelow = 0;
    let pOwn = 0;
    let pOther = 0;
    let qOwn = 0;
    for (let k = 0; k < classes; k++) {
      const a = (pFlat[at + k] - pMax) * pInverse;
      const b = (qFlat[at + k] - qMax) * qInverse;
      const p = fall(a);
      const q = fall(b);
      if (k === relevantFrom) {
        pBelow = pSum;
        qBelow = qSum;
      }
      pSum += p;
      qSum += q;
      pOwn += p * a;
      pOther += p * b;
      qOwn += q * b;
    }
    const logP = Math.log(pSum);
    const logQ = Math.log(qSum);
    const gap = (pOwn - pOther) / pSum - logP + logQ;
    if (gap > 0) total += gap;
    pBits += logP - pOwn / pSum;
    qBits += logQ - qOwn / qSum;
    if (pOut) pOut[row] = 1 - pBelow / pSum;
    if (qOut) qOut[row] = 1 - qBelow / qSum;
  }
  return { kl: total / rows, pBits: pBits / rows / Math.LN2, qBits: qBits / rows / Math.LN2 };
}

/** d KL / d student logits = (q - p) / T; with squared, T² times that, so T (q - p). */
export function softKlGradient(pLogits, qLogits, T = 1, squared = false) {
  const p = softmax(pLogits, T);
  const q = softmax(qLogits, T);
  return q.map((value, k) => (squared ? (value - p[k]) * T : (value - p[k]) / T));
}

/** Length of a vector. */
export function norm(vector) {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

/** The smoothed hard label: 1 - eps + eps / classes on the grade, eps / classes elsewhere. */
export function labelSmoothing(grade, classes, eps) {
  const out = new Float64Array(classes).fill(eps / classes);
  out[grade] += 1 - eps;
  return out;
}

/** Counts of values in equal bins over low..high into out (bins); values beyond join the end bins. */
export function histogram(values, bins, out = new Float64Array(bins), low = 0, high = 1) {
  out.fill(0);
  const scale = bins / (high - low);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((values[i] - low) * scale);
    out[bin < 0 ? 0 : bin >= bins ? bins - 1 : bin]++;
  }
  return out;
}

/** Rows by falling score; of equal scores the lower turn first, by default the place in the input. */
export function rankOrder(scores, turns = null) {
  const rows = Array.from(scores, (_, row) => row);
  return rows.sort((a, b) => scores[b] - scores[a] || (turns ? turns[a] - turns[b] : 0) || a - b);
}

/** Gains in ranked order; each of equal scores has the mean gain of them all, whatever their order. */
export function rankedGains(gains, scores) {
  const order = rankOrder(scores);
  const ranked = new Float64Array(order.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    let sum = 0;
    while (to < order.length && scores[order[to]] === scores[order[from]]) sum += gains[order[to++]];
    ranked.fill(sum / (to - from), from, to);
  }
  return ranked;
}

/** Discounted gain of gains that stand in ranked order, cut at k: sum of gain / log2(place + 1). */
export function dcg(ranked, k = ranked.length) {
  let sum = 0;
  for (let place = 0; place < Math.min(k, ranked.length); place++) sum += ranked[place] / Math.log2(place + 2);
  return sum;
}

/** nDCG@k of one query, its mean over the orders of equal scores; nan when no ad has any gain. */
export function ndcg(gains, scores, k = gains.length) {
  const ideal = dcg(Array.from(gains).sort((a, b) => b - a), k);
  return ideal > 0 ? dcg(rankedGains(gains, scores), k) / ideal : NaN;
}

/** nDCG@k that a random order of one query has on average; nan as in ndcg. */
export function ndcgRandom(gains, k = gains.length) {
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const ideal = dcg(Array.from(gains).sort((a, b) => b - a), k);
  return ideal > 0 ? dcg(Array.from(gains, () => mean), k) / ideal : NaN;
}

/** nDCG@k with the best ads last; nan as in ndcg. */
export function ndcgWorst(gains, k = gains.length) {
  const rising = Array.from(gains).sort((a, b) => a - b);
  const ideal = dcg(rising.slice().reverse(), k);
  return ideal > 0 ? dcg(rising, k) / ideal : NaN;
}

/** Index of the largest value; the first of equals. */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/** Where a probability ends on an axis from 0 to top, or on a log axis of four decades: 0..1. */
export function reachOf(p, log, top = 1) {
  if (!log) return clamp(p / top, 0, 1); // a hidden one is NaN, which clamps to 0
  return p > 0 ? clamp(1 + Math.log10(p) / 4, 0, 1) : 0;
}

/** The least step times a power of ten that is not below a positive value; steps rise from 1 to 10. */
export function roundUp(value, steps) {
  const power = 10 ** Math.floor(Math.log10(value));
  return steps.map((step) => step * power).find((step) => step >= value);
}

/** value kept within low..high; what is no number becomes low. */
export function clamp(value, low, high) {
  return value >= low ? Math.min(value, high) : low;
}
