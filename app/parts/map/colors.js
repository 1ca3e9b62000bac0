// What colors the points: a class or a number for each, as one code 0..255, and the colors of the codes.

import { shade } from "../cividis.js";
import { color } from "../draw.js";
import { decimal } from "../words.js";
import { inksOf, LEAST_NUMBER, SHAPE_COUNT } from "./cloud.js";
import { FULL, inOrder, NO_CLASS } from "./points.js";

const NONE = FULL; // a number that is not there
const STEPS = 254; // the highest code of a number

/** "#rrggbb" as [r, g, b]. */
export function rgbOf(text) {
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}

/** The colors that the page chose, for points in this order. column: of codes or numbers, by position; or null. */
export function colorsBy(choice, column, order) {
  if (!choice || !column) return { kind: "none", codes: new Uint8Array(order.length), names: [] };
  const values = inOrder(column, order);
  if (choice.kind === "class") return { ...choice, codes: values };
  const codes = Uint8Array.from(values, (value) => (value === NONE ? NO_CLASS : codeOf(value)));
  return { ...choice, names: [], codes, values };
}

function codeOf(wire) {
  return Math.min(STEPS, Math.floor((wire / (NONE - 1)) * (STEPS + 1)));
}

/** The number of a row, or NaN. */
export function valueOf({ values, low, high }, row) {
  return values[row] === NONE ? NaN : low + (values[row] / (NONE - 1)) * (high - low);
}

/** What the color says of a row, as a text. */
export function wordsOf(colors, row) {
  if (colors.kind === "class") return colors.codes[row] === NO_CLASS ? "none" : colors.names[colors.codes[row]];
  const value = valueOf(colors, row);
  return Number.isFinite(value) ? `${decimal(value, colors.digits)}${colors.unit}` : "not measured";
}

/** Pixels of the codes in the present theme, their colors as [r, g, b], and the shape of each code. */
export function paintsOf(colors, root) {
  const dark = root.hasAttribute("data-dark");
  const role = (name) => rgbOf(color(root, name));
  const muted = role("muted");
  const rgb = Array.from({ length: 256 }, (_, code) => {
    if (colors.kind === "none") return shade(Math.min(1, code / STEPS), dark);
    if (code === NO_CLASS || code >= STEPS + 1) return muted;
    if (colors.kind === "class") return code < colors.roles.length ? role(colors.roles[code]) : muted;
    return scaleColor(colors, code / STEPS, dark, role);
  });
  const shapes = rgb.map((_, code) => (colors.kind === "class" && code < colors.names.length ? code % SHAPE_COUNT : 0));
  const least = colors.kind === "number" ? LEAST_NUMBER : undefined;
  const scale = colors.kind === "none" ? (share) => shade(share, dark) : null;
  return { rgb, shapes, inks: inksOf(rgb, role("background"), muted, least, scale) };
}

/** Color of a share 0..1 of the scale of numbers; with a middle it goes from orange over gray to blue. */
function scaleColor({ low, high, center }, t, dark, role) {
  if (center === null) return shade(t, dark);
  const value = low + t * (high - low);
  const far = value < center ? (center - value) / (center - low) : (value - center) / (high - center);
  const [end, middle] = [role(value < center ? "student" : "teacher"), role("muted")];
  return end.map((c, k) => Math.round(middle[k] + (c - middle[k]) * Math.sqrt(Math.min(1, far || 0))));
}
