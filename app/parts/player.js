// A button that plays moments one after another.

import { still } from "./draw.js";

/**
 * Let a button play and pause. pace: ms per moment; begin() before the first step; step() goes on by a
 * moment and tells whether more follow; done() at the pause and at the end. Returns what stops it silently.
 */
export function makePlayer(button, pace, { begin, step, done }) {
  let timer = 0;
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "▶ Play";
  };
  const pause = () => {
    stop();
    done();
  };
  button.onclick = () => {
    if (timer) return pause();
    begin();
    button.textContent = "❚❚ Pause";
    timer = setInterval(() => step() || pause(), still() ? 1000 : pace);
    return undefined;
  };
  return stop;
}
