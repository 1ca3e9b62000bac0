// One card per metric: every model as a mark with its interval on one axis, the gain, and the verdict.

import { el, svg, theme } from "../../../../parts/draw.js";

const [WIDE, ROW, NAME, SIDE] = [260, 17, 54, 52];

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const list = el("ul", { class: "scores", "aria-label": data.label });
  list.append(...data.cards.map(card));
  root.replaceChildren(list);
}

function card(one, place) {
  const id = `about-${place}`;
  return el(
    "li",
    { class: "score" },
    el(
      "button",
      { type: "button", class: "label", "aria-describedby": id },
      one.name,
      el("span", { class: "muted", "aria-hidden": "true" }, one.higher ? " ↑ " : " ↓ "),
      el("span", { class: "sr" }, one.higher ? " higher is better" : " lower is better"),
      el("span", { class: "info", "aria-hidden": "true" }, "i"),
    ),
    el("span", { class: "n small num" }, one.n),
    el(
      "span",
      { class: "about", role: "tooltip", id },
      ...[one.definition, ...one.gains.map((gain) => gain.about), one.gap && `Gap recovered: ${one.gap.about}`]
        .filter(Boolean)
        .map((text) => el("span", { class: "line" }, text)),
    ),
    marks(one),
    ...one.gains.map(gain),
    one.gains.length === 1 ? el("div", { class: "gain room" }) : null,
    one.gap ? el("div", { class: "small num" }, one.gap.text) : null,
  );
}

function gain({ value, interval, verdict }) {
  return el(
    "div",
    { class: "gain num" },
    el("span", { class: "verdict" }, `${verdict} `),
    el("strong", {}, value),
    " ",
    el("span", {}, interval),
  );
}

/** One line per model: its mark, the whiskers of its interval, its value in figures. */
function marks({ rows, name, places }) {
  const names = rows.some((r) => r.title.length > 11) ? 1.9 * NAME : NAME;
  const ends = rows.flatMap((r) => [r.value, r.low, r.high]).filter(Number.isFinite);
  const [low, high] = ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
  const pad = (high - low || 1) * 0.06;
  const X = (v) => names + ((v - low + pad) / (high - low + 2 * pad)) * (WIDE - names - SIDE);
  const words = rows.map((r) => `${r.title} ${r.text}${r.interval ? ` ${r.interval}` : ""}`).join("; ");
  const box = `0 0 ${WIDE} ${ROW * Math.max(rows.length, places) + 2}`;
  const picture = svg("svg", { viewBox: box, role: "img", "aria-label": `${name}: ${words}` });
  rows.forEach((row, place) => {
    const y = ROW * place + ROW / 2 + 1;
    picture.append(
      svg("line", { x1: names, x2: WIDE - SIDE, y1: y, y2: y, class: "track" }),
      svg("text", { x: 0, y: y + 4, class: "who" }, row.title),
      svg("text", { x: WIDE, y: y + 4, class: "figure", "text-anchor": "end" }, row.text),
    );
    if (!Number.isFinite(row.value)) return;
    if (Number.isFinite(row.low)) {
      picture.append(svg("line", { x1: X(row.low), x2: X(row.high), y1: y, y2: y, class: `whisker ${row.role}` }));
    }
    picture.append(symbol(row.role, X(row.value), y));
  });
  if (rows.length < places) {
    const y = ROW * rows.length + ROW;
    picture.append(svg("text", { x: 0, y, class: "later" }, "Filter pairs: their values come here."));
  }
  return picture;
}

function symbol(role, x, y) {
  const common = { class: `mark ${role}` };
  if (role === "teacher") return svg("circle", { ...common, cx: x, cy: y, r: 5 });
  if (role === "student") return svg("rect", { ...common, x: x - 4.5, y: y - 4.5, width: 9, height: 9 });
  if (role === "rival") return svg("path", { ...common, d: `M${x} ${y - 6}l6 10h-12z` });
  return svg("path", { ...common, d: `M${x} ${y - 6}l6 6l-6 6l-6 -6z` });
}
