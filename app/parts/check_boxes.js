// Check boxes for the choices of a part that are on or off.

import { el } from "./draw.js";

/**
 * One for each of names: {name: [words, title or nothing]}. A change is written into part.now, then
 * changed(name) is called. Returns their labels, and show(now), which checks them.
 */
export function makeCheckBoxes(part, names, changed) {
  const inputs = {};
  const labels = Object.entries(names).map(([name, [words, title]]) => {
    const input = (inputs[name] = el("input", { type: "checkbox" }));
    input.onchange = () => {
      part.now[name] = input.checked;
      changed(name);
    };
    return el("label", { title }, input, words);
  });
  const show = (now) => {
    for (const [name, input] of Object.entries(inputs)) input.checked = now[name];
  };
  return { labels, show };
}
