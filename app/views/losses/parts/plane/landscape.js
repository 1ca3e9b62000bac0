// The total loss over the plane: its values on a grid, the lines of equal loss, and its shade.

export const FINE = 100; // cells on each side: 10,000 values a picture
export const COARSE = 50; // while it moves, where 10,000 take longer than a frame
const LEVELS = 14;
const NEARLY = 1e-4; // of the span of values: as good as the least
const STEEP = 0.9; // of all slopes: an arrow of this one has the usual length

/**
 * Values of loss over the plane whose axes are two of the numbers of x; range: ends of both axes.
 * Returns {values (rows from below), cells, least, most, slope}.
 */
export function landscapeOf(loss, x, [i, j], [[left, right], [low, high]], cells = FINE) {
  const place = Float64Array.from(x);
  const values = new Float64Array(cells * cells);
  const [wide, tall] = [(right - left) / (cells - 1), (high - low) / (cells - 1)];
  let [least, most] = [Infinity, -Infinity];
  for (let row = 0, at = 0; row < cells; row++) {
    place[j] = low + row * tall;
    for (let column = 0; column < cells; column++, at++) {
      place[i] = left + column * wide;
      values[at] = loss(place);
      if (values[at] < least) least = values[at];
      if (values[at] > most) most = values[at];
    }
  }
  return { values, cells, least, most, slope: slopeOf(values, cells, wide) };
}

/** The place of the least value; of a whole valley of them, the one nearest to `from`. */
export function bottomOf({ values, cells, least, most }, [[left, right], [low, high]], from) {
  const enough = least + NEARLY * (most - least);
  const [wide, tall] = [(right - left) / (cells - 1), (high - low) / (cells - 1)];
  let [best, shortest] = [null, Infinity];
  for (let at = 0; at < values.length; at++) {
    if (values[at] > enough) continue;
    const here = [left + (at % cells) * wide, low + Math.floor(at / cells) * tall];
    const far = Math.hypot(here[0] - from[0], here[1] - from[1]);
    if (far < shortest) [best, shortest] = [here, far];
  }
  return best;
}

/** A steep slope of the landscape: nine of ten places are less steep. */
function slopeOf(values, cells, step) {
  const slopes = [];
  for (let row = 2; row < cells - 2; row += 6) {
    for (let column = 2; column < cells - 2; column += 6) {
      const at = row * cells + column;
      const across = values[at + 1] - values[at - 1];
      slopes.push(Math.hypot(across, values[at + cells] - values[at - cells]) / (2 * step));
    }
  }
  return slopes.sort((a, b) => a - b)[Math.floor(STEEP * slopes.length)];
}

/** Values between the least and the most, closer together near the least. */
export function levelsOf({ least, most }) {
  return Array.from({ length: LEVELS }, (_, at) => least + (most - least) * ((at + 0.6) / LEVELS) ** 2);
}

/** Lines of one level as pieces [x0, y0, x1, y1, ...] in 0..1 of the plane, y from below. */
export function lineOf({ values, cells }, level) {
  const pieces = [];
  const end = (a, b, from, step) => from + step * ((level - values[a]) / (values[b] - values[a]));
  for (let row = 0; row < cells - 1; row++) {
    for (let column = 0; column < cells - 1; column++) {
      const a = row * cells + column;
      const b = a + cells;
      const isLow = values[a] < level;
      const [isLowRight, isLowUp, isLowFar] = [values[a + 1] < level, values[b] < level, values[b + 1] < level];
      if (isLow === isLowRight && isLow === isLowUp && isLow === isLowFar) continue;
      const crossings = [];
      if (isLow !== isLowRight) crossings.push([end(a, a + 1, column, 1), row]);
      if (isLowRight !== isLowFar) crossings.push([column + 1, end(a + 1, b + 1, row, 1)]);
      if (isLowUp !== isLowFar) crossings.push([end(b, b + 1, column, 1), row + 1]);
      if (isLow !== isLowUp) crossings.push([column, end(a, b, row, 1)]);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        pieces.push(...[...crossings[k], ...crossings[k + 1]].map((place) => place / (cells - 1)));
      }
    }
  }
  return pieces;
}

/** The landscape as a small picture: the paper's color where the loss is least. */
export function shadeInto(canvas, { values, cells, least, most }, paper, ink) {
  canvas.width = canvas.height = cells;
  const context = canvas.getContext("2d");
  const image = context.createImageData(cells, cells);
  const span = most - least || 1;
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const t = 0.34 * Math.sqrt((values[(cells - 1 - row) * cells + column] - least) / span);
      const at = 4 * (row * cells + column);
      for (let k = 0; k < 3; k++) image.data[at + k] = paper[k] + (ink[k] - paper[k]) * t;
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

/** Red, green and blue of #RRGGBB. */
export function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
