// The temperature rail: a native range on a log scale, marks that can be taken, numeric entry.

import { el, still } from "./draw.js";
import { clamp } from "./maths.js";
import { numberBox } from "./number_box.js";
import { degrees } from "./words.js";

const LOW = 0.25;
const HIGH = 20;
const STOPS = 1000; // of the native range
const TICKS = [0.25, 0.5, 1, 2, 4, 8, 20];
const OCTAVE = 8; // arrow steps per doubling

/** 0..1 along the rail. */
export function along(T) {
  return Math.log(clamp(T, LOW, HIGH) / LOW) / Math.log(HIGH / LOW);
}

/** T at a place of the rail, four digits: what the link keeps too. */
export function heat(place) {
  return tidy(LOW * (HIGH / LOW) ** clamp(place, 0, 1));
}

/** T within the rail, four digits. */
export function tidy(T) {
  return Number(clamp(T, LOW, HIGH).toPrecision(4));
}

/** The next stop of the arrow keys: an eighth of a doubling, or a doubling. */
export function stepped(T, way, far) {
  if (far) return tidy(T * 2 ** way);
  const eighths = Math.log2(T) * OCTAVE;
  const next = way > 0 ? Math.floor(eighths + 1 + 1e-6) : Math.ceil(eighths - 1 - 1e-6);
  return tidy(2 ** (next / OCTAVE));
}

/** One rail for a role ("teacher", "student"); on.move while it moves, on.done at release. */
export function makeRail(role, on) {
  const id = `rail-${role}`;
  const input = el("input", { type: "range", id, min: 0, max: STOPS, step: 1 });
  const take = (T) => {
    on.move(role, tidy(T));
    on.done();
  };
  const entry = numberBox({
    label: `Temperature of the ${role} as a number`,
    low: LOW,
    high: HIGH,
    step: (T, way) => stepped(T, way, false),
    show: degrees,
    take,
  });
  const label = el("label", { for: id });
  const marks = el("div", { class: "marks", "aria-hidden": "true" });
  const ticks = el("div", { class: "ticks num muted", "aria-hidden": "true" },
    ...TICKS.map((T) => at(el("span", {}, `${T}`), T)));
  input.oninput = () => on.move(role, heat(input.value / STOPS));
  input.onchange = () => on.done();
  const node = el("div", { class: `line ${role}` }, label,
    el("div", { class: "scale" }, marks, input, ticks), entry.node);
  return { role, node, input, entry, label, marks };
}

function at(node, T) {
  node.style.left = `calc(8px + (100% - 16px) * ${along(T).toFixed(4)})`;
  return node;
}

/** Show T; an entry that is being typed in is left alone. */
export function showRail(rail, T, words) {
  const place = Math.round(along(T) * STOPS);
  if (Number(rail.input.value) !== place) rail.input.value = place;
  rail.input.setAttribute("aria-valuetext", `T = ${degrees(T)}`);
  rail.entry.set(tidy(T));
  if (rail.label.textContent !== words) rail.label.textContent = words;
}

/** The marks on the rail, and the same as buttons that take T there. */
export function showMarks(rails, chips, marks, linked, take) {
  for (const rail of Object.values(rails)) {
    const own = marks.filter((mark) => on(mark) && (linked || mark.role === rail.role));
    rail.marks.replaceChildren(
      ...own.map((mark) => at(el("span", { class: `mark ${mark.role}` }, symbolOf(mark)), mark.T)),
    );
  }
  chips.replaceChildren(...marks.map((mark) => chip(mark, take)));
}

/** Whether the rail reaches this mark. */
function on(mark) {
  return mark.T >= LOW && mark.T <= HIGH;
}

function chip(mark, take) {
  const symbol = el("span", { class: "symbol", "aria-hidden": "true" }, symbolOf(mark));
  if (!on(mark)) {
    const words = `${mark.name}: T = ${Number(mark.T.toPrecision(3))}, outside ${LOW} to ${HIGH}`;
    return el("span", { class: `chip off ${mark.role}`, title: mark.help }, symbol, words);
  }
  const title = `${mark.name}. ${mark.help}`;
  return el(
    "button",
    { type: "button", class: `chip ${mark.role}`, title, onclick: () => take(mark) },
    symbol,
    `T = ${degrees(mark.T)} ${mark.name}`,
  );
}

function symbolOf(mark) {
  if (mark.kind === "run") return "▲";
  return mark.role === "teacher" ? "●" : "■";
}

/**
 * A sweep of T from start(): move(T) every frame, show(on) when it begins and ends, done() at its end.
 * toggle() begins or ends it; stop() ends it without a word.
 */
export function makeSweep({ start, show, move, done }) {
  let frame = 0; // 0: at rest
  let began = 0;
  let from = 0;
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  const toggle = () => {
    if (frame) {
      stop();
      show(false);
      return done();
    }
    [began, from] = [performance.now(), start()];
    show(true);
    return step();
  };
  const step = () => {
    frame = requestAnimationFrame(step);
    const T = sweep(from, (performance.now() - began) / 1000, still());
    move(T ?? from);
    if (T === null) toggle();
  };
  return { toggle, stop };
}

/** The temperature that Play shows after some seconds: up to 20, down to 0.25, back to the start. */
function sweep(start, seconds, rest) {
  if (rest) {
    const stop = Math.floor(seconds / 1.2); // no motion wanted: stand at the ticks
    return stop < TICKS.length ? TICKS[stop] : null;
  }
  const [here, speed] = [along(start), 0.28];
  const way = seconds * speed;
  if (way < 1 - here) return heat(here + way);
  if (way < 2 - here) return heat(2 - here - way);
  return way < 2 ? heat(way - (2 - here)) : null;
}
