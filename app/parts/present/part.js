// One button that begins and ends the presentation; Escape ends it too.

import { el, stateOf, svg, theme } from "../draw.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.button.replaceChildren(data.on ? "End" : corners());
  part.button.title = data.on
    ? "Back to the page with its navigation (Escape)"
    : "Larger type, without navigation and pickers, for a projector";
  part.button.setAttribute("aria-label", data.on ? "End the presentation" : "Present this page");
  part.button.onclick = () => setTriggerValue("set", !data.on);
  part.stop?.abort();
  part.stop = new AbortController();
  const leave = (event) => {
    if (event.key === "Escape" && data.on && !event.defaultPrevented) setTriggerValue("set", false);
  };
  window.addEventListener("keydown", leave, { signal: part.stop.signal });
  return () => part.stop.abort();
}

/** Four corners of a screen: the usual sign of a full-screen view. */
function corners() {
  const d = "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4";
  const look = { fill: "none", stroke: "currentColor", "stroke-width": 1.8 };
  const frame = { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" };
  return svg("svg", frame, svg("path", { d, ...look }));
}

function build(root) {
  const button = el("button", { type: "button" });
  root.replaceChildren(button);
  return { button };
}
