// The controls around the maps: tools, the time slider with its player, and a selection by typed numbers.

import { el } from "../draw.js";
import { numberBox } from "../number_box.js";
import { makePlayer } from "../player.js";
import { decimal } from "../words.js";
import { WHOLE } from "./camera.js";
import { zoomBy } from "./hands.js";

const PACE = 50; // ms per step of the player
const STEP = 1 / 16; // of a moment

/** Tools above the maps. */
export function makeTools(part) {
  const button = (text, label, act) => el("button", { type: "button", "aria-label": label, onclick: act }, text);
  const tool = (name, words) => el("button", { type: "button", onclick: () => part.take(name) }, words);
  part.tools = { pan: tool("pan", "Move"), lasso: tool("lasso", "Lasso") };
  part.clearButton = el("button", { type: "button", onclick: () => part.clear() }, "Clear selection");
  return el("div", { class: "row tools" },
    el("span", { class: "row", role: "group", "aria-label": "What a drag does" }, part.tools.pan, part.tools.lasso),
    el("span", { class: "row", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out", () => zoomBy(part, 1 / 1.6)), button("+", "Zoom in", () => zoomBy(part, 1.6)),
      button("Whole map", "Show the whole map", () => part.look(WHOLE))),
    part.clearButton);
}

/** The time slider. */
export function makeTime(part) {
  const range = el("input", { type: "range", min: 0, step: STEP, "aria-label": "Moment" });
  const name = el("output", { class: "num" });
  const play = el("button", { type: "button" }, "▶ Play");
  const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const last = () => part.data.moments.length - 1;
  range.oninput = () => {
    part.stopPlayer();
    part.goTo(Number(range.value), false);
  };
  range.onchange = () => part.goTo(Number(range.value));
  part.stopPlayer = makePlayer(play, PACE, {
    begin: () => part.moment >= last() && part.goTo(0, false),
    step: () => {
      part.goTo(Math.min(last(), still() ? Math.floor(part.moment) + 1 : part.moment + STEP), false);
      return part.moment < last();
    },
    done: () => part.goTo(part.moment),
  });
  part.time = { node: el("div", { class: "row time" }, play, range, name), range, name };
  return part.time.node;
}

/** The time slider says what the maps show. */
export function showTime({ time, data, moment }) {
  const { moments } = data;
  time.node.hidden = moments.length < 2;
  if (time.node.hidden) return;
  const before = Math.floor(moment);
  const isBetween = moment > before && before + 1 < moments.length;
  const text = isBetween ? `${moments[before]} → ${moments[before + 1]}` : moments[before];
  time.range.max = moments.length - 1;
  time.range.value = String(moment);
  time.range.setAttribute("aria-valuetext", text);
  time.name.textContent = text;
}

const AXES = ["x from", "x to", "y from", "y to"];

/** Selection without a mouse: ranges of x and y on one of the maps, and of the number that colors. */
export function makeRanges(part) {
  const ranges = { values: [0, 1, 0, 1], color: [0, 1] };
  const box = (label, values, at) => numberBox({
    label, low: -1e6, high: 1e6, show: (value) => decimal(value, 2),
    step: (value, way) => value + (way * Math.abs(ranges.span)) / 50,
    take: (value) => (values[at] = value),
  });
  ranges.boxes = AXES.map((label, at) => box(label, ranges.values, at));
  ranges.answer = el("span", { class: "muted", role: "status" });
  const answer = (count) => {
    ranges.answer.textContent = count ? "" : `No ${part.data.unit} lie in this box; the selection stays as it was.`;
  };
  ranges.side = el("select", { "aria-label": "Map of the ranges" });
  ranges.colorBoxes = ["from", "to"].map((label, at) => box(`Color value ${label}`, ranges.color, at));
  const only = (act, text) => el("button", { type: "button", onclick: act }, text);
  ranges.colorRow = el("div", { class: "row" }, (ranges.colorName = el("span")),
    ...ranges.colorBoxes.map(({ node }) => node),
    only(() => part.limit([Math.min(...ranges.color), Math.max(...ranges.color)]), "Keep only these"),
    only(() => (part.limit(null), showRanges(part)), "All values"));
  ranges.node = el("details", { class: "ranges" }, el("summary", {}, "Select by numbers"),
    el("p", { class: "muted" }, "The card of a point under the pointer says its x and y while this is open."),
    el("div", { class: "row" }, ranges.side,
      ...ranges.boxes.map(({ node }, at) => el("span", { class: "row" }, AXES[at], node)),
      only(() => answer(part.selectRanges(ranges.values, Number(ranges.side.value))), "Select"), ranges.answer),
    ranges.colorRow);
  return (part.ranges = ranges).node;
}

/** New limits into the boxes, at new points or colors. */
export function showRanges({ ranges, data, colors, range }) {
  const [x, y, side] = data.box;
  ranges.span = side;
  [x, x + side, y, y + side].forEach((value, at) => {
    ranges.values[at] = value;
    ranges.boxes[at].set(value);
  });
  ranges.side.replaceChildren(...data.titles.map((title, at) => el("option", { value: at }, title)));
  ranges.colorRow.hidden = colors.kind !== "number";
  if (colors.kind !== "number") return;
  ranges.colorName.textContent = `${colors.title}${colors.unit ? `,${colors.unit}` : ""}`;
  (range ?? [colors.low, colors.high]).forEach((value, at) => {
    ranges.color[at] = value;
    ranges.colorBoxes[at].set(value);
  });
}
