// Find a target (through shadow roots), bring it into view, ring it until it is used; once a step.

import { stateOf, still } from "../draw.js";

const PATIENCE = 15000; // ms a page may take to show the target, and ms it must then stand still
const ACTS = ["pointerdown", "keydown", "wheel", "touchmove"]; // the visitor leads from here on

export default function ({ data, parentElement }) {
  const part = stateOf(parentElement, () => ({ token: "", stop: () => {} }));
  if (part.token === data.token) return () => part.stop();
  part.stop();
  part.token = data.token;
  const acted = new AbortController();
  let until = performance.now() + PATIENCE;
  let node = null;
  let place = 0;
  const timer = setInterval(() => {
    if (!node?.isConnected) node = mark(part, first(data.target), first(data.show), acted.signal);
    const top = node?.getBoundingClientRect().top ?? 0;
    if (top !== place) until = performance.now() + PATIENCE;
    place = top;
    if (node && !inView(node)) show(node, first(data.show)); // parts that come late push it away
    if (performance.now() > until) clearInterval(timer);
  }, 150);
  const led = { signal: acted.signal, capture: true, passive: true };
  for (const act of ACTS) document.addEventListener(act, () => clearInterval(timer), led);
  part.stop = () => {
    clearInterval(timer);
    acted.abort();
    part.unmark?.();
  };
  return () => part.stop();
}

/** A ring around a node that goes when the node is used. */
function mark(part, node, beside, signal) {
  part.unmark?.();
  if (!node) return null;
  for (let fold = node.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const before = [node.style.outline, node.style.outlineOffset];
  node.style.outline = "3px solid #E69F00";
  node.style.outlineOffset = node.tagName === "BUTTON" ? "-3px" : "4px"; // a list clips it
  part.unmark = () => {
    [node.style.outline, node.style.outlineOffset] = before;
  };
  for (const act of ["pointerdown", "input"]) node.addEventListener(act, part.unmark, { signal });
  show(node, beside);
  return node;
}

/** To the middle of what the lesson at the bottom leaves free; with what stands above it, if both fit. */
function show(node, beside) {
  const behavior = still() ? "auto" : "smooth";
  const [top, bottom] = [beside ?? node, node].map((each) => each.getBoundingClientRect());
  const room = window.innerHeight - panelHeight() - 90;
  const both = beside && beside !== node && bottom.bottom > top.top && bottom.bottom - top.top < room;
  const shown = both ? beside : node;
  shown.style.scrollMarginTop = "70px";
  shown.style.scrollMarginBottom = `${panelHeight()}px`;
  shown.scrollIntoView({ block: both ? "start" : "center", behavior });
}

/** The whole node between the page's head and the lesson; of a node too high for that, some of it. */
function inView(node) {
  const { top, bottom, height } = node.getBoundingClientRect();
  const end = window.innerHeight - panelHeight() - 10;
  if (height > end - 80) return bottom > 80 && top < end - 10;
  return top >= 0 && bottom <= end;
}

function panelHeight() {
  return document.querySelector('[data-testid="stBottom"]')?.offsetHeight ?? 0;
}

/** "A B": B inside A, where B may stand in a shadow root below A. Commas separate choices. */
function first(target) {
  for (const choice of target.split(",")) {
    const [outer, ...inner] = choice.trim().split(/\s+(?![^[]*\])/);
    for (const host of document.querySelectorAll(outer)) {
      const match = inner.length ? deep(host, inner.join(" ")) : seen(host);
      if (match) return match;
    }
  }
  return null;
}

function deep(node, selector) {
  const here = [...node.querySelectorAll(selector)].find(seen);
  if (here) return here;
  for (const child of node.querySelectorAll("*")) {
    const match = child.shadowRoot && deep(child.shadowRoot, selector);
    if (match) return match;
  }
  return null;
}

/** A part keeps controls in store that it hides for now: no ring around nothing. */
function seen(node) {
  return node.getClientRects().length ? node : null;
}
