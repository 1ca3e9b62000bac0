// One row per student: hollow diamond = labels only, filled square = distilled; whiskers are 95 %.
// A model without a twin is a filled square alone.

import { el, enlarged, stateOf, svg, theme } from "../../../../parts/draw.js";
import { number } from "../../../../parts/words.js";

const TOP = 34;

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({}));
  draw(root, data);
  part.watch?.disconnect();
  part.watch = new ResizeObserver(() => draw(root, data));
  part.watch.observe(root);
  return () => part.watch.disconnect();
}

function draw(root, data) {
  const size = enlarged(); // a projector's texts are larger, and so is the picture
  const width = Math.max(300, root.clientWidth / size);
  const narrow = width < 560;
  const long = data.rungs.some((r) => labelOf(r).length > 1 || r.title.length > 18);
  const left = narrow ? 8 : long ? 200 : 150;
  const tall = narrow ? 62 : 46; // a row; a narrow one has its name above and its numbers below
  const height = TOP + data.rungs.length * tall + 40;
  const all = data.rungs.flatMap((r) => [...(r.twin ?? []), ...r.own]).filter(Number.isFinite);
  const ends = [...all, ...(data.teacher ?? []), ...(data.truth ?? [])].filter(Number.isFinite);
  const low = Math.floor((Math.min(...ends) - 0.01) * 20) / 20;
  const high = Math.min(1, Math.ceil((Math.max(...ends) + 0.005) * 20) / 20);
  const x = (v) => left + ((v - low) / (high - low)) * (width - left - 28);
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    height: height * size,
    role: "img",
    "data-picture": true,
    "aria-label": sentence(data),
  });
  picture.append(...axis(low, high, x, height));
  const sides = data.teacher?.[0] > data.truth?.[0] ? ["start", "end"] : ["end", "start"]; // names don't meet
  const [one, other] = data.truth === null || data.teacher === null ? ["middle", "middle"] : sides;
  picture.append(...line(data.teacher, "teacher", "Teacher", x, height, "6 0", one));
  picture.append(...line(data.truth, "truth", "Truth", x, height, "8 3 2 3", other));
  data.rungs.forEach((rung, i) => {
    const top = TOP + i * tall;
    if (rung.newest && i) picture.append(svg("line", { x1: 0, x2: width, y1: top + 4, y2: top + 4, class: "grid" }));
    picture.append(...row(rung, top + tall / 2 + 4, x, narrow, left - 10));
    const whole = svg("rect", { x: 0, y: top + 4, width, height: tall - 4, class: "hit" });
    whole.append(svg("title", {}, told(rung, data.n)));
    picture.append(whole);
  });
  const notes = [legend(data.rungs), "whiskers and bands: 95 % intervals over queries"];
  if (data.truth !== null) {
    notes.push("truth: ranking by the generator's true probabilities, the best possible");
  }
  const note = `${data.metric}, ${data.n}. ${notes.join(" · ")}.`;
  root.replaceChildren(picture, el("p", { class: "muted key", "data-picture": true }, note));
}

function sentence(data) {
  const rows = data.rungs.map((r) => `${r.newest ? "your newest run, " : ""}${r.title} ${values(r)}`);
  return `${data.metric}: ${rows.join("; ")}; teacher ${within(data.teacher)}.`;
}

/** A value with its interval. */
function within(ends) {
  return ends ? `${number(ends[0])} [${number(ends[1])}, ${number(ends[2])}]` : number(null);
}

/** What stands under the pointer in a row. */
function told({ title, twin, own, imported }, n) {
  const names = imported ? ["as brought", "its twin"] : ["distilled", "labels only"];
  const second = twin ? `, ${names[1]} ${within(twin)}` : "";
  return `${title}: ${names[0]} ${within(own)}${second}; 95 % intervals, n = ${n}`;
}

/** What the marks mean; of imported models only what they were imported as is known. */
function legend(rungs) {
  const trained = rungs.some((r) => !r.imported);
  const imported = rungs.filter((r) => r.imported);
  const parts = trained ? ["◇ labels only · ■ distilled from the teacher, same seed"] : [];
  if (imported.length) {
    const marks = imported.some((r) => r.twin) ? "◇ twin, ■ student or other model," : "■ model";
    const titles = trained ? ` (${imported.map((r) => r.title).join(", ")})` : "";
    parts.push(`${marks} as brought${titles}; how they were trained is not known here`);
  }
  return parts.join(" · ");
}

function values(rung) {
  if (!rung.twin) return number(rung.own[0]);
  if (rung.imported) return `${number(rung.own[0])}, its twin ${number(rung.twin[0])}`;
  return `${number(rung.twin[0])} with labels only, ${number(rung.own[0])} distilled`;
}

function axis(low, high, x, height) {
  const out = [];
  const step = high - low > 0.25 ? 0.1 : 0.05;
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9; v += step) {
    out.push(
      svg("line", { x1: x(v), x2: x(v), y1: TOP - 6, y2: height - 36, class: "grid" }),
      svg("text", { x: x(v), y: height - 18, "text-anchor": "middle", class: "tick" }, v.toFixed(2)),
    );
  }
  return out;
}

/** A line at a value, on the band of its interval. */
function line(ends, role, name, x, height, dash, anchor) {
  if (!ends) return [];
  const [value, low, high] = ends;
  const stroke = { stroke: `var(--kd-${role})`, "stroke-width": 2, "stroke-dasharray": dash };
  const [y1, y2] = [TOP - 10, height - 36];
  const band = { x: x(low), y: y1, width: Math.max(0, x(high) - x(low)), height: y2 - y1, fill: `var(--kd-${role})` };
  const label = svg("text", { x: x(value), y: 16, "text-anchor": anchor, class: "name" }, `${name} ${number(value)}`);
  label.append(svg("title", {}, `${name} ${within(ends)}, 95 % interval`));
  return [
    ...(Number.isFinite(low) && Number.isFinite(high) ? [svg("rect", { ...band, class: "band" })] : []),
    svg("line", { x1: x(value), x2: x(value), y1, y2, ...stroke }),
    label,
  ];
}

/** The name of a row in lines of at most 26 letters, broken at commas. */
function labelOf(rung) {
  const lines = rung.newest ? ["Your newest run"] : [];
  for (const part of rung.title.split(", ")) {
    const last = lines.at(-1);
    const joined = `${last}, ${part}`;
    if (lines.length > (rung.newest ? 1 : 0) && joined.length <= 26) lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines.slice(0, 3);
}

function names(rung, x, y, anchor) {
  const lines = labelOf(rung);
  const step = lines.length > 2 ? 13 : 16;
  const first = y + 4 - ((lines.length - 1) * step) / 2;
  return lines.map((line, i) => svg("text",
    { x, y: first + i * step, "text-anchor": anchor, class: i ? "tick" : "label" }, line));
}

function row(rung, y, x, narrow, right) {
  const { twin, own } = rung;
  const whole = `${rung.newest ? "Your newest run: " : ""}${rung.title}`;
  const labels = narrow
    ? [svg("text", { x: 8, y: y - 16, class: "label" }, whole)]
    : names(rung, right, y, "end");
  labels.forEach((label) => label.append(svg("title", {}, whole)));
  const whisker = (v, role, aside) => { // a little apart, so that both are seen where they overlap
    const stroke = { stroke: `var(--kd-${role})`, "stroke-width": 2 };
    return svg("line", { x1: x(v[1]), x2: x(v[2]), y1: y + aside, y2: y + aside, ...stroke });
  };
  const ahead = !twin || own[0] > twin[0];
  const value = (v, right, kind) => {
    const at = { x: x(v[0]) + (right ? 11 : -11), y: y + (narrow ? 19 : -9) };
    return svg("text", { ...at, "text-anchor": right ? "start" : "end", class: kind }, number(v[0]));
  };
  return [
    ...labels,
    ...(twin ? [
      svg("line", { x1: x(twin[0]), x2: x(own[0]), y1: y, y2: y, class: "gain" }),
      whisker(twin, "twin", 4),
      svg("path", { d: `M${x(twin[0])} ${y - 7}l7 7l-7 7l-7 -7z`, class: "labels" }),
      value(twin, !ahead, "value"),
    ] : []),
    whisker(own, "student", -4),
    svg("rect", { x: x(own[0]) - 6, y: y - 6, width: 12, height: 12, class: "distilled" }),
    value(own, ahead, "value strong"),
  ];
}
