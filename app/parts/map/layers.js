// The cloud of one pane on a canvas of its own, drawn anew only when what it shows has changed.

import { cellsOf, colorCells, countCells, drawPoints, stampOf, styleOf } from "./cloud.js";

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

/** Draw a pane. cloud: at, levels, codes, drawn, hasPale, isNumber, isDensity, paints; dots: of the screen per px. */
export function paintLayer(layer, place, zoom, cloud, dots) {
  const style = styleOf(cloud.drawn, place, zoom, cloud.isDensity);
  if (style.isDensity) paintDensity(layer, place, cloud, style.cell);
  else paintPoints(layer, place, cloud, style.radius, dots);
  layer.context.putImageData(layer.image, 0, 0);
}

function paintDensity(layer, place, { at, levels, codes, isNumber, paints }, cell) {
  const key = `${place.w} ${place.h} ${cell}`;
  if (layer.cellsKey !== key) [layer.cellsKey, layer.cells] = [key, cellsOf(place.w, place.h, cell)];
  const pixels = fitted(layer, layer.cells.across, layer.cells.up);
  countCells(layer.cells, at, levels, codes, place, isNumber);
  layer.most = colorCells(layer.cells, paints.inks, isNumber, pixels);
}

function paintPoints(layer, place, { at, levels, codes, hasPale, paints }, radius, dots) {
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
  drawPoints(fitted(layer, w, h), w, h, at, levels, codes, fine, layer.stamps, paints.inks, hasPale);
  layer.most = 0;
}
