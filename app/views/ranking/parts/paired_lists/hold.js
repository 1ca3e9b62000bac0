// One query's auction in the browser: the twin of kdcore.auction.rules.Auction.hold, and of a frontier's
// reading at a weight. tests/browser/test_ranking_lists.py runs both against Python.

import { rankOrder } from "../../../../parts/maths.js";

export const STATES = ["shown", "no slot left", "below the reserve", "negative RankScore"];

/**
 * rules: {w, slots, reserve, pricing, attention}; bids, clicks, defects: one number per ad. Of equal
 * RankScores the ad with the lower turn goes first.
 */
export function holdAuction(bids, clicks, defects, rules, turns = null) {
  const scores = bids.map((bid, i) => bid * clicks[i] - rules.w * defects[i]);
  const order = rankOrder(scores, turns);
  const places = new Array(order.length);
  const states = new Array(order.length);
  const prices = new Array(order.length).fill(0);
  const expected = new Array(order.length).fill(0);
  order.forEach((ad, place) => {
    places[ad] = place;
    states[ad] = scores[ad] < 0 ? 3 : scores[ad] < rules.reserve ? 2 : place < rules.slots ? 0 : 1;
    if (states[ad] !== 0) return;
    const next = place + 1 < order.length ? scores[order[place + 1]] : -Infinity;
    const owed = Math.max(next, rules.reserve) + rules.w * defects[ad];
    const least = clicks[ad] > 0 ? Math.min(owed / clicks[ad], bids[ad]) : 0;
    prices[ad] = rules.pricing === "first" ? bids[ad] : least;
    expected[ad] = clicks[ad] * rules.attention ** place;
  });
  const revenue = prices.map((price, i) => price * expected[i]);
  return { scores, order, places, states, prices, clicks: expected, revenue };
}

/** What a query's auction comes to: dollars a search, mean pDefect shown by a judge, empty slots. */
export function summary(auction, judge, rules) {
  const { order, scores } = auction;
  const ads = order.filter((ad) => auction.states[ad] === 0);
  const judgments = ads.map((ad) => judge[ad]).filter((value) => value !== null);
  return {
    revenue: auction.revenue.reduce((sum, value) => sum + value, 0),
    clicks: auction.clicks.reduce((sum, value) => sum + value, 0),
    defect: judgments.length ? judgments.reduce((sum, value) => sum + value, 0) / judgments.length : NaN,
    empty: rules.slots - ads.length,
    ties: order.filter((ad, place) => place > 0 && scores[ad] === scores[order[place - 1]]).length,
  };
}

/** A rail's position 0..1000 and its value 0..top: fine near 0, where the order changes most. */
export function railValue(position, top) {
  return Number((top * (position / 1000) ** 3).toPrecision(3));
}

export function railPosition(value, top) {
  return Math.round(1000 * Math.cbrt(Math.min(value / top, 1)));
}

/** A curve's value at a weight, straight lines between its points; null where a point is missing. */
export function readAt(weights, values, w) {
  if (w <= weights[0]) return values[0];
  const last = weights.length - 1;
  if (w >= weights[last]) return values[last];
  let at = 1;
  while (weights[at] < w) at++;
  if (values[at] === null || values[at - 1] === null) return null;
  const share = (w - weights[at - 1]) / (weights[at] - weights[at - 1]);
  return values[at - 1] + share * (values[at] - values[at - 1]);
}

/** The most a model earns with at most this defect at any weight; null when it never gets there. */
export function bestRevenue(curve, level) {
  const points = curve.defect
    .map((defect, i) => [defect, curve.revenue[i], i])
    .filter(([defect]) => defect !== null)
    .sort((a, b) => a[0] - b[0] || a[2] - b[2]);
  if (level === null || !points.length || level < points[0][0] - 1e-12) return null;
  let best = -Infinity;
  const tops = points.map(([, revenue]) => (best = Math.max(best, revenue)));
  let at = 0; // the last point at or under the level
  while (at + 1 < points.length && points[at + 1][0] <= level) at++;
  if (at === points.length - 1 || level < points[at][0]) return tops[at];
  const share = (level - points[at][0]) / (points[at + 1][0] - points[at][0]);
  return tops[at] + share * (tops[at + 1] - tops[at]);
}
