// Pure counting over points: which cell a pair stands in, 2D histogram, nearest point. No DOM.

export const BINS = 72;
export const NO_LABEL = 255;

/** Where a pair stands: 4 * gold (0 no, 1 yes, 2 unlabelled) + 2 * teacher + student says yes. */
export function cellOf(gold, x, y, ct, cs) {
  return 4 * gold + (x >= ct ? 2 : 0) + (y >= cs ? 1 : 0);
}

/** Names of the twelve cells, in the order of cellOf: "101" is gold, teacher, student. */
export const CELLS = [..."01-"].flatMap((g) => [..."01"].flatMap((t) => [..."01"].map((s) => g + t + s)));

/** Gold of every pair from its grade. */
export function goldOf(grade, relevantFrom) {
  return Uint8Array.from(grade, (k) => (k === NO_LABEL ? 2 : k >= relevantFrom ? 1 : 0));
}

/** Bits (base64, little-endian) as one byte per pair; null, which is all pairs, when there are none. */
export function unpack(bits, rows) {
  if (!bits) return null;
  const bytes = atob(bits);
  const out = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) out[i] = (bytes.charCodeAt(i >> 3) >> (i & 7)) & 1;
  return out;
}

/** Whether a point lies in a box [x0, x1, y0, y1], edges included; no box holds everything. */
export function inside(box, x, y) {
  return !box || (x >= box[0] && x <= box[1] && y >= box[2] && y <= box[3]);
}

/** A place to count in; made once for each set of points. */
export function tally(points) {
  const rows = points.x.length;
  return {
    cube: new Int32Array(12), // by cell, inside the box
    twin: new Int32Array(12), // the same for the twin's answers
    quadrants: new Int32Array(4), // 2 * teacher + student says yes, chosen cells only
    shown: new Uint8Array(rows), // drawn: passes the filters and stands in a chosen cell
    boxed: 0,
    drawn: 0,
  };
}

/** One pass over all pairs. chosen: (12) 1 for each cell that is drawn. */
export function count(points, { mask, chosen, box, ct, cs }, out) {
  const { x, y, z, gold } = points;
  out.cube.fill(0);
  out.twin.fill(0);
  out.quadrants.fill(0);
  out.boxed = out.drawn = 0;
  for (let i = 0; i < x.length; i++) {
    out.shown[i] = 0;
    if (mask && !mask[i]) continue;
    const cell = cellOf(gold[i], x[i], y[i], ct, cs);
    const within = inside(box, x[i], y[i]);
    if (within) {
      out.cube[cell]++;
      if (z) out.twin[cellOf(gold[i], x[i], z[i], ct, cs)]++;
    }
    if (!chosen[cell]) continue;
    out.shown[i] = 1;
    out.drawn++;
    out.quadrants[cell & 3]++;
    if (within) out.boxed++;
  }
  return out;
}

function bin(value) {
  return Math.min(BINS - 1, Math.max(0, Math.floor(value * BINS)));
}

/** Counts of the shown points: grid (BINS * BINS, row 0 at y = 0), and both margins. */
export function histogram2d(points, shown, grid, across, up) {
  grid.fill(0);
  across.fill(0);
  up.fill(0);
  for (let i = 0; i < shown.length; i++) {
    if (!shown[i]) continue;
    const [a, b] = [bin(points.x[i]), bin(points.y[i])];
    grid[b * BINS + a]++;
    across[a]++;
    up[b]++;
  }
  return grid;
}

/** Points of each bin as linked lists, so that the nearest one needs no look at all of them. */
export function index(points) {
  const head = new Int32Array(BINS * BINS).fill(-1);
  const next = new Int32Array(points.x.length);
  for (let i = 0; i < next.length; i++) {
    const at = bin(points.y[i]) * BINS + bin(points.x[i]);
    next[i] = head[at];
    head[at] = i;
  }
  return { head, next };
}

/** The shown point nearest to (x, y) within `reach`, in units of the axes; -1 when there is none. */
export function nearest(points, { head, next }, shown, x, y, reach) {
  const span = Math.ceil(reach * BINS);
  const [a, b] = [bin(x), bin(y)];
  let best = -1;
  let least = reach * reach;
  for (let r = Math.max(0, b - span); r <= Math.min(BINS - 1, b + span); r++) {
    for (let c = Math.max(0, a - span); c <= Math.min(BINS - 1, a + span); c++) {
      for (let i = head[r * BINS + c]; i >= 0; i = next[i]) {
        if (!shown[i]) continue;
        const far = (points.x[i] - x) ** 2 + (points.y[i] - y) ** 2;
        if (far < least || (far === least && i < best)) [best, least] = [i, far];
      }
    }
  }
  return best;
}

/** The next shown row inside the box after `row`, going by step (1 or -1), around the end. */
export function step(points, shown, box, row, by) {
  const rows = shown.length;
  for (let k = 1; k <= rows; k++) {
    const at = (((row + by * k) % rows) + rows) % rows;
    if (shown[at] && inside(box, points.x[at], points.y[at])) return at;
  }
  return -1;
}

/** Who is right in a cell. */
export function outcomeOf(cell) {
  if (cell >= 8) return "unlabelled";
  const gold = cell >> 2;
  const teacher = ((cell >> 1) & 1) === gold;
  const student = (cell & 1) === gold;
  if (teacher && student) return "both";
  if (teacher) return "only_teacher";
  return student ? "only_student" : "neither";
}
