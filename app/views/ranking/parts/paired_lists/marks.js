// Small marks that lists and auction share: the label's chip, places, a row that slides.

import { el, svg } from "../../../../parts/draw.js";

export const ROW = 66; // px of an ad in a list
const RAMP = { 2: [0, 3], 3: [0, 2, 3], 4: [0, 1, 2, 3], 5: [0, 1, 2, 3, 4] };

export function gradeColor(grade, classes) {
  const ramp = RAMP[classes];
  return `var(--kd-grade-${ramp ? ramp[grade] : grade % 5})`;
}

/** Grade as text and as steps filled from the left; an unlabelled pair is hatched and says so. */
export function chip(grade, grades) {
  if (grade < 0) return el("span", { class: "chip unjudged" }, "unlabelled");
  const steps = grades.length - 1;
  const art = svg("svg", { width: steps * 5 + 1, height: 12, "aria-hidden": "true" });
  for (let step = 0; step < steps; step++) {
    const height = 4 + (8 * (step + 1)) / steps;
    const box = { x: step * 5 + 0.5, y: 12 - height + 0.5, width: 4, height: height - 1 };
    art.append(svg("rect", { ...box, class: step < grade ? "on" : "off" }));
  }
  const node = el("span", { class: "chip" }, art, grades[grade]);
  node.style.setProperty("--grade", gradeColor(grade, grades.length));
  return node;
}

export function moveText(from, to) {
  if (from === to) return "=";
  return to < from ? `▲${from - to}` : `▼${to - from}`;
}

export function moveKind(from, to) {
  return from === to ? "same" : to < from ? "up" : "down";
}

/** The place of each ad in an order. */
export function places(order) {
  const all = new Array(order.length);
  order.forEach((ad, at) => (all[ad] = at));
  return all;
}

/** Put a row at its place; it slides there unless the visitor wants no motion (base.css). */
export function slide(node, place, height) {
  node.style.transform = `translateY(${place * height}px)`;
}

/** Reading order follows the picture's order; a row that holds the focus stays until it is left. */
export function settle(list, nodes) {
  const hasFocus = nodes.some((node) => node.contains(list.getRootNode().activeElement));
  if (hasFocus || nodes.every((node, i) => list.children[i] === node)) return;
  list.append(...nodes);
}

export function dollars(value, digits = 2) {
  if (!Number.isFinite(value)) return "–";
  return (value < 0 ? "−$" : "$") + Math.abs(value).toFixed(digits);
}

/** The picture of a role beside its name: color, dash and shape as everywhere. */
export function badge(role) {
  const art = svg("svg", { width: 24, height: 12, "aria-hidden": "true", class: `badge ${role}` });
  art.append(svg("line", { x1: 0, x2: 24, y1: 6, y2: 6, class: "stroke" }), roleMark(role, 12, 6, 4));
  return art;
}

export function roleMark(role, x, y, r) {
  const shapes = {
    teacher: () => svg("circle", { cx: x, cy: y, r }),
    student: () => svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r }),
    twin: () => svg("path", { d: `M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z` }),
    truth: () => {
      const d = `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
      return svg("path", { d, class: "open" });
    },
    ideal: () => svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: "open" }),
    yours: () => svg("path", { d: `M${x} ${y - r}L${x + r} ${y + r}H${x - r}z` }),
  };
  const node = (shapes[role] ?? shapes.twin)();
  node.classList.add("mark", role);
  return node;
}

/**
 * What was sent to the server and has not come back (sent), its last word (last), and whether a change
 * still waits to be sent.
 */
export function newEcho() {
  return { sent: [], last: null, waiting: false };
}

/** Whether the server's word is news: no echo of what was sent, and not older than the last change here. */
export function isNews(echo, text) {
  const at = echo.sent.lastIndexOf(text);
  const news = at < 0 && text !== echo.last && !echo.waiting;
  echo.sent.splice(0, news ? echo.sent.length : at + 1);
  echo.last = text;
  return news;
}

/** Only the last of a burst of calls is made, after a rest. */
export function rested(call, pause) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), pause);
  };
}
