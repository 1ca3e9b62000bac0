// Two maps of the same points side by side: one camera, the point in hand in both, neighbors, lasso, moments.
// Everything moves here; Python hears once, when a gesture ends.

import { colorsOf, el, fit, fontOf, low, painter, speaker, stateOf, theme } from "../draw.js";
import { decimal, integer } from "../words.js";
import { layout, placeOf, WHOLE } from "./camera.js";
import { makePinned, makeTip, showPinned, showTip } from "./card.js";
import { ACTS, adopt } from "./choices.js";
import { SHOWN } from "./cloud.js";
import { colorsBy, paintsOf, valueOf, wordsOf } from "./colors.js";
import { makeRanges, makeTime, makeTools, showRanges, showTime } from "./fields.js";
import { dress, gridOf } from "./grid.js";
import { catchPoints, listen } from "./hands.js";
import { makeLayer, paintLayer } from "./layers.js";
import { makeLegend, showLegend, showMarks } from "./legend.js";
import { drawHead, drawLasso, drawLink, drawMarks, headOf, spot } from "./marks.js";
import { decoded, flags, FULL, NO_CLASS, placesAt, rowOfId } from "./points.js";
import { noteOf, sentenceOf, tallyOf } from "./tale.js";

const EXPORT_DOTS = 3; // per px of a saved picture
const LOW = 340; // px of a map in a low window
const HELP = "Arrow keys move the map, plus and minus zoom, 0 shows all. Shift and an arrow go from point to point, "
  + "Enter pins the point, Delete clears the selection.";

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.setStateValue = setStateValue;
  part.data = data;
  part.paints = null; // the theme may be another
  part.leave ??= attend(part);
  receive(part);
  return part.leave;
}

/** Follow the arrays of the page and the width of the maps, until the returned function is called. */
function attend(part) {
  const stop = new AbortController();
  window.addEventListener("kd:arrays", () => receive(part), { signal: stop.signal });
  const watcher = new ResizeObserver(part.redraw);
  watcher.observe(part.frame);
  return () => {
    stop.abort();
    watcher.disconnect();
    part.stopPlayer();
    clearTimeout(part.timer);
    part.ask.cancel();
    part.leave = null;
  };
}

/** The part's state, the same for all its calls. Rows are in drawing order; see points.js. */
function build(root) {
  const part = {
    root, ...ACTS, n: -1, tool: "pan", hover: -1, pinned: -1, pointer: null, selected: null, hidden: new Set(),
    camera: WHOLE, moment: 0, range: null, hits: [], line: null, layers: [makeLayer(), makeLayer()],
    grids: [], looks: [],
  };
  part.ask = painter(() => paint(part));
  part.redraw = () => {
    part.isStale = true;
    part.ask();
  };
  part.gridOf = (side) => pickGrid(part, side);
  part.canvas = el("canvas", {
    tabindex: 0, role: "application", "aria-roledescription": "map", "aria-describedby": "map-help",
  });
  part.canvas.redraw = () => {
    [part.paints, part.isStale] = [null, true];
    paint(part);
  };
  part.tip = makeTip();
  part.frame = el("div", { class: "frame", "data-picture": true }, part.canvas, part.tip.node);
  part.legend = makeLegend((name) => part.press(name));
  part.sentence = el("p", { class: "sentence num", "data-sentence": true });
  const spoken = el("p", { class: "sr", role: "status" });
  part.say = speaker(spoken);
  part.card = makePinned({
    point: (id) => part.points && part.point(rowOfId(part.points, id)),
    pin: (id) => pinById(part, id),
    unpin: () => part.pin(-1),
  });
  const help = el("p", { class: "sr", id: "map-help" }, HELP);
  root.replaceChildren(makeTools(part), part.frame, part.legend.node, makeTime(part), part.sentence,
    makeRanges(part), part.card.node, help, spoken);
  listen(part);
  return part;
}

function pinById(part, id) {
  const row = rowOfId(part.points, id);
  if (row < 0) return;
  part.show(row);
  part.pin(row);
}

/** Take what Python sent: points and colors when they are on the page, then its choices. */
function receive(part) {
  const { data } = part;
  const store = window.kdArrays;
  const table = store?.get(data.points);
  if (!table) return;
  const columnOf = (of) => (name) => of?.getChild(name)?.toArray() ?? null;
  if (part.key !== data.points) {
    part.key = data.points;
    part.points = decoded(data.n, columnOf(table), data.sides);
    part.buffers = data.sides.map(() => ({ x: new Uint16Array(data.n), y: new Uint16Array(data.n) }));
    part.at = part.points.moments.map(([first]) => first);
    part.shown = 0;
    part.levels = new Uint8Array(data.n);
    Object.assign(part, { busy: false, hover: -1, colorKey: null });
    part.selectedBits = part.dimmedBits = part.markedBits = null;
  }
  receiveColors(part, columnOf(store.get(data.color?.key))("value"));
  if (part.dimmedBits !== data.dimmed) {
    [part.dimmedBits, part.dimmed] = [data.dimmed, flags(data.dimmed, part.points)];
  }
  if (part.markedBits !== data.marked) {
    const found = flags(data.marked, part.points);
    part.markedBits = data.marked;
    part.hits = found ? part.points.order.reduce((rows, _, row) => (found[row] && rows.push(row), rows), []) : [];
  }
  adopt(part);
  part.redraw();
}

function receiveColors(part, column) {
  const key = column ? part.data.color.key : "";
  if (part.colorKey === key) return;
  part.colorKey = key;
  part.colors = colorsBy(part.data.color, column, part.points.order);
  part.paints = null;
  showRanges({ ...part, range: part.data.range.length ? part.data.range : null });
}

/** How each point is seen now. */
function levelsInto(part) {
  const { levels, colors, hidden, dimmed, selected, range, points } = part;
  const off = new Uint8Array(256);
  colors.names.forEach((name, code) => (off[code] = hidden.has(name) ? 1 : 0));
  off[NO_CLASS] = hidden.has("none") ? 1 : 0;
  const limited = colors.kind === "number" && range;
  for (let row = 0; row < points.n; row++) {
    const value = limited ? valueOf(colors, row) : 0;
    if (off[colors.codes[row]]) levels[row] = 0;
    else if (dimmed?.[row] || (limited && !(value >= range[0] && value <= range[1]))) levels[row] = 1;
    else levels[row] = selected && !selected[row] ? 2 : SHOWN;
  }
}

function pickGrid(part, side) {
  const grid = part.grids[side];
  if (grid?.key === part.key && grid.moment === part.shown) return grid.cells;
  part.grids[side] = { key: part.key, moment: part.shown, cells: gridOf(part.at[side]) };
  return part.grids[side].cells;
}

/** The grid with how its points are seen now. */
function dressed(part, side) {
  const grid = part.gridOf(side);
  if (grid.looks !== part.looks) dress(grid, part.levels, part.colors.codes);
  grid.looks = part.looks;
  return grid;
}

/** Whether more than the camera has changed since this was asked last. */
function isChanged(part) {
  const { key, colors, dimmed, selected, hidden, range, moment } = part;
  const looks = [key, colors, dimmed, selected, [...hidden].join("|"), String(range), moment];
  const isNew = looks.some((look, at) => look !== part.looks[at]);
  if (isNew) part.looks = looks;
  return isNew;
}

function paint(part) {
  const { data, points } = part;
  if (!points) return;
  part.paints ??= paintsOf(part.colors, part.root);
  const font = fontOf(part.root, 13);
  const tall = low() ? Math.min(data.height, LOW) : data.height;
  const of = [part.frame.clientWidth, data.sides.length, tall];
  const head = headOf(part.canvas.getContext("2d"), data.notes.flat(), layout(...of, 0).panes[0].w, font);
  const { panes, height } = layout(...of, head);
  const [context, width] = fit(part.canvas, height);
  part.places = panes.map((pane) => placeOf(pane, part.camera));
  if (part.isStale) repaint(part);
  const colors = colorsOf(part.root);
  context.clearRect(0, 0, width, height);
  const neighbors = neighborsOf(part);
  for (const place of part.places) {
    const { side, left, top, w, h } = place;
    context.imageSmoothingEnabled = false;
    context.drawImage(part.layers[side].canvas, left, top, w, h);
    const ink = colors[data.roles[side]];
    drawHead(context, place, [data.titles[side], noteOf(part, side)], { ink, colors, font, head });
    drawMarks(context, place, part.at[side], { ...part, neighbors, roles: data.roles, colors });
  }
  showMarks(part.legend, { ...part, neighbors, titles: data.titles });
  if (part.hover >= 0 && part.places.length === 2) link(part, context, colors);
  if (part.line) {
    catchPoints(part);
    drawLasso(context, part.line, colors);
  }
  words(part, width);
  part.canvas.dataset.frame = String(Number(part.canvas.dataset.frame ?? 0) + 1);
}

/** The clouds anew; before, if more than the camera has changed, how and where the points are seen. */
function repaint(part) {
  const { data, points, colors, paints } = part;
  if (isChanged(part)) {
    levelsInto(part);
    part.at = points.moments.map((moments, side) => placesAt(moments, part.moment, part.buffers[side]));
    part.shown = part.moment; // which moment `at` is of
    part.tally = tallyOf(part);
  }
  const dots = part.canvas.vector ? EXPORT_DOTS : window.devicePixelRatio || 1;
  const { levels, tally } = part;
  for (const place of part.places) {
    const isNumber = colors.kind === "number";
    const { drawn, full } = tally;
    const hasPale = drawn > full;
    const kind = { isNumber, isDensity: colors.kind === "none" };
    const grid = part.camera.zoom > 1 ? dressed(part, place.side) : null;
    const cloud = { at: part.at[place.side], grid, levels, codes: colors.codes, drawn, hasPale, ...kind, paints };
    paintLayer(part.layers[place.side], place, part.camera.zoom, cloud, dots);
  }
  const most = Math.max(...part.places.map(({ side }) => part.layers[side].most));
  const key = `${part.colorKey} ${part.root.hasAttribute("data-dark")}`;
  showLegend(part.legend, { colors, paints, key, counts: part.tally.all, hidden: part.hidden, most, unit: data.unit });
  part.isStale = Boolean(part.canvas.vector); // the screen's picture comes next
}

/** [row, 1 left | 2 right] of the neighbors of the pinned point. */
function neighborsOf({ data, points, pinned }) {
  if (pinned < 0 || data.neighbors?.id !== points.ids[pinned]) return [];
  const sides = new Map();
  for (const [side, bit] of [["left", 1], ["right", 2]]) {
    for (const { id } of data.neighbors[side]) sides.set(id, (sides.get(id) ?? 0) | bit);
  }
  return [...sides].map(([id, bits]) => [rowOfId(points, id), bits]).filter(([row]) => row >= 0);
}

/** The line joins the places of the point in hand where both are in sight. */
function link({ places, at, hover }, context, colors) {
  const ends = places.map((place, side) => spot(place, at[side], hover));
  const isIn = ({ left, top, w, h }, [x, y]) => x >= left && x <= left + w && y >= top && y <= top + h;
  if (places.every((place, side) => isIn(place, ends[side]))) drawLink(context, ends, colors);
}

/** {title, text, facts} of a row, as far as the page knows them. */
function about(part, row) {
  if (row < 0) return null;
  const { data, points, colors } = part;
  const id = points.ids[row];
  const facts = colors.kind === "none" ? "" : `${colors.title}: ${wordsOf(colors, row)}`;
  if (data.neighbors?.id === id) {
    const more = data.neighbors.facts.map((fact) => fact.join(" "));
    const { title, text } = data.neighbors;
    const isThere = data.neighbors.facts.some(([name]) => name === colors.title);
    return { title, text, facts: [isThere ? "" : facts, ...more].filter(Boolean).join(" · ") };
  }
  const texts = window.kdArrays.get(data.texts);
  const of = (name) => texts?.getChild(name)?.get(points.order[row]) ?? "";
  const name = data.unit === "pairs" ? `Pair ${integer(id + 1)}` : integer(id); // as on every page
  return { title: of("title") || name, text: texts ? of("text") : "Click to read it.", facts };
}

/** The places of a row in map units, for a selection by typed numbers. */
function whereOf({ data, at }, row) {
  const [x, y, side] = data.box;
  const unit = (wire, start) => decimal(start + (wire / FULL) * side, 2);
  const places = at.map((place) => `${unit(place.x[row], x)}, ${unit(place.y[row], y)}`);
  return `x, y: ${places.join(" and ")}`;
}

/** Everything in words beside the picture. */
function words(part, width) {
  const { data, points, canvas, pinned } = part;
  const pinnedId = pinned < 0 ? -1 : points.ids[pinned];
  const tip = part.hover >= 0 && !part.line ? about(part, part.hover) : null;
  if (tip && part.ranges.node.open) tip.facts = [tip.facts, whereOf(part, part.hover)].filter(Boolean).join(" · ");
  const place = tip ? part.pointer ?? spot(part.places[0], part.at[0], part.hover) : [0, 0];
  showTip(part.tip, tip, place, width);
  showPinned(part.card, about(part, pinned), data.neighbors?.id === pinnedId ? data.neighbors : null, data);
  for (const [name, button] of Object.entries(part.tools)) {
    button.setAttribute("aria-pressed", String(part.tool === name));
  }
  canvas.style.touchAction = part.tool === "pan" && part.camera.zoom === 1 ? "pan-y" : "none";
  canvas.style.cursor = part.tool === "lasso" ? "crosshair" : part.hover >= 0 ? "pointer" : "grab";
  part.clearButton.disabled = !part.selected;
  showTime(part);
  const sentence = part.line ? `${integer(part.caughtCount)} ${data.unit} in the lasso.` : sentenceOf(part);
  if (part.sentence.textContent !== sentence) part.sentence.textContent = sentence;
  canvas.setAttribute("aria-label", `Map of ${data.titles.join(" and ")}. ${sentence}`);
  const inHand = tip ? `${tip.title}. ${tip.text}. ${tip.facts}. ` : "";
  const spoken = inHand || sentence;
  if (part.spoken !== spoken) part.say((part.spoken = spoken));
}
