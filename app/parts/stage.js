// The parts of the Temperature page move together in the browser, without the server.
// Each part is a module of its own, so what they share lives on the window: one stage.
//
//   T, Ts   temperature of the teacher and of the student
//   pair    row of the pair that is shown; lit: the grade pointed at, or -1
//   hidden  whether the student's label waits for the visitor's guess
//   replay  moment and probe pair of the replay, as the server last set them
//   world   all logits on the page (see temperature_data), or null before they arrive
// Any part of any page can follow the same event: window "kd:T", its detail is the stage.

import { painter } from "./draw.js";

/** What the page shows now. */
export function stage() {
  return (window.kdStage ??= { T: 2, Ts: 2, pair: -1, lit: -1, world: null });
}

/** Change the stage and let every part know. */
export function tell(change) {
  window.dispatchEvent(new CustomEvent("kd:T", { detail: Object.assign(stage(), change) }));
}

/** Call back at every change until the returned function is called. */
export function follow(changed) {
  window.addEventListener("kd:T", changed);
  return () => window.removeEventListener("kd:T", changed);
}

/**
 * Paint a part now and, once per frame, whenever the stage or the size of `box` (if one is given) changes,
 * until the returned function is called; part.ask asks for the same. changed: called at a change of the
 * stage in place of part.ask.
 */
export function attend(part, paint, box, changed) {
  part.ask ??= painter(() => paint(part));
  part.ask();
  part.unfollow ??= follow(changed ?? part.ask);
  if (box) {
    part.watch ??= new ResizeObserver(part.ask);
    part.watch.observe(box);
  }
  return () => {
    part.unfollow?.();
    part.unfollow = null;
    part.watch?.disconnect();
  };
}

/** Logits of one row of a flat array; a view, no copy. */
export function rowOf(flat, row, classes) {
  return flat.subarray(row * classes, (row + 1) * classes);
}

/** Whether the world holds this row. */
export function holds(world, row) {
  return Boolean(world) && row >= 0 && row < world.rows;
}
