// Per-query differences, greatest first, on canvas. A drag brushes ranks, a click opens a query.
// Hovering, moving and brushing stay in the browser; the release sends the brush once.

import { color, drag, el, fit, floats, fontOf, painter, stateOf, theme } from "../../../../parts/draw.js";
import { clamp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { integer, number, signed } from "../../../../parts/words.js";

const HEIGHT = 236;
const TOP = 30; // px of the line that names the models
const PAUSE = 250; // ms of rest after typing before the brush is sent
const CLICK = 4; // px within which a press and its release are a click
const LEFT = 34; // px of the axis
const TICKS = [1, 0.5, 0, -0.5, -1];

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = theme(parentElement);
  const strip = stateOf(parentElement, () => newStrip(root));
  const fresh = !strip.data || strip.data.hash !== data.hash;
  strip.data = data;
  if (!strip.busy) strip.brush = data.brush;
  strip.send = (brush) => setStateValue("brush", brush);
  strip.open = () => strip.at && setTriggerValue("open", strip.at);
  if (fresh) load(strip);
  showBrush(strip);
  strip.paint();
  strip.watch.observe(strip.canvas);
  return () => {
    strip.watch.disconnect();
    strip.paint.cancel();
  };
}

function newStrip(root) {
  const find = (name) => root.querySelector(name);
  const strip = {
    root,
    canvas: find("canvas"),
    under: find(".under"),
    at: 0,
    hands: { at: find(".at") },
    ends: {},
    timer: 0,
  };
  strip.paint = painter(() => draw(strip));
  strip.canvas.redraw = () => draw(strip);
  strip.watch = new ResizeObserver(() => strip.paint());
  find(".open").onclick = () => strip.open();
  find(".clear").onclick = () => release(strip, []);
  strip.hands.at.oninput = () => point(strip, Number(strip.hands.at.value));
  strip.hands.at.onkeydown = (event) => {
    if (event.key === "Enter") strip.open();
  };
  for (const [name, words] of [["from", "from rank"], ["to", "to"]]) {
    const step = (rank, way) => rank + way;
    strip.ends[name] = numberBox({ label: words, low: 1, high: 1, step, take: () => typed(strip) });
    find(".ends").append(el("label", {}, words, strip.ends[name].node));
  }
  strip.canvas.onpointermove = (event) => point(strip, rankAt(strip, event.offsetX));
  follow(strip);
  return strip;
}

/** What only a new set of differences changes: counts, bounds, names. */
function load(strip) {
  const { data, hands } = strip;
  strip.deltas = floats(data.deltas);
  const n = strip.deltas.length;
  const better = strip.deltas.filter((d) => d > 0).length;
  const worse = strip.deltas.filter((d) => d < 0).length;
  strip.counts = { better, worse, equal: n - better - worse };
  hands.at.max = Math.max(n, 1);
  for (const end of Object.values(strip.ends)) end.bound(1, Math.max(n, 1));
  strip.canvas.setAttribute("aria-label", data.sentence);
  point(strip, clamp(strip.at || 1, 1, Math.max(n, 1)));
}

/** Brush by drag, open by click. */
function follow(strip) {
  let from = null;
  let isDrag = false;
  const hover = strip.canvas.onpointermove;
  drag(strip.canvas, {
    start: ({ x }) => {
      from = x;
      isDrag = false;
      strip.busy = true; // an answer that comes now is older than the hand
    },
    move: ({ x }) => {
      isDrag ||= Math.abs(x - from) > CLICK;
      if (!isDrag) return;
      const ends = [rankAt(strip, from), rankAt(strip, x)].sort((a, b) => a - b);
      strip.brush = ends;
      showBrush(strip);
      strip.paint();
    },
    end: ({ x, event }) => {
      strip.canvas.onpointermove = hover;
      strip.busy = false;
      if (isDrag) release(strip, strip.brush);
      else if (event.type === "pointerup") {
        point(strip, rankAt(strip, x));
        strip.open();
      }
    },
  });
}

function release(strip, brush) {
  clearTimeout(strip.timer);
  strip.busy = false;
  strip.brush = brush;
  showBrush(strip);
  strip.paint();
  if (String(brush) !== String(strip.data.brush)) strip.send(brush);
}

/** Typed or stepped ranks: shown at once, sent after a rest. */
function typed(strip) {
  const ends = [strip.ends.from.value, strip.ends.to.value].map(Math.round).sort((a, b) => a - b);
  strip.brush = ends;
  strip.busy = true;
  strip.paint();
  clearTimeout(strip.timer);
  strip.timer = setTimeout(() => release(strip, ends), PAUSE);
}

function showBrush(strip) {
  const n = strip.deltas.length;
  const [from, to] = strip.brush.length ? strip.brush : [1, n];
  strip.ends.from.set(clamp(from, 1, n));
  strip.ends.to.set(clamp(to, 1, n));
}

function rankAt(strip, x) {
  const width = strip.canvas.clientWidth - LEFT;
  return clamp(Math.floor(((x - LEFT) / width) * strip.deltas.length) + 1, 1, strip.deltas.length);
}

/** The query under the hand: said under the strip, marked on it. */
function point(strip, rank) {
  const { data } = strip;
  strip.at = strip.deltas.length ? rank : 0;
  if (!strip.at) return;
  strip.hands.at.value = rank;
  const i = rank - 1;
  const values = `A ${number(data.valuesA[i])}, B ${number(data.valuesB[i])}`;
  const text = `${integer(rank)}. “${data.queries[i]}”: ${values}, A − B ${signed(strip.deltas[i])}`;
  strip.under.textContent = text;
  strip.hands.at.setAttribute("aria-valuetext", text);
  strip.paint();
}

function draw(strip) {
  const [context, width] = fit(strip.canvas, HEIGHT);
  const y = (value) => TOP + ((1 - value) / 2) * (HEIGHT - TOP - 8); // fixed: nDCG differs by 1 at most
  context.clearRect(0, 0, width, HEIGHT);
  context.font = fontOf(strip.root, 12);
  if (strip.deltas.length) names(context, strip, width);
  axis(context, strip, width, y);
  bars(context, strip, width, y);
  mean(context, strip, width, y);
  marks(context, strip, width);
}

/** In how many queries each model is better, in the picture itself so that a saved one says it too. */
function names(context, strip, width) {
  const { data, counts } = strip;
  const roomy = width >= 720;
  const nameOf = (side) => (roomy ? `: ${data[side].name}` : "");
  const text = (side, count) => `${side.toUpperCase()} better in ${integer(count)}${nameOf(side)}`;
  const ink = color(strip.root, "text");
  context.textBaseline = "middle";
  context.fillStyle = color(strip.root, data.a.role);
  context.fillRect(LEFT, 4, 12, 12);
  context.fillStyle = ink;
  context.textAlign = "left";
  context.fillText(text("a", counts.better), LEFT + 18, 11);
  context.textAlign = "right";
  const last = text("b", counts.worse);
  context.fillText(last, width - 2, 11);
  const at = width - context.measureText(last).width - 20;
  context.fillStyle = color(strip.root, data.b.role);
  for (let line = 0; line < 12; line += 4) context.fillRect(at, 4 + line, 12, 2.6);
  context.fillStyle = color(strip.root, "muted");
  context.textAlign = "center";
  if (width >= 480) context.fillText(`equal in ${integer(counts.equal)}`, width / 2, 11);
}

function axis(context, strip, width, y) {
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of TICKS) {
    context.fillStyle = color(strip.root, tick ? "grid" : "text");
    context.fillRect(LEFT, Math.round(y(tick)), width - LEFT, 1);
    context.fillStyle = color(strip.root, "text");
    context.fillText(tick > 0 ? `+${tick}` : String(tick).replace("-", "−"), LEFT - 5, y(tick));
  }
}

/** One bar per query, or per pixel where there are more queries than pixels. */
function bars(context, strip, width, y) {
  const { deltas } = strip;
  const room = width - LEFT;
  const columns = Math.min(deltas.length, Math.floor(room));
  const step = room / Math.max(columns, 1);
  const [a, b] = [color(strip.root, strip.data.a.role), color(strip.root, strip.data.b.role)];
  const zero = y(0);
  for (let column = 0; column < columns; column++) {
    const value = deltas[Math.floor(((column + 0.5) / columns) * deltas.length)];
    context.fillStyle = value > 0 ? a : b;
    const x = LEFT + column * step;
    const wide = step >= 3 ? step - 1 : step;
    if (value > 0) context.fillRect(x, y(value), wide, zero - y(value));
    else if (value < 0) hatched(context, x, zero, wide, y(value) - zero, column, step);
  }
}

/** B's bars have gaps: every third column of thin ones, cuts across broad ones. */
function hatched(context, x, top, width, height, column, step) {
  if (step < 3) {
    if (column % 3) context.fillRect(x, top, width, height);
    return;
  }
  for (let at = 0; at < height; at += 5) context.fillRect(x, top + at, width, Math.min(3.5, height - at));
}

function mean(context, strip, width, y) {
  const { mean: value, low, high } = strip.data;
  if (!Number.isFinite(value)) return;
  const ink = color(strip.root, "text");
  if (Number.isFinite(low) && Number.isFinite(high)) {
    context.globalAlpha = 0.2;
    context.fillStyle = ink;
    context.fillRect(LEFT, y(high), width - LEFT, Math.max(y(low) - y(high), 1));
    context.globalAlpha = 1;
  }
  context.strokeStyle = ink;
  context.setLineDash([6, 4]);
  context.beginPath();
  context.moveTo(LEFT, y(value));
  context.lineTo(width, y(value));
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = ink;
  context.textAlign = "right";
  context.fillText(`mean ${signed(value)}`, width - 4, y(value) - 12);
}

function marks(context, strip, width) {
  const n = strip.deltas.length;
  const x = (rank) => LEFT + (rank / n) * (width - LEFT);
  const ink = color(strip.root, "text");
  if (strip.brush.length && n) {
    const [from, to] = [x(strip.brush[0] - 1), x(Math.min(strip.brush[1], n))];
    context.globalAlpha = 0.1;
    context.fillStyle = ink;
    context.fillRect(from, TOP - 8, to - from, HEIGHT - TOP + 8);
    context.globalAlpha = 1;
    context.strokeStyle = ink;
    context.strokeRect(from + 0.5, TOP - 7.5, Math.max(to - from - 1, 1), HEIGHT - TOP + 7);
  }
  if (strip.at) {
    context.fillStyle = ink;
    context.fillRect(x(strip.at - 0.5) - 0.75, TOP - 8, 1.5, HEIGHT - TOP + 8);
  }
}
