// Parallel axes: one line per run, two handles per axis. Dragging only repaints; a release tells Python.

import { el, stateOf, svg, theme } from "../../../../parts/draw.js";

const [TALL, TOP, BOTTOM, SIDE, LEAST] = [250, 12, 14, 100, 118];

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({ drawn: "", brush: {} }));
  part.tell = (brush) => setStateValue("brush", { brush, at: performance.now() });
  const now = JSON.stringify([data.axes, data.lines, data.warning]);
  part.data = data;
  part.brush = structuredClone(data.brush);
  if (part.drawn !== now) {
    part.drawn = now;
    build(part, root);
    part.watch?.disconnect();
    part.watch = new ResizeObserver(() => lay(part));
    part.watch.observe(root);
  }
  handles(part);
  lay(part);
  return () => part.watch?.disconnect();
}

function build(part, root) {
  const { axes, lines } = part.data;
  part.status = el("p", { class: "muted num", role: "status" });
  part.clear = el("button", { type: "button", onclick: () => clearAll(part) }, "Clear the brush");
  part.svg = svg("svg", { role: "img", "aria-label": `${lines.length} runs on ${axes.length} axes` });
  const looks = new Map(part.data.families.map((family) => [family.key, look(family)]));
  part.paths = lines.map((line) =>
    svg("path", { class: "run", ...looks.get(line.family), fill: "none" }, svg("title", {}, line.title)),
  );
  part.spines = axes.map((axis) => spine(axis));
  part.warning = svg("text", { class: "warning" }, part.data.warning);
  part.svg.append(
    part.warning,
    ...part.spines.map((s) => s.group),
    ...part.paths,
    ...part.spines.flatMap((s) => s.ticks.map((t) => t.text)),
  );
  part.sliders = axes.map((axis) => pair(part, axis));
  part.stage = el("div", { class: "stage" }, part.svg, ...part.sliders.map((s) => s.box));
  root.replaceChildren(
    el(
      "div",
      { class: "wide", "data-picture": true, tabindex: 0, role: "group", "aria-label": "Parallel axes" },
      part.stage,
    ),
    legend(part.data.families),
    el("div", { class: "row" }, part.status, part.clear),
  );
}

function spine(axis) {
  const title = svg("text", { class: "title" }, axis.title);
  const rule = svg("line", { class: "rule" });
  const ticks = axis.ticks.map(([place, text]) => ({
    place,
    mark: svg("line", { class: "rule" }),
    text: svg("text", { class: "tick num" }, text),
  }));
  const group = svg("g", {}, rule, title, ...ticks.map((t) => t.mark));
  return { group, title, rule, ticks };
}

/** Two native sliders over one axis: they carry keyboard, focus and names for free. */
function pair(part, axis) {
  const one = (which, value) => {
    const input = el("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 1,
      value,
      class: which,
      "aria-label": `${axis.title}, ${which === "low" ? "lowest" : "highest"} kept`,
    });
    input.oninput = () => {
      const [low, high] = [Number(box.low.value), Number(box.high.value)];
      if (low > high) input.value = which === "low" ? high : low;
      part.brush[axis.key] = [Number(box.low.value), Number(box.high.value)];
      named(axis, input);
      paint(part);
    };
    input.onchange = () => part.tell(brushed(part));
    return input;
  };
  const box = { low: one("low", 0), high: one("high", 100) };
  box.box = el("div", { class: "axis" }, box.low, box.high);
  return box;
}

/** What a handle stands at: the nearest named tick, else the percent of the axis. */
function named(axis, input) {
  const at = Number(input.value) / 100;
  const near = axis.ticks.reduce(
    (best, tick) => (Math.abs(tick[0] - at) < Math.abs(best[0] - at) ? tick : best),
    axis.ticks[0] ?? [9, ""],
  );
  input.setAttribute("aria-valuetext", `${input.value} % of the axis, near ${near[1]}`);
}

function handles(part) {
  part.data.axes.forEach((axis, i) => {
    const [low, high] = part.brush[axis.key] ?? [0, 100];
    const box = part.sliders[i];
    if (part.svg.getRootNode().activeElement !== box.low) box.low.value = low;
    if (part.svg.getRootNode().activeElement !== box.high) box.high.value = high;
    named(axis, box.low);
    named(axis, box.high);
  });
}

function brushed(part) {
  const narrow = Object.entries(part.brush).filter(([, [low, high]]) => low > 0 || high < 100);
  return Object.fromEntries(narrow);
}

function clearAll(part) {
  part.brush = {};
  for (const box of part.sliders) [box.low.value, box.high.value] = [0, 100];
  paint(part);
  part.tell({});
}

/** The color and the dash of a family. */
function look({ color, dash }) {
  return { style: `--family: ${color}; --dash: ${dash}` };
}

function legend(families) {
  const items = families.map((family) =>
    el(
      "span",
      { class: "key" },
      svg("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" },
        svg("path", { class: "run", ...look(family), d: "M0 4H28" })),
      family.title,
    ),
  );
  return el("div", { class: "row legend", "data-picture": true }, ...items);
}

/** Places of axes and lines for the present width. */
function lay(part) {
  const { axes, lines } = part.data;
  const room = part.stage.parentElement.clientWidth || 600;
  const width = Math.max(room, SIDE * 2 + LEAST * (axes.length - 1));
  const step = axes.length > 1 ? (width - SIDE * 2) / (axes.length - 1) : 0;
  const x = (i) => SIDE + i * step;
  const head = 22;
  const y = (place) => head + TOP + (1 - place) * TALL;
  part.stage.style.width = `${width}px`;
  part.svg.setAttribute("viewBox", `0 0 ${width} ${head + TOP + TALL + BOTTOM + (part.data.warning ? 18 : 0)}`);
  part.svg.style.width = `${width}px`;
  set(part.warning, { x: 4, y: head + TOP + TALL + BOTTOM + 12 });
  axes.forEach((axis, i) => {
    const { title, rule, ticks } = part.spines[i];
    set(title, { x: x(i), y: 13, "text-anchor": "middle" });
    set(rule, { x1: x(i), x2: x(i), y1: y(0), y2: y(1) });
    for (const tick of ticks) {
      set(tick.mark, { x1: x(i) - 4, x2: x(i) + 4, y1: y(tick.place), y2: y(tick.place) });
      const last = i === axes.length - 1;
      set(tick.text, {
        x: x(i) + (last ? 19 : -19),
        y: y(tick.place) + 4,
        "text-anchor": last ? "start" : "end",
      });
    }
    const box = part.sliders[i].box;
    box.style.left = `${x(i) - 13}px`;
    box.style.top = `${y(1) - 9}px`;
    box.style.height = `${TALL + 18}px`;
  });
  lines.forEach((line, n) => part.paths[n].setAttribute("d", path(line.places, x, y)));
  paint(part);
}

const set = (node, values) => Object.entries(values).forEach(([k, v]) => node.setAttribute(k, v));

/** A line that stops where its run has no value and goes on behind it. */
function path(places, x, y) {
  let pen = false;
  return places
    .map((place, i) => {
      if (place < 0) {
        pen = false;
        return "";
      }
      const move = pen ? "L" : "M";
      pen = true;
      return `${move}${x(i).toFixed(1)} ${y(place).toFixed(1)}`;
    })
    .join("");
}

function inside(part, line) {
  return part.data.axes.every((axis, i) => {
    const [low, high] = part.brush[axis.key] ?? [0, 100];
    if (low <= 0 && high >= 100) return true;
    const at = line.places[i] * 100;
    return line.places[i] >= 0 && at >= low - 0.51 && at <= high + 0.51;
  });
}

function paint(part) {
  let count = 0;
  part.data.lines.forEach((line, n) => {
    const isInside = inside(part, line);
    count += isInside;
    part.paths[n].classList.toggle("out", !isInside);
    part.paths[n].classList.toggle("chosen", line.chosen);
  });
  const narrow = Object.keys(brushed(part)).length;
  part.status.textContent = narrow
    ? `${count} of ${part.data.lines.length} runs are inside the brush.`
    : "Drag a handle at the end of an axis, or use its arrow keys, to choose runs.";
  part.clear.disabled = !narrow;
}
