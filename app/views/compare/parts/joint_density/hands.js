// Mouse, sliders and fields of the joint density, and the one message that a gesture ends with.

import { drag, el } from "../../../../parts/draw.js";
import { number } from "../../../../parts/words.js";
import { CELLS, nearest, step } from "./counts.js";

const SETTLE = 200; // ms without another key press before Python hears of it
const NEAR = 9; // px from a line that still grab it
const STILL = 4; // px that a click may wander

/** Set values of the picture and paint it anew. */
export function change(part, values) {
  Object.assign(part, values);
  part.stale = true;
  part.ask();
}

/** The visitor's choices as Python reads them. */
export function choices(part) {
  const cells = part.picked ? CELLS.filter((_, cell) => part.chosen[cell]) : [];
  return { ct: part.ct, cs: part.cs, box: part.box ?? [], cells, pair: part.chosenPair };
}

/** Send the choices to Python now, unless it has them already. */
export function send(part) {
  clearTimeout(part.timer);
  part.busy = false;
  const message = choices(part);
  if (JSON.stringify(message) === JSON.stringify(part.lastSent)) return;
  part.lastSent = message;
  part.n += 1;
  part.setStateValue("said", { ...message, n: part.n });
}

/** Send them when the keys have rested. */
export function settle(part) {
  part.busy = true;
  clearTimeout(part.timer);
  part.timer = setTimeout(() => send(part), SETTLE);
}

const hundredth = (v) => Math.round(v * 100) / 100;

/** Pointer on the canvas: a line is dragged, else a box is drawn; a click takes the nearest point. */
export function listen(part) {
  const { canvas } = part;
  let line = ""; // the threshold that is dragged: "ct", "cs" or none
  let start = null;
  drag(canvas, {
    start: ({ x, y }) => {
      if (!part.points) return false;
      part.busy = true;
      part.hover = -1;
      line = lineAt(part, x, y);
      start = { x, y, box: part.box };
      return true;
    },
    move: ({ x, y }) => {
      const [u, v] = [part.place.toX(x), part.place.toY(y)];
      if (line === "ct") change(part, { ct: hundredth(u) });
      else if (line === "cs") change(part, { cs: hundredth(v) });
      else if (Math.hypot(x - start.x, y - start.y) > STILL) {
        const [a, b] = [part.place.toX(start.x), part.place.toY(start.y)];
        const box = [Math.min(a, u), Math.max(a, u), Math.min(b, v), Math.max(b, v)];
        change(part, { box: box.map((w) => Math.round(w * 1000) / 1000) });
      }
    },
    end: ({ x, y, event }) => {
      const isClick = Math.hypot(x - start.x, y - start.y) <= STILL;
      if (event.type === "pointercancel") change(part, { box: start.box });
      else if (!line && isClick) {
        const row = pointAt(part, x, y);
        if (row >= 0) change(part, { pair: row, chosenPair: row });
        else if (part.box) change(part, { box: null });
      }
      send(part);
    },
  });
  canvas.onmousemove = (event) => {
    if (event.buttons || !part.points) return;
    const [x, y] = [event.offsetX, event.offsetY];
    const near = lineAt(part, x, y);
    canvas.style.cursor = near === "ct" ? "ew-resize" : near === "cs" ? "ns-resize" : "crosshair";
    const row = near ? -1 : pointAt(part, x, y);
    if (row !== part.hover) {
      part.hover = row;
      part.ask();
    }
  };
  canvas.onmouseleave = () => {
    part.hover = -1;
    part.ask();
  };
}

function lineAt(part, x, y) {
  const { place } = part;
  if (!place) return "";
  const along = y > place.top - 12 && y < place.top + place.h + 16;
  const across = x > place.left - 16 && x < place.left + place.w + 12;
  const far = { ct: along ? Math.abs(x - place.X(part.ct)) : 99, cs: across ? Math.abs(y - place.Y(part.cs)) : 99 };
  const near = far.ct <= far.cs ? "ct" : "cs";
  return far[near] <= NEAR ? near : "";
}

function pointAt(part, x, y) {
  const { place } = part;
  if (x < place.left || x > place.left + place.w || y < place.top || y > place.top + place.h) return -1;
  return nearest(part.points, part.index, part.tally.shown, place.toX(x), place.toY(y), 0.03);
}

/** A cell of the cube was pressed: with none picked it is the only one, else it joins or leaves. */
export function press(part, cell) {
  const chosen = part.picked ? part.chosen.slice() : new Uint8Array(12);
  chosen[cell] = 1 - chosen[cell];
  const picked = chosen.some((c) => c) && !chosen.every((c) => c);
  change(part, { picked, chosen: picked ? chosen : new Uint8Array(12).fill(1) });
  send(part);
}

/** The previous or next pair among those shown. */
export function go(part, by) {
  if (!part.points) return;
  const row = step(part.points, part.tally.shown, part.box, Math.max(part.pair, 0), by);
  if (row >= 0) change(part, { pair: row, chosenPair: row, hover: -1 });
  settle(part);
}

function rail(part, name, words, role) {
  const range = el("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": words });
  const figure = el("output", { class: "num" });
  range.oninput = () => {
    part.busy = true;
    change(part, { [name]: Number(range.value) });
  };
  range.onchange = () => settle(part);
  part.rails = { ...part.rails, [name]: { range, figure, words } };
  return el("label", { class: `rail ${role}` }, el("span", {}, words), range, figure);
}

/** Both thresholds as native sliders. */
export function sliders(part) {
  return el(
    "div",
    { class: "rails" },
    rail(part, "ct", "Teacher's threshold", "teacher"),
    rail(part, "cs", "Student's threshold", "student"),
  );
}

const EDGES = ["Teacher from", "Teacher to", "Student from", "Student to"];

/** The box by four sliders, for those who do not drag. */
export function boxFields(part) {
  part.edges = EDGES.map((words, k) => {
    const input = el("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": `Box: ${words}` });
    const figure = el("output", { class: "num" });
    input.oninput = () => {
      part.busy = true;
      const box = (part.box ?? [0, 1, 0, 1]).slice();
      box[k] = Number(input.value);
      box[k ^ 1] = k & 1 ? Math.min(box[k ^ 1], box[k]) : Math.max(box[k ^ 1], box[k]);
      change(part, { box: box.every((v, i) => v === (i & 1)) ? null : box });
    };
    input.onchange = () => settle(part);
    return { input, figure, words };
  });
  part.clear = el("button", { type: "button", onclick: () => (change(part, { box: null }), send(part)) }, "Clear box");
  return el(
    "details",
    { class: "edges" },
    el("summary", {}, "Box by numbers ", part.clear),
    ...part.edges.map(({ input, figure, words }) =>
      el("label", { class: "rail" }, el("span", {}, words), input, figure)),
  );
}

/** Sliders and figures say what the picture shows. */
export function syncFields(part) {
  for (const [name, { range, figure, words }] of Object.entries(part.rails)) {
    range.value = String(part[name]);
    figure.textContent = number(part[name], 2);
    range.setAttribute("aria-valuetext", `${words} ${number(part[name], 2)}`);
  }
  const box = part.box ?? [0, 1, 0, 1];
  part.edges.forEach(({ input, figure }, k) => {
    input.value = String(box[k]);
    figure.textContent = number(box[k], 2);
  });
  part.clear.disabled = !part.box;
}
