// Ads found for a query in columns; lines join the places of the same ad in neighboring columns.

import { el, svg, theme } from "../../../../parts/draw.js";
import { number } from "../../../../parts/words.js";

const GAP = 34;

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const box = el("div", { class: "found four", role: "group", "aria-label": data.sentence });
  data.columns.forEach((column, at) => {
    if (at) box.append(lines(data.columns[at - 1].ads, column.ads));
    box.append(listOf(data, at));
  });
  root.replaceChildren(box);
}

function listOf(data, at) {
  const column = data.columns[at];
  const before = at ? data.columns[at - 1].ads : null;
  const after = data.columns[at + 1]?.ads;
  const items = column.ads.map((ad, place) => {
    const [kind, words] = markOf(ad, place, before, at === 0 ? after : null, at === data.columns.length - 1);
    const title = data.titles[ad];
    return el(
      "li",
      { class: kind, title: `${title} (ad ${ad})` },
      el("span", { class: "place num" }, `${place + 1}`),
      el("span", { class: "title" }, title),
      el("span", { class: "mark num" }, words),
      ...barOf(data, ad),
    );
  });
  const list = items.length || !data.empty ? el("ol", {}, ...items) : el("p", { class: "empty" }, data.empty);
  return el("section", {}, el("h3", {}, column.name), list);
}

/** What an ad is worth as a bar; none where the truth does not know the query. */
function barOf(data, ad) {
  const worth = data.worth[ad];
  if (worth === undefined) return [];
  const fill = el("i");
  fill.style.width = `${Math.min(100, (100 * worth) / data.most)}%`;
  const says = `worth ${number(worth, 2)} by the truth`;
  return [el("span", { class: "bar", role: "img", title: says, "aria-label": says }, fill)];
}

/** What became of an ad: [class, words]. The first column tells what the index misses. */
export function markOf(ad, place, before, after, isTruth) {
  if (after) return after.includes(ad) ? ["", ""] : ["missed", "missed"];
  if (!before) return ["", ""];
  const from = before.indexOf(ad);
  if (from < 0) return isTruth ? ["missed", "not shown"] : ["new", "new"];
  if (from === place) return ["", "="];
  return ["", place < from ? `▲${from - place}` : `▼${place - from}`];
}

function lines(left, right) {
  const rows = Math.max(left.length, right.length, 1);
  const picture = svg("svg", {
    class: "lines",
    viewBox: `0 0 ${GAP} ${rows}`, // a unit is a row, whose height part.css knows
    preserveAspectRatio: "none",
    width: GAP,
    "aria-hidden": "true",
  });
  picture.style.height = `calc(${rows} * var(--row))`;
  left.forEach((ad, from) => {
    const to = right.indexOf(ad);
    if (to < 0) return;
    const y = (place) => place + 0.5;
    picture.append(svg("line", { x1: 0, x2: GAP, y1: y(from), y2: y(to), class: from === to ? "" : "moved" }));
  });
  return picture;
}
