// Pointer, wheel and keys on the canvas. A drag pans, or draws a lasso; two fingers or the wheel zoom; a click
// pins the nearest point. Changes go to part.js, which sends them to Python when the gesture has ended.

import { bounded, paneAt, panned, WHOLE, zoomed } from "./camera.js";
import { inMask, lassoMask, nearest, nextPoint } from "./find.js";
import { FULL } from "./points.js";

const REACH = 10; // px from a point that still pick it
const TOUCH = 18; // the same for a finger
const STILL = 4; // px that a click may wander
const WHEEL = 0.0016; // of a doubling, per px of the wheel
const KEY_STEP = 0.12; // of the pane, per arrow key
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/** Let the canvas of a part take gestures. */
export function listen(part) {
  const { canvas } = part;
  const fingers = new Map(); // pointers that are down: [x, y] by id
  const gesture = { kind: "", from: null, camera: null, line: null, pane: null };
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.onpointerdown = (event) => {
    if (event.button !== 0 || !part.points || !part.places) return;
    const at = place(event);
    const pane = paneAt(part.places, ...at);
    if (!pane) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at);
    part.hover = -1;
    if (fingers.size === 2) return startPinch(part, gesture, fingers);
    const isLasso = (part.tool === "lasso") !== event.shiftKey;
    const kind = isLasso ? "lasso" : "pan";
    Object.assign(gesture, { kind, from: at, camera: part.camera, line: [at], pane, moved: false });
    return undefined;
  };
  canvas.onpointermove = (event) => {
    const at = place(event);
    if (!fingers.has(event.pointerId)) return event.pointerType === "mouse" && !event.buttons && hoverAt(part, at);
    fingers.set(event.pointerId, at);
    gesture.moved ||= Math.hypot(at[0] - gesture.from[0], at[1] - gesture.from[1]) > STILL;
    if (gesture.kind === "pinch") pinch(part, gesture, fingers);
    else if (gesture.kind === "pan" && gesture.moved) pan(part, gesture, at);
    else if (gesture.kind === "lasso" && gesture.moved) lasso(part, gesture, at);
    return undefined;
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    const { kind, moved } = gesture;
    const isCancelled = event.type === "pointercancel";
    if (kind === "pinch" && fingers.size) return;
    gesture.kind = "";
    if (kind === "lasso" && moved) endLasso(part, isCancelled);
    else if (!moved && !isCancelled) click(part, place(event), event.pointerType === "mouse" ? REACH : TOUCH);
    else part.rest();
  };
  canvas.onpointerleave = () => !fingers.size && part.point(-1);
  canvas.ondblclick = () => part.look(WHOLE);
  canvas.addEventListener("wheel", (event) => wheel(part, event, place(event)), { passive: false });
  canvas.onkeydown = (event) => key(part, event);
}

function hoverAt(part, [x, y]) {
  if (!part.points || !part.places) return;
  part.point(pick(part, x, y, REACH), [x, y]);
}

/** The point at a place of the picture, or -1. */
function pick(part, x, y, reach) {
  const pane = paneAt(part.places, x, y);
  if (!pane) return -1;
  const unit = FULL / pane.scale;
  const [px, py] = [pane.toX(x) * FULL, pane.toY(y) * FULL];
  return nearest(part.at[pane.side], part.gridOf(pane.side), part.levels, px, py, reach * unit);
}

function click(part, [x, y], reach) {
  part.canvas.focus({ preventScroll: true });
  part.pin(pick(part, x, y, reach));
}

function pan(part, { from, camera, pane }, [x, y]) {
  part.look(panned(camera, (from[0] - x) / pane.scale, (y - from[1]) / pane.scale), false);
}

function startPinch(part, gesture, fingers) {
  const { middle, far } = span(fingers);
  const pane = paneAt(part.places, ...middle) ?? gesture.pane;
  part.line = null;
  const anchor = [pane.toX(middle[0]), pane.toY(middle[1])];
  Object.assign(gesture, { kind: "pinch", moved: true, camera: part.camera, pane, far, anchor });
}

function span(fingers) {
  const [[x0, y0], [x1, y1]] = [...fingers.values()];
  return { middle: [(x0 + x1) / 2, (y0 + y1) / 2], far: Math.max(20, Math.hypot(x1 - x0, y1 - y0)) };
}

/** Both fingers keep the places of the map that they hold. */
function pinch(part, { camera, pane, far: before, anchor }, fingers) {
  const { middle, far } = span(fingers);
  const zoom = bounded({ ...camera, zoom: (camera.zoom * far) / before }).zoom;
  const scale = (pane.scale / camera.zoom) * zoom;
  const x = anchor[0] - (middle[0] - pane.left - pane.w / 2) / scale;
  const y = anchor[1] + (middle[1] - pane.top - pane.h / 2) / scale;
  part.look(bounded({ x, y, zoom }), false);
}

function lasso(part, gesture, [x, y]) {
  const { left, top, w, h } = gesture.pane;
  const within = [Math.min(left + w, Math.max(left, x)), Math.min(top + h, Math.max(top, y))];
  gesture.line.push(within);
  part.line = gesture.line;
  part.lassoPane = gesture.pane;
  part.ask();
}

/** The points under the lasso into part.caught, their number into part.caughtCount; once per frame. */
export function catchPoints(part) {
  const { line, lassoPane: { side, left, top, w, h } } = part;
  part.caught ??= new Uint8Array(part.points.n);
  const mask = lassoMask(line.map(([a, b]) => [a - left, b - top]), w, h);
  part.caughtCount = inMask(part.at[side], part.levels, part.lassoPane, mask, part.caught);
}

function endLasso(part, isCancelled) {
  if (!isCancelled) catchPoints(part);
  const { caught, caughtCount } = part;
  part.line = part.caught = null;
  if (isCancelled) part.ask();
  else part.select(caughtCount ? caught : null);
}

function wheel(part, event, [x, y]) {
  const pane = part.places && paneAt(part.places, x, y);
  if (!pane) return;
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode ? 30 : 1);
  part.look(zoomed(part.camera, 2 ** (-pixels * WHEEL * (event.ctrlKey ? 4 : 1)), pane.toX(x), pane.toY(y)));
}

function key(part, event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !part.places) return;
  const acts = {
    "+": () => zoomBy(part, 1.5), "=": () => zoomBy(part, 1.5), "-": () => zoomBy(part, 1 / 1.5),
    "0": () => part.look(WHOLE), Enter: () => part.hover >= 0 && part.pin(part.hover),
    Delete: () => part.clear(), Backspace: () => part.clear(),
  };
  const way = WAYS[event.key];
  if (way) (event.shiftKey ? stepTo : slide)(part, way);
  else if (acts[event.key]) acts[event.key]();
  else return;
  event.preventDefault();
}

/** Nearer or farther around the point in hand, else around the middle. */
export function zoomBy(part, factor) {
  part.look(zoomed(part.camera, factor, part.camera.x, part.camera.y));
}

function slide(part, [dx, dy]) {
  const [{ w, h, scale }] = part.places;
  part.look(panned(part.camera, (dx * KEY_STEP * w) / scale, (dy * KEY_STEP * h) / scale));
}

/** From the point in hand to the next one that way, on the first map; the first step begins in the middle. */
function stepTo(part, [dx, dy]) {
  const [at] = part.at;
  const start = part.hover >= 0 ? part.hover : part.pinned;
  if (start < 0) {
    const { x, y } = part.camera;
    const row = nearest(at, part.gridOf(0), part.levels, x * FULL, y * FULL, FULL);
    return part.point(row);
  }
  const row = nextPoint(at, part.levels, at.x[start], at.y[start], dx, dy, start);
  if (row >= 0) part.show(row);
  return part.point(row >= 0 ? row : start);
}
