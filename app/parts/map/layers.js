// The cloud of one pane on a canvas of its own, drawn anew only when what it shows has changed.

import { cellsOf, colorCells, countCells, drawPoints, stampOf, styleOf } from "./cloud.js";
import { countSeen, inSight, rowsOf } from "./grid.js";

const AROUND = 8; // px around a pane from which a point still reaches into it

/** A layer that has drawn nothing yet. */
export function makeLayer() {
  return { canvas: document.createElement("canvas"), pixels: null, cells: null, most: 0 };
}

/** Room for w x h pixels; the same room while the size stays. */
function fitted(layer, w, h) {
  const { canvas } = layer;
  layer.context ??= canvas.getContext("2d");
  if (canvas.width !== w || canvas.height !== h || !layer.image) {
    canvas.width = w;
    canvas.height = h;
    layer.image = layer.context.createImageData(w, h);
    layer.pixels = new Uint32Array(layer.image.data.buffer);
  }
  return layer.pixels;
}

/**
 * Draw a pane. cloud: at, grid (dressed; null to look at all points), levels, codes, drawn, hasPale, isNumber,
 * isDensity, paints; dots: of the screen per px.
 */
export function paintLayer(layer, place, zoom, cloud, dots) {
  const { grid, drawn, isDensity } = cloud;
  const style = styleOf(drawn, place, zoom, isDensity, grid ? countSeen(grid, place) : drawn);
  if (style.isDensity) paintDensity(layer, place, cloud, style.cell);
  else paintPoints(layer, place, cloud, style.radius, dots);
  layer.context.putImageData(layer.image, 0, 0);
}

function paintDensity(layer, place, { at, grid, levels, codes, isNumber, paints }, cell) {
  const key = `${place.w} ${place.h} ${cell}`;
  if (layer.cellsKey !== key) [layer.cellsKey, layer.cells] = [key, cellsOf(place.w, place.h, cell)];
  const pixels = fitted(layer, layer.cells.across, layer.cells.up);
  const within = grid ? inSight(grid, place) : undefined;
  countCells(layer.cells, { ...at, levels, codes }, place, isNumber, grid, within);
  layer.most = colorCells(layer.cells, paints.inks, isNumber, pixels);
}

function paintPoints(layer, place, { at, grid, levels, codes, hasPale, paints }, radius, dots) {
  const [w, h] = [Math.round(place.w * dots), Math.round(place.h * dots)];
  const key = `${radius * dots}`;
  if (layer.stampKey !== key || layer.paints !== paints) {
    const shapes = new Map();
    const stamp = (shape) => shapes.get(shape) ?? shapes.set(shape, stampOf(shape, radius * dots)).get(shape);
    layer.stamps = paints.shapes.map(stamp);
    [layer.stampKey, layer.paints] = [key, paints];
  }
  const fine = {
    left: 0, top: 0, scale: place.scale * dots,
    X: (x) => (place.X(x) - place.left) * dots, Y: (y) => (place.Y(y) - place.top) * dots,
  };
  const rows = grid && rowsOf(grid, inSight(grid, place, AROUND));
  drawPoints(fitted(layer, w, h), w, h, at, levels, codes, fine, layer.stamps, paints.inks, hasPale, rows);
  layer.most = 0;
}
