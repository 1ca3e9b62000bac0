// Losses of the ads of one query: the twin of kdcore.objectives.ranking for a single list of two ads or
// more, which tests/browser/test_losses.py compares. Each factory takes the knobs and the teacher's
// log-odds and gives loss(s, out): the value at the student's log-odds; the gradient goes into out, if given.

import { centered, dot, softLoss, targetOf } from "./logit_losses.js";
import { rankOrder } from "./maths.js";

const FLAT = 1e-3; // a list that spreads less has no order to correlate with

/** Mean over all pairs of the squared gap of their margins. */
function marginMse(_, t) {
  const gap = new Float64Array(t.length);
  return (s, out) => {
    for (let i = 0; i < gap.length; i++) gap[i] = s[i] - t[i];
    centered(gap, gap);
    if (out) for (let i = 0; i < gap.length; i++) out[i] = (4 * gap[i]) / (gap.length - 1);
    return (2 * dot(gap, gap)) / (gap.length - 1);
  };
}

/** factor · KL of the softmax over the ads. */
function listKl(params, t, factor) {
  return softLoss(targetOf(params, t), params.temperature, factor);
}

/** The teacher's better ad first: softplus of minus the margin; soft: its probability as the target. */
function ranknet(params, t) {
  const pairs = [];
  for (let i = 0; i < t.length; i++) {
    for (let j = 0; j < t.length; j++) {
      if (params.soft_targets ? i < j : t[i] > t[j]) pairs.push([i, j, params.soft_targets ? sigmoid(t[i] - t[j]) : 1]);
    }
  }
  return (s, out) => {
    out?.fill(0);
    let sum = 0;
    for (const [i, j, target] of pairs) {
      const margin = s[i] - s[j];
      sum += Math.max(margin, 0) - margin * target + Math.log1p(Math.exp(-Math.abs(margin)));
      if (!out) continue;
      const slope = (sigmoid(margin) - target) / pairs.length;
      out[i] += slope;
      out[j] -= slope;
    }
    return pairs.length ? sum / pairs.length : 0;
  };
}

/** Squared gap of each ad's rank and its smooth rank, less the lower it stands. */
function adrMse({ alpha }, t) {
  const n = t.length;
  const better = (i) => (sum, other, j) => sum + (j === i ? 0 : other > t[i] ? 1 : other === t[i] ? 0.5 : 0);
  const ranks = Array.from(t, (_, i) => t.reduce(better(i), 1));
  return (s, out) => {
    out?.fill(0);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      let smooth = 1;
      for (let j = 0; j < n; j++) if (j !== i) smooth += sigmoid(alpha * (s[j] - s[i]));
      const gap = smooth - ranks[i];
      const weight = 1 / (n * Math.log2(ranks[i] + 1));
      sum += weight * gap * gap;
      for (let j = 0; out && j < n; j++) {
        if (j === i) continue;
        const p = sigmoid(alpha * (s[j] - s[i]));
        const slope = 2 * weight * gap * alpha * p * (1 - p);
        out[j] += slope;
        out[i] -= slope;
      }
    }
    return sum;
  };
}

/** -log of the likelihood of the teacher's order, over its first `top` places; 0 takes all. */
function plackettLuce({ top }, t) {
  const order = rankOrder(t);
  const places = Math.min(top || t.length, t.length);
  return (s, out) => {
    out?.fill(0);
    let sum = 0;
    for (let place = 0; place < places; place++) {
      let max = -Infinity;
      for (let at = place; at < order.length; at++) max = Math.max(max, s[order[at]]);
      let total = 0;
      for (let at = place; at < order.length; at++) total += Math.exp(s[order[at]] - max);
      sum += max + Math.log(total) - s[order[place]];
      if (!out) continue;
      for (let at = place; at < order.length; at++) out[order[at]] += Math.exp(s[order[at]] - max) / total;
      out[order[place]] -= 1;
    }
    return sum;
  };
}

/** 1 - the correlation; a list that the teacher finds flat costs nothing. */
function pearson(_, t) {
  const theirs = centered(t);
  const length = Math.sqrt(dot(theirs, theirs));
  const c = new Float64Array(t.length);
  return (s, out) => {
    if (!(length > FLAT)) {
      out?.fill(0);
      return 0;
    }
    centered(s, c);
    const own = Math.sqrt(dot(c, c));
    const ours = Math.max(own, FLAT);
    const correlation = dot(c, theirs) / (ours * length);
    const back = own > FLAT ? correlation / (ours * ours) : 0;
    for (let i = 0; out && i < c.length; i++) out[i] = back * c[i] - theirs[i] / (ours * length);
    return 1 - correlation;
  };
}

export const RANKINGS = {
  margin_mse: marginMse,
  list_kl: listKl,
  ranknet,
  adr_mse: adrMse,
  plackett_luce: plackettLuce,
  pearson,
};

/** 1 / (1 + e^-x), without overflow. */
export function sigmoid(x) {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}
