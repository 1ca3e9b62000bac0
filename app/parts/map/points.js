// The points as they came and as they are drawn. Rows are in a drawing order that is shuffled once, with a
// fixed seed, so that no class lies on top of another; Python knows points by position, visitors by id.

export const FULL = 65535; // the far edge of the square, in wire units
export const NO_CLASS = 255;
const SEED = 20_150_309;

/** 0..n-1 in an order that is the same at every visit (Fisher and Yates; mulberry32). */
export function shuffled(n, seed = SEED) {
  const order = Uint32Array.from({ length: n }, (_, at) => at);
  let state = seed;
  for (let last = n - 1; last > 0; last--) {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    const other = Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 4294967296) * (last + 1));
    const value = order[last];
    order[last] = order[other];
    order[other] = value;
  }
  return order;
}

/** Values by position as values by row. */
export function inOrder(values, order) {
  const rows = new values.constructor(order.length);
  for (let row = 0; row < rows.length; row++) rows[row] = values[order[row]];
  return rows;
}

/**
 * Points from the columns of the wire. column(name): a typed array by position, or null; sides: moments of
 * each side. Returns n, order, rowOf (by position), ids (by row), moments (by side: [{x, y}]).
 */
export function decoded(n, column, sides) {
  const order = shuffled(n);
  const rowOf = new Uint32Array(n);
  for (let row = 0; row < n; row++) rowOf[order[row]] = row;
  const ids = column("id");
  const moments = sides.map((count, side) =>
    Array.from({ length: count }, (_, at) => ({
      x: inOrder(column(`${"lr"[side]}x${at}`), order),
      y: inOrder(column(`${"lr"[side]}y${at}`), order),
    })));
  return { n, order, rowOf, ids: ids ? inOrder(ids, order) : order, moments };
}

/** Where the points of a side are at a moment, which may lie between two; at: a place to write into. */
export function placesAt(moments, moment, at) {
  const last = moments.length - 1;
  const before = Math.min(last, Math.max(0, Math.floor(moment)));
  const share = Math.min(1, Math.max(0, moment - before));
  if (share === 0 || before === last) return moments[before];
  const [from, to] = [moments[before], moments[before + 1]];
  for (let row = 0; row < from.x.length; row++) {
    at.x[row] = from.x[row] + (to.x[row] - from.x[row]) * share;
    at.y[row] = from.y[row] + (to.y[row] - from.y[row]) * share;
  }
  return at;
}

/** Bits by position (base64, little-endian) as one byte per row; null for none. */
export function flags(bits, { n, order }) {
  if (!bits) return null;
  const bytes = atob(bits);
  const out = new Uint8Array(n);
  for (let row = 0; row < n; row++) out[row] = (bytes.charCodeAt(order[row] >> 3) >> (order[row] & 7)) & 1;
  return out;
}

/** One byte per row as bits by position (base64, little-endian); "" where no row is set. */
export function bitsOf(rows, { n, order }) {
  const bytes = new Uint8Array(Math.ceil(n / 8));
  let isEmpty = true;
  for (let row = 0; row < n; row++) {
    if (!rows?.[row]) continue;
    bytes[order[row] >> 3] |= 1 << (order[row] & 7);
    isEmpty = false;
  }
  if (isEmpty) return "";
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return btoa(pieces.join(""));
}

/** The row of an id, or -1. */
export function rowOfId(points, id) {
  if (points.ids === points.order) return id >= 0 && id < points.n ? points.rowOf[id] : -1;
  points.byId ??= new Map(Array.from(points.ids, (each, row) => [each, row]));
  return points.byId.get(id) ?? -1;
}
