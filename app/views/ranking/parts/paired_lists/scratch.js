// The visitor's own order: reordered by drag or Alt + arrows, scored at once, sent at release.

import { el, painter } from "../../../../parts/draw.js";
import { clamp, ndcg, ndcgRandom, ndcgWorst } from "../../../../parts/maths.js";
import { number } from "../../../../parts/words.js";
import { rested, ROW } from "./marks.js";

/**
 * nDCG@k of an order over its labelled ads, as kdcore.metrics.ranking; unlabelled ones are left out.
 * worth: of each grade. ranks: one number per ad where a model made the order, equal ones averaged;
 * else the order counts.
 */
export function orderNdcg(grades, worth, order, k, ranks = null) {
  const labelled = order.filter((ad) => grades[ad] >= 0);
  const gains = labelled.map((ad) => worth[grades[ad]]);
  const scores = labelled.map((ad, place) => (ranks ? ranks[ad] : -place));
  return {
    value: ndcg(gains, scores, k),
    random: ndcgRandom(gains, k),
    worst: ndcgWorst(gains, k),
  };
}

const SHORT = { exp2: "2^g−1", linear: "g", own: "own" };

/** A column's nDCG in each kind of gain, and a bar with the random line. */
export function scores(view, column) {
  const grades = view.data.ads.map((ad) => ad.grade);
  const { k, gain, gains } = view.data;
  const { order, ranks } = column;
  const each = Object.entries(gains).map(([kind, worth]) => [kind, orderNdcg(grades, worth, order, k, ranks)]);
  const main = Object.fromEntries(each)[gain];
  column.ndcg = main.value;
  const one = each.length === 2 && view.data.grades.length === 2; // both agree on two grades
  const values = each.map(([kind, { value }]) => `${SHORT[kind]}: ${number(value)}`).join(" · ");
  const text = one ? `nDCG@${k} ${number(main.value)}` : `nDCG@${k}  ${values}`;
  column.score.textContent = Number.isFinite(main.value) ? text : "nDCG: no labelled ad has any gain";
  scoreBar(column, main);
}

function scoreBar(column, { value, random, worst }) {
  const isDefined = Number.isFinite(value);
  const text = isDefined
    ? `nDCG ${number(value)}; random order ${number(random)}; worst ${number(worst)}`
    : "not defined";
  column.bar.setAttribute("aria-label", text);
  const part = (kind, share, side) => {
    const node = el("i", { class: kind });
    node.style[side] = `${100 * share}%`;
    return node;
  };
  const marks = isDefined
    ? [part(`fill ${column.role}`, value, "width"), part("random", random, "left"), part("worst", worst, "left")]
    : [];
  column.bar.title = text;
  column.bar.replaceChildren(...marks);
}

export function sendOrder(view) {
  view.echo.waiting = true;
  view.sendLater ??= rested(() => {
    const { order } = view.columns.at(-1);
    view.echo.waiting = false;
    view.echo.sent.push(order.join());
    view.send("scratch", { query: view.data.queryId, order });
  }, 350);
  view.sendLater();
}

/** The order with an ad at another place. */
function withMove(order, ad, to) {
  const rest = order.filter((other) => other !== ad);
  rest.splice(clamp(to, 0, rest.length), 0, ad);
  return rest;
}

export function moveBy(view, ad, by) {
  const own = view.columns.at(-1);
  const here = own.order.indexOf(ad);
  const to = clamp(here + by, 0, own.order.length - 1);
  if (to === here) return;
  view.setOrder(withMove(own.order, ad, to));
  tellMove(view, ad);
  sendOrder(view);
}

function tellMove(view, ad) {
  const own = view.columns.at(-1);
  const name = view.data.ads[ad].title || "the ad";
  view.say(`${name}: place ${own.order.indexOf(ad) + 1}. nDCG at ${view.data.k}: ${number(own.ndcg)}`);
}

/** A mouse drags the row anywhere, a finger by its grip, so that touch still scrolls the page. */
export function grip(view, item, cell, ad) {
  const handle = el("span", { class: "grip", "aria-hidden": "true" }, "⠿");
  cell.prepend(handle);
  cell.title = "Drag, or Alt + ↑ ↓, to reorder";
  cell.onpointerdown = (event) => {
    if (event.button !== 0 || (event.pointerType === "touch" && event.target !== handle)) return;
    const own = view.columns.at(-1);
    const began = { y: event.clientY, place: own.order.indexOf(ad), order: own.order.join() };
    view.dragged = false;
    cell.focus({ preventScroll: true }); // a focused row is not moved in the DOM while it is held
    cell.setPointerCapture(event.pointerId);
    cell.onpointermove = (now) => follow(view, item, ad, began, now.clientY - began.y);
    cell.onpointerup = cell.onpointercancel = () => drop(view, item, cell, ad, began);
  };
}

function follow(view, item, ad, began, shift) {
  if (!view.dragged && Math.abs(shift) < 5) return;
  view.dragged = true;
  view.shift = shift;
  item.classList.add("held");
  view.dragPaint ??= painter(() => {
    const { own, ad: dragged, from, node } = view.drag;
    const to = clamp(from + Math.round(view.shift / ROW), 0, own.order.length - 1);
    if (own.order.indexOf(dragged) !== to) view.setOrder(withMove(own.order, dragged, to));
    node.style.transform = `translateY(${from * ROW + view.shift}px)`;
  });
  view.drag = { own: view.columns.at(-1), ad, from: began.place, node: item };
  view.dragPaint();
}

function drop(view, item, cell, ad, began) {
  cell.onpointermove = cell.onpointerup = cell.onpointercancel = null;
  item.classList.remove("held");
  if (!view.dragged) return;
  view.dragPaint.cancel();
  const own = view.columns.at(-1);
  const to = clamp(began.place + Math.round(view.shift / ROW), 0, own.order.length - 1);
  view.setOrder(withMove(own.order, ad, to));
  if (own.order.join() !== began.order) {
    tellMove(view, ad);
    sendOrder(view);
  }
  setTimeout(() => (view.dragged = false)); // the click that follows is no pick
}
