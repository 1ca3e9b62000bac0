// What the maps show, in a sentence.

import { decimal, integer, percent } from "../words.js";
import { valueOf } from "./colors.js";
import { SHOWN } from "./cloud.js";
import { NO_CLASS } from "./points.js";

/**
 * Points that are drawn, and of those in full color: their number, by code, and the mean of their numbers.
 * all: by code, of the points that pass the filters, whether their class is switched off or not.
 */
export function tallyOf({ points, levels, colors, selected, dimmed }) {
  const [all, within] = [new Uint32Array(256), new Uint32Array(256)];
  const tally = { drawn: 0, full: 0, selected: 0, all, within, sum: 0, numbers: 0 };
  for (let row = 0; row < points.n; row++) {
    const code = colors.codes[row];
    if (!dimmed?.[row]) tally.all[code]++;
    if (selected?.[row]) tally.selected++;
    if (!levels[row]) continue;
    tally.drawn++;
    if (levels[row] < SHOWN) continue;
    tally.full++;
    tally.within[code]++;
    if (colors.kind !== "number" || code === NO_CLASS) continue;
    tally.sum += valueOf(colors, row);
    tally.numbers++;
  }
  return tally;
}

/** The sentence of now. */
export function sentenceOf({ points, data, tally, colors, selected, hits, moment }) {
  const all = `${integer(points.n)} ${data.unit}`;
  const part = (n, words) => `${integer(n)} of ${all} ${words} (${percent(n / points.n, 1)})`;
  const out = tally.selected > tally.full ? `, ${integer(tally.full)} of them in color` : "";
  const colored = tally.full < points.n ? part(tally.full, "in color") : all;
  const shown = selected ? part(tally.selected, "selected") + out : colored;
  const found = hits.length ? ` The search found ${integer(hits.length)}.` : "";
  const when = data.moments.length > 1 ? ` Moment: ${data.moments[Math.round(moment)]}.` : "";
  return `${shown}${mixOf(tally, colors)}.${found}${when}`;
}

function meanOf(mean, { title, digits, unit }) {
  const name = title.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return `; mean ${name} ${decimal(mean, Math.max(1, digits))}${unit}`;
}

/** Shares of the classes, or the mean of the numbers. */
function mixOf({ within, full, sum, numbers }, colors) {
  if (!full) return "";
  if (colors.kind === "number") return numbers ? meanOf(sum / numbers, colors) : "";
  if (colors.kind !== "class") return "";
  const shares = colors.names
    .map((name, code) => [within[code], name])
    .filter(([n]) => n)
    .sort(([a], [b]) => b - a)
    .slice(0, 4)
    .map(([n, name]) => `${name} ${percent(n / full)}`);
  return shares.length ? `; ${colors.title}: ${shares.join(", ")}` : "";
}

/** What stands below a map's title, at the moment that is shown. */
export function noteOf({ data, moment }, side) {
  const notes = data.notes[side] ?? [""];
  return notes[Math.min(Math.round(moment), notes.length - 1)];
}
