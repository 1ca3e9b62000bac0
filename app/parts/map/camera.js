// Where the points of a map lie on its pane. Both maps share one square, 0..1 each way, and one camera:
// its middle (x, y) and its zoom, 1 for everything. No DOM.

export const MOST = 80; // times that a map can be magnified
export const WHOLE = { x: 0.5, y: 0.5, zoom: 1 };
const RIM = 14; // px around the whole map
const GAP = 14; // px between two panes
const NARROW = 640; // px under which two panes stand one below the other

/** The panes of a picture of this width and the height of all; head: px above each for its title. */
export function layout(width, sides, height, head) {
  const stacked = sides === 2 && width < NARROW;
  const w = Math.floor(sides === 2 && !stacked ? (width - GAP) / 2 : width);
  const h = Math.min(height, stacked ? Math.round(w * 0.86) : height);
  const panes = Array.from({ length: sides }, (_, side) => ({
    side, w, h,
    left: stacked ? 0 : side * (w + GAP),
    top: head + (stacked ? side * (h + head + GAP) : 0),
  }));
  return { panes, height: panes.at(-1).top + h + 1 };
}

/** A pane seen through the camera: X, Y to px of the picture, toX, toY back; scale: px per side of the square. */
export function placeOf(pane, camera) {
  const scale = (Math.min(pane.w, pane.h) - 2 * RIM) * camera.zoom;
  const [middle, center] = [pane.left + pane.w / 2, pane.top + pane.h / 2];
  return {
    ...pane, scale,
    X: (x) => middle + (x - camera.x) * scale,
    Y: (y) => center - (y - camera.y) * scale,
    toX: (px) => (px - middle) / scale + camera.x,
    toY: (py) => (center - py) / scale + camera.y,
  };
}

/** The camera within its bounds: something of the square stays in sight. */
export function bounded({ x, y, zoom }) {
  const within = (value, low, high) => Math.min(high, Math.max(low, value));
  const near = within(zoom, 1, MOST);
  return near === 1 ? WHOLE : { x: within(x, 0, 1), y: within(y, 0, 1), zoom: near };
}

/** Nearer by a factor; the place (x, y) of the map stays where it is on the pane. */
export function zoomed(camera, factor, x, y) {
  const zoom = Math.min(MOST, Math.max(1, camera.zoom * factor));
  const rest = camera.zoom / zoom;
  return bounded({ x: x + (camera.x - x) * rest, y: y + (camera.y - y) * rest, zoom });
}

/** The camera moved by so much of the square. */
export function panned(camera, dx, dy) {
  return bounded({ x: camera.x + dx, y: camera.y + dy, zoom: camera.zoom });
}

/** The pane under a place of the picture, or null. */
export function paneAt(places, x, y) {
  const holds = ({ left, top, w, h }) => x >= left && x <= left + w && y >= top && y <= top + h;
  return places.find(holds) ?? null;
}
