// What a visitor does to the numbers: moving them, and going downhill step by step.

import { still } from "../../../../parts/draw.js";
import { MOST } from "./descent.js";

/** New choices that are sent at once. */
export function settled(part, values) {
  part.change(values);
  part.release();
}

/** So many steps from the start. */
export function go(part, steps) {
  rest(part);
  part.change({ lsteps: Math.min(steps, MOST) });
  part.later();
}

/** Go down until nothing moves any more, faster and faster; at once where no motion is wanted. */
export function run(part) {
  const isOver = () => part.now.lsteps >= MOST || Object.values(part.runs).every((each) => each.state !== "going");
  if (still()) return go(part, MOST);
  part.change({ lsteps: 0 });
  let frames = 0;
  const next = () => {
    part.frameOf = requestAnimationFrame(next);
    frames += 1;
    part.change({ lsteps: Math.min(MOST, part.now.lsteps + Math.ceil(frames / 15)) });
    if (frames > 2 && isOver()) rest(part);
  };
  part.hands.descend.textContent = "Stop";
  next();
  return undefined;
}

/** End the descent where it stands, and tell of it. */
export function rest(part) {
  if (!part.frameOf) return;
  stop(part);
  part.change({ lsteps: Math.min(part.now.lsteps, longest(part)) });
  part.release();
}

function longest({ runs }) {
  return Math.max(...Object.values(runs).map(({ path }) => path.length - 1));
}

/** End it without a word. */
export function stop(part) {
  cancelAnimationFrame(part.frameOf);
  part.frameOf = 0;
  part.hands.descend.textContent = "Descend";
}

/** Move some of the numbers, from where the student stands now; that place is the new start. */
export function move(part, changes) {
  stop(part);
  const lat = Array.from(part.view.x, (value, at) => tidy(changes[at] ?? value));
  part.view.x = Float64Array.from(lat);
  part.change({ lat, lsteps: 0 });
}

function tidy(value) {
  return Number(value.toFixed(3));
}
