// Gradient descent on an objective from a start: plain steps of one size, the whole way remembered.

export const MOST = 1000; // steps
const FLAT = 1e-4; // a gradient whose largest part is below this is at rest
const LOST = 1e4; // numbers beyond this run away

/** A descent that has not begun. */
export function newDescent(loss, start, rate) {
  return { loss, rate, path: [Float64Array.from(start)], state: "going" };
}

/**
 * Go on until so many steps are done or the descent has ended. state: "going"; "rest", the gradient is as
 * good as 0; "lost", the steps are too large and run away.
 */
export function descend(run, steps) {
  const slope = new Float64Array(run.path[0].length);
  while (run.state === "going" && run.path.length <= Math.min(steps, MOST)) {
    const here = run.path.at(-1);
    run.loss(here, slope);
    if (slope.every((part) => Math.abs(part) < FLAT)) {
      run.state = "rest";
      break;
    }
    const next = here.map((value, at) => value - run.rate * slope[at]);
    run.path.push(next);
    if (!next.every((value) => Math.abs(value) < LOST)) run.state = "lost";
  }
  return run;
}

/** Where it stands after so many steps, or where it ended before. */
export function placeAt(run, steps) {
  return run.path[Math.min(steps, run.path.length - 1)];
}
