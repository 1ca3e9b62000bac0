// Revenue against defect over w, the whole set: every w lies in data, so the dot moves with the drag.

import { el, svg } from "../../../../parts/draw.js";
import { roundUp } from "../../../../parts/maths.js";
import { percent, signed } from "../../../../parts/words.js";
import { bestRevenue, readAt } from "./hold.js";
import { dollars, roleMark } from "./marks.js";

const BOX = { left: 58, right: 14, top: 26, bottom: 40, height: 300 };

export function buildFrontier(view) {
  const { frontier } = view.data;
  view.frontierBox.replaceChildren();
  if (!frontier) return null;
  const width = Math.max(view.frontierBox.clientWidth || 460, 280);
  const scale = scales(frontier, width);
  const art = svg("svg", { viewBox: `0 0 ${width} ${BOX.height}`, height: BOX.height, role: "img" });
  frontierAxes(art, scale, width, frontier);
  const dots = {};
  for (const curve of frontier.models) {
    art.append(svg("path", { d: pathOf(curve, scale), class: `curve ${curve.role}` }));
    art.append(endMark(curve, scale));
  }
  const level = svg("line", { class: "level", y1: BOX.top, y2: BOX.height - BOX.bottom });
  const loss = svg("line", { class: "loss" });
  art.append(level, loss);
  for (const curve of frontier.models) art.append((dots[curve.role] = roleMark(curve.role, 0, 0, 6)));
  if (view.data.simulated) {
    const stamp = { x: width - BOX.right, y: 14, class: "stamp", "text-anchor": "end" };
    art.append(svg("text", stamp, "simulated bids and clicks"));
  }
  const note = el("p", { class: "note num" });
  art.append(...frontierLegend(frontier, width));
  view.frontierBox.append(art, note);
  return { art, dots, level, loss, note, scale };
}

function scales(frontier, width) {
  const xs = frontier.models.flatMap((curve) => curve.defect.filter((value) => value !== null));
  const ys = frontier.models.flatMap((curve) => curve.revenue);
  // no bars here: both axes start a little below the least value, which their ticks tell
  const low = { x: Math.min(...xs, Infinity) * 0.8, y: Math.min(...ys) * 0.8 };
  if (!xs.length) low.x = 0;
  const high = { x: Math.max(...xs, 0.01) * 1.05, y: Math.max(...ys, 1e-6) * 1.05 };
  const plot = { width: width - BOX.left - BOX.right, height: BOX.height - BOX.top - BOX.bottom };
  return {
    low,
    high,
    x: (value) => BOX.left + ((value - low.x) / (high.x - low.x)) * plot.width,
    y: (value) => BOX.top + ((high.y - value) / (high.y - low.y)) * plot.height,
  };
}

function ticks(low, high) {
  const step = roundUp((high - low) / 6, [1, 2, 5, 10]);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(Math.floor(high / step) - first + 1, 0) }, (_, i) => (first + i) * step);
}

function frontierAxes(art, scale, width, frontier) {
  const floor = BOX.height - BOX.bottom;
  for (const value of ticks(scale.low.x, scale.high.x)) {
    art.append(
      svg("line", { x1: scale.x(value), x2: scale.x(value), y1: BOX.top, y2: floor, class: "gridline" }),
    );
    const at = { x: scale.x(value), y: floor + 15, class: "tick", "text-anchor": "middle" };
    art.append(svg("text", at, percent(value, value && scale.high.x < 0.04 ? 1 : 0)));
  }
  for (const value of ticks(scale.low.y, scale.high.y)) {
    const y = scale.y(value);
    const at = { x: BOX.left - 6, y: y + 4, class: "tick", "text-anchor": "end" };
    art.append(svg("line", { x1: BOX.left, x2: width - BOX.right, y1: y, y2: y, class: "gridline" }));
    art.append(svg("text", at, dollars(1000 * value, 0)));
  }
  const below = { x: (BOX.left + width) / 2, y: BOX.height - 6, class: "axis", "text-anchor": "middle" };
  art.append(svg("text", below, `mean pDefect of the ads shown, by ${frontier.judge}`));
  art.append(svg("text", { x: 4, y: 14, class: "axis" }, "Revenue per 1,000 searches"));
}

function pathOf(curve, scale) {
  let pen = "M";
  let path = "";
  curve.defect.forEach((defect, i) => {
    if (defect === null) return (pen = "M");
    path += `${pen}${scale.x(defect).toFixed(1)} ${scale.y(curve.revenue[i]).toFixed(1)}`;
    return (pen = "L");
  });
  return path;
}

/** Where w = 0: the start of each curve, named so that the direction of w can be read. */
function endMark(curve, scale) {
  if (curve.defect[0] === null || curve.role !== "teacher") return svg("g", {});
  const [x, y] = [scale.x(curve.defect[0]), scale.y(curve.revenue[0])];
  const name = { x: x - 6, y: y + 18, class: "tick", "text-anchor": "end" };
  return svg(
    "g",
    {},
    svg("circle", { cx: x, cy: y, r: 2.5, class: "start" }),
    svg("text", name, "w = 0"),
  );
}

/** Names inside the picture, where no curve runs, so that a saved picture tells them too. */
function frontierLegend(frontier, width) {
  const x = width - BOX.right - 96;
  return frontier.models.flatMap((curve, at) => {
    const y = BOX.height - BOX.bottom - 16 - 20 * (frontier.models.length - 1 - at);
    const line = svg("line", { x1: x, x2: x + 30, y1: y, y2: y, class: `curve ${curve.role}` });
    const name = svg("text", { x: x + 37, y: y + 4, class: "axis" }, curve.short);
    return [line, roleMark(curve.role, x + 15, y, 4.5), name];
  });
}

/** The dots at the present w, the level of equal defect, and what the student loses there. */
export function paintFrontier(view) {
  const { frontier: drawn, data, rules } = view;
  if (!drawn) return;
  const { frontier } = data;
  const stale = ["slots", "reserve", "pricing"].some((name) => rules[name] !== data.rules[name]);
  drawn.art.classList.toggle("stale", stale);
  const at = {};
  for (const curve of frontier.models) {
    const defect = readAt(frontier.weights, curve.defect, rules.w);
    const revenue = readAt(frontier.weights, curve.revenue, rules.w);
    at[curve.role] = { defect, revenue };
    const dot = drawn.dots[curve.role];
    dot.classList.toggle("gone", defect === null);
    if (defect === null) continue;
    dot.setAttribute("transform", `translate(${drawn.scale.x(defect)} ${drawn.scale.y(revenue)})`);
  }
  const price = equalDefect(frontier, at);
  paintLevel(drawn, price);
  const parts = frontier.models.map(({ role, short }) => {
    const { revenue, defect } = at[role];
    return `${short} ${dollars(1000 * revenue, 0)} at ${percent(defect ?? NaN, 1)}`;
  });
  const text = stale
    ? "These curves are of the rules before the drag; release to redraw them."
    : `w ${dollars(rules.w, 3)}: ${parts.join("; ")}.${price.text}`;
  drawn.note.textContent = text;
  const simulated = data.simulated ? ", simulated bids and clicks" : "";
  drawn.art.setAttribute(
    "aria-label",
    `Revenue per 1,000 searches against mean pDefect over w${simulated}. ${text}`,
  );
}

function equalDefect(frontier, at) {
  const curves = Object.fromEntries(frontier.models.map((curve) => [curve.role, curve]));
  if (!curves.teacher || !curves.student || at.teacher.defect === null) return { text: "" };
  const level = at.teacher.defect;
  const [teacher, student] = [bestRevenue(curves.teacher, level), bestRevenue(curves.student, level)];
  if (student === null) return { level, text: " The student lets through more defects at every w." };
  const change = teacher > 0 ? student / teacher - 1 : NaN;
  return { level, teacher, student, text: ` Same defects as the teacher: revenue ${signed(100 * change, 1)} %.` };
}

function paintLevel(drawn, { level, teacher, student }) {
  drawn.level.classList.toggle("gone", level === undefined);
  drawn.loss.classList.toggle("gone", student === undefined);
  if (level === undefined) return;
  const x = drawn.scale.x(level);
  const place = (line, ends) => Object.entries(ends).forEach(([end, value]) => line.setAttribute(end, value));
  place(drawn.level, { x1: x, x2: x });
  if (student === undefined) return;
  place(drawn.loss, { x1: x, x2: x, y1: drawn.scale.y(teacher), y2: drawn.scale.y(student) });
}
