// Scroll to a target once for each token, and focus a control; a visitor who moves is left alone.

import { stateOf, still } from "../draw.js";

const PATIENCE = 6000; // ms a page may take to show the target, and what stands before it
const ACTS = ["pointerdown", "keydown", "wheel", "touchmove"];

export default function ({ data, parentElement }) {
  const part = stateOf(parentElement, () => ({ token: "", stop: () => {} }));
  if (part.token === data.token || !data.token) return () => part.stop();
  part.stop();
  part.token = data.token;
  const acted = new AbortController();
  const until = performance.now() + PATIENCE;
  const timer = setInterval(() => {
    const node = document.querySelector(data.target);
    const away = node ? Math.abs(node.getBoundingClientRect().top - 80) : 0;
    if (node && away > 40) {
      node.style.scrollMarginTop = "72px"; // the app's own header lies over the page
      node.scrollIntoView({ block: "start", behavior: still() ? "auto" : "smooth" });
    }
    const control = data.focus && node ? document.querySelector(data.focus) : null;
    if (control && document.activeElement !== control) control.focus({ preventScroll: true });
    if (performance.now() > until) part.stop();
  }, 700);
  part.stop = () => {
    clearInterval(timer);
    acted.abort();
  };
  for (const act of ACTS)
    document.addEventListener(act, () => part.stop(), { signal: acted.signal, capture: true, passive: true });
  return () => part.stop();
}
