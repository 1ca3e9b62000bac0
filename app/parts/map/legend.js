// The legend: a button per class that switches it off and on, or the scale of a number; and what strength means.

import { el, svg } from "../draw.js";
import { capital, decimal, integer } from "../words.js";
import { outlineOf } from "./cloud.js";
import { NO_CLASS } from "./points.js";

/** The legend's node; press(name) is called at a click on a class. */
export function makeLegend(press) {
  const legend = { press, buttons: [], key: null };
  legend.title = el("span", { class: "of" });
  legend.entries = el("span", { class: "row entries" });
  legend.ramp = el("canvas", { class: "ramp", width: 96, height: 1, "aria-hidden": "true" });
  [legend.low, legend.high] = [el("span", { class: "num" }), el("span", { class: "num" })];
  legend.scale = el("span", { class: "row scale" }, legend.low, legend.ramp, legend.high);
  legend.strength = el("span", { class: "muted" });
  legend.marks = el("span", { class: "muted" });
  legend.node = el("div", { class: "row legend", "data-picture": true },
    legend.title, legend.entries, legend.scale, legend.strength, legend.marks);
  return legend;
}

/** What the marks over the points mean. */
export function showMarks(legend, { pinned, neighbors, hits, titles }) {
  const nearest = neighbors.length
    ? [`○ nearest in ${titles[0]}`, ...(titles[1] ? [`□ nearest in ${titles[1]}`] : [])] : [];
  const found = hits.length ? ["small ○ found by the search"] : [];
  legend.marks.textContent = [...(pinned >= 0 ? ["+ pinned"] : []), ...nearest, ...found].join(" · ");
}

/** Show the colors. counts: points of each code; hidden: names that are off; most: in a cell, 0 for points. */
export function showLegend(legend, { colors, paints, key, counts, hidden, most, unit }) {
  const isClass = colors.kind === "class";
  if (legend.key !== key) {
    legend.key = key;
    const isCount = colors.kind === "none";
    legend.title.textContent = isCount ? `${capital(unit)} per cell (log):` : `${colors.title}:`;
    if (isClass) fillEntries(legend, colors, paints);
    else legend.entries.replaceChildren();
    legend.scale.hidden = isClass;
    if (!isClass) fillScale(legend, endsOf(colors), paints);
  }
  if (isClass) {
    for (const { name, code, button, count } of legend.buttons) {
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      count.textContent = integer(counts[code]);
      button.hidden = code === NO_CLASS && !counts[code];
    }
  }
  if (colors.kind === "none") legend.high.textContent = integer(most);
  const strength = `The stronger, the more ${unit} in a cell (log, up to ${integer(most)})`;
  legend.strength.textContent = most > 1 && colors.kind !== "none" ? strength : "";
}

function endsOf({ kind, low, high, digits, unit }) {
  if (kind === "none") return { low: "1", high: "" };
  return { low: `${decimal(low, digits)}${unit}`, high: `${decimal(high, digits)}${unit}` };
}

function fillEntries(legend, { names }, { rgb, shapes }) {
  const all = [...names.map((name, code) => [name, code]), ["none", NO_CLASS]];
  legend.buttons = all.map(([name, code]) => {
    const count = el("span", { class: "num muted" });
    const path = `M${outlineOf(shapes[code], 5).map((at) => at.map((v) => v.toFixed(1)).join(" ")).join("L")}Z`;
    const swatch = svg("svg", { viewBox: "-7 -7 14 14", class: "swatch", "aria-hidden": "true" },
      svg("path", { d: path, fill: `rgb(${rgb[code].join(", ")})` }));
    const title = `Switch ${name} off or on`;
    const button = el("button", { type: "button", class: "entry", title, onclick: () => legend.press(name) },
      swatch, el("span", {}, name), count);
    return { name, code, button, count };
  });
  legend.entries.replaceChildren(...legend.buttons.map(({ button }) => button));
}

/** The scale of a number; its ends in words. */
function fillScale(legend, { low, high }, { rgb }) {
  const context = legend.ramp.getContext("2d");
  for (let at = 0; at < 96; at++) {
    context.fillStyle = `rgb(${rgb[Math.round((at / 95) * 254)].join(", ")})`;
    context.fillRect(at, 0, 1, 1);
  }
  [legend.low.textContent, legend.high.textContent] = [low, high];
}
