// What the visitor moves: the points by pointer and arrow keys, every number by a slider or typed, the
// temperature, the steps downhill. Each ends in one message, when it is let go.

import { drag, el } from "../../../../parts/draw.js";
import { softens } from "../../../../parts/losses.js";
import { clamp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { makeRail, showRail } from "../../../../parts/temperature_rail.js";
import { decimal } from "../../../../parts/words.js";
import { go, move, rest, run, settled, stop } from "./moves.js";
import { makeNumbers, showNumbers } from "./numbers.js";
import { inside, stepOf } from "./picture.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const RATES = [0.01, 10];

/** The controls of the part: buttons under the plane, the rail, the numbers. */
export function makeHands(part) {
  part.points = [];
  part.stop = () => stop(part);
  const button = (text, act) => el("button", { type: "button", onclick: act }, text);
  const hands = {
    step: button("Step", () => go(part, part.now.lsteps + 1)),
    descend: button("Descend", () => (part.frameOf ? rest(part) : run(part))),
    back: button("Undo steps", () => go(part, 0)),
    own: button("Reset student", () => {
      part.range = null;
      settled(part, { lat: [], lsteps: 0 });
    }),
    rate: numberBox({
      label: "Step size", low: RATES[0], high: RATES[1],
      step: (value, way) => Number((value * 2 ** way).toPrecision(3)),
      take: (value) => settled(part, { lrate: value }),
    }),
    which: el("span", { class: "row which", role: "group", "aria-label": "Objective that is drawn" }),
    axes: el("span", { class: "row axes" }),
    squared: el("input", { type: "checkbox" }),
  };
  for (const name of ["a", "b"]) {
    hands[name] = button(name.toUpperCase(), () => settled(part, { lob: name }));
    hands.which.append(hands[name]);
  }
  hands.squared.onchange = () => settled(part, { lsq: hands.squared.checked });
  hands.rails = makeRail("teacher", { move: (_, T) => part.change({ lt: T }), done: part.release });
  part.hands = hands;
  listen(part);
  const which = el("span", { class: "row" }, "Draw objective", hands.which);
  hands.whichRow = which;
  const rail = (hands.heat = el("div", { class: "heat" }, hands.rails.node,
    el("label", { class: "switch" }, hands.squared, "factor T², where the loss has it")));
  const rate = el("label", { class: "row rate" }, "step size", hands.rate.node);
  return {
    buttons: el("div", { class: "row buttons" },
      hands.step, hands.descend, hands.back, hands.own, rate, which, hands.axes),
    rail,
    numbers: makeNumbers(part),
  };
}

/** The numbers of a point that can be taken. */
function numbersOf(part, point) {
  return part.subject.view === "vectors" ? [2 * point, 2 * point + 1] : part.view.axes;
}

function take(part, point, event) {
  const box = part.canvas.getBoundingClientRect();
  const { place } = part;
  const [x, y] = inside(place, [event.clientX - box.left, event.clientY - box.top]);
  const [i, j] = numbersOf(part, point);
  move(part, { [i]: place.toX(x), [j]: place.toY(y) });
}

/** The pointer on the plane: the point that is drawn moves there; over it, the loss at that place is read. */
function listen(part) {
  const { canvas } = part;
  let before = null;
  drag(canvas, {
    start: ({ event }) => {
      if (!part.view || event.pointerType === "touch") return false; // a finger scrolls; it takes a point itself
      before = { lat: part.now.lat, lsteps: part.now.lsteps };
      const point = part.subject.view === "vectors" ? part.view.axes[0] / 2 : 0;
      part.dragged = point;
      take(part, point, event);
      part.points[point]?.focus({ preventScroll: true });
      return true;
    },
    move: ({ event }) => take(part, part.dragged, event),
    end: ({ event }) => (event.type === "pointercancel" ? part.change(before) : part.release()),
  });
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => read(part, offsetX, offsetY));
  canvas.addEventListener("pointerleave", () => {
    part.isRead = false;
    part.read.textContent = part.note;
  });
}

function read(part, x, y) {
  const { view, place } = part;
  if (!view?.land) return;
  const [i, j] = view.axes;
  const here = Float64Array.from(view.x);
  const [px, py] = inside(place, [x, y]);
  [here[i], here[j]] = [place.toX(px), place.toY(py)];
  part.isRead = true;
  const loss = decimal(view.objective.loss(here), 4);
  part.read.textContent = `At x = ${decimal(here[i], 2)}, y = ${decimal(here[j], 2)} the loss of `
    + `${view.shown.toUpperCase()} would be ${loss}.`;
}

/** A button over each point: it has the focus, takes the arrow keys and a finger. */
function makePoint(part, point) {
  const node = el("button", { type: "button", class: "point", "data-unpictured": true });
  drag(node, {
    start: ({ event }) => {
      choose(part, point);
      node.focus({ preventScroll: true });
      event.stopPropagation();
    },
    move: ({ event }) => take(part, point, event),
    end: () => part.release(),
  });
  node.onfocus = () => choose(part, point);
  node.onkeydown = (event) => {
    const way = WAYS[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = stepOf(part.place.span / 100) * (event.shiftKey ? 10 : 1);
    const changes = numbersOf(part, point).map((at, by) => [at, part.view.x[at] + way[by] * step]);
    move(part, Object.fromEntries(changes));
    part.later();
  };
  return node;
}

/** The landscape of vectors is that of the point in hand. */
function choose(part, point) {
  if (part.subject.view === "vectors" && part.view.axes[0] !== 2 * point) part.change({ lax: [point, point] });
}

/** Controls show the choices of now. */
export function showHands(part, view, place) {
  const { subject, now } = view;
  const { hands } = part;
  while (part.points.length > subject.points) part.points.pop().remove();
  while (part.points.length < subject.points) {
    part.points.push(makePoint(part, part.points.length));
    part.frame.append(part.points.at(-1));
  }
  part.points.forEach((node, point) => {
    const [i, j] = numbersOf(part, point);
    const [x, y] = inside(place, [place.X(view.x[i]), place.Y(view.x[j])]);
    node.style.left = `${x}px`;
    node.style.top = `${y}px`;
    const where = `${subject.names[i]} ${decimal(view.x[i], 2)}, ${subject.names[j]} ${decimal(view.x[j], 2)}`;
    node.setAttribute("aria-label", `Student: ${where}. The arrow keys move it.`);
  });
  const canStep = view.names.some((name) => view.objectives[name].drawn.length);
  for (const name of ["step", "descend"]) hands[name].disabled = !canStep;
  hands.back.disabled = !now.lsteps;
  hands.own.disabled = view.isOwn && !now.lsteps;
  hands.rate.set(now.lrate);
  hands.whichRow.hidden = view.names.length < 2;
  for (const name of ["a", "b"]) hands[name].setAttribute("aria-pressed", String(view.shown === name));
  const terms = view.names.flatMap((name) => view.objectives[name].drawn);
  hands.heat.hidden = !terms.some(({ term }) => term.follows && softens(term));
  showRail(hands.rails, now.lt, "Temperature T");
  hands.squared.checked = now.lsq;
  showAxes(part, view);
  showNumbers(part, view);
}

/** Two lists that choose what lies on the axes, where there are more than two numbers. */
function showAxes(part, { subject, axes }) {
  const { hands } = part;
  hands.axes.hidden = subject.view === "vectors" || subject.own.length < 3;
  if (hands.axes.hidden) return;
  if (hands.axesOf !== part.hash) {
    hands.axesOf = part.hash;
    hands.lists = ["x-axis", "y-axis"].map((words, by) => {
      const list = el("select", {}, ...subject.labels.map((label, at) => el("option", { value: at }, label)));
      list.onchange = () => {
        const next = [...part.view.axes];
        const at = clamp(Number(list.value), 0, subject.own.length - 1);
        if (next[1 - by] === at) next[1 - by] = next[by];
        next[by] = at;
        settled(part, { lax: next });
      };
      return { words, list };
    });
    hands.axes.replaceChildren(...hands.lists.map(({ words, list }) => el("label", { class: "row" }, words, list)));
  }
  hands.lists.forEach(({ list }, by) => (list.value = String(axes[by])));
}
