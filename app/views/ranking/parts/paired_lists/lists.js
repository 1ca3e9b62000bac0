// One query, one column per order: teacher, student, ideal by label, truth, and the visitor's own.
// Lines between neighboring orders show which ads moved: up solid with ▲, down dashed with ▼, unmoved dotted.

import { el, speaker, svg } from "../../../../parts/draw.js";
import { argmax, clamp, rankOrder } from "../../../../parts/maths.js";
import { number } from "../../../../parts/words.js";
import {
  badge, chip, isNews, moveKind, moveText, newEcho, places, rested, ROW, settle, slide,
} from "./marks.js";
import { drawPicture } from "./picture.js";
import { grip, moveBy, scores, sendOrder } from "./scratch.js";

const GUTTER = 56;
const ART = 40; // the saved picture is drawn apart: a shape this narrow is left out of it

/** Show the lists of data; they are built anew only for another query. */
export function drawLists(view, data) {
  const same = view.data && view.data.stamp === data.stamp;
  view.data = data;
  view.k = Math.min(data.k, data.ads.length);
  if (!same || !view.columns) {
    view.columns = columnsOf(data);
    view.lit = null;
    view.echo = newEcho();
    build(view);
  }
  const own = view.columns.at(-1);
  if (isNews(view.echo, data.scratch.join())) own.order = data.scratch.slice();
  arrange(view);
  light(view, view.lit ?? opening(view));
}

/** The orders from left to right: models, ideal by label, truth where it is known, and the visitor's own. */
function columnsOf(data) {
  const turns = data.ads.map((ad) => ad.turn);
  const columns = data.columns.map((column) => ({ ...column, order: rankOrder(column.ranks, turns) }));
  const at = columns.findIndex((column) => column.role === "truth");
  const nearest = (at < 0 ? columns : columns.slice(0, at)).at(-1);
  const beside = places(nearest.order); // equal labels keep the order to the left: no idle moves
  const ideal = rankOrder(data.ads.map((ad, index) => ad.grade - beside[index] / (data.ads.length + 1)));
  const note = "best label first, then as to the left";
  const label = { role: "ideal", name: "Ideal by label", order: ideal, scores: null, note };
  columns.splice(at < 0 ? columns.length : at, 0, label);
  return [...columns, { role: "yours", name: "Your order", order: data.scratch.slice(), scores: null }];
}

/** The untouched page tells a story: the picked ad, else the one that student and teacher move most. */
function opening(view) {
  const { ads, pair } = view.data;
  const picked = ads.findIndex((ad) => ad.row === pair);
  if (picked >= 0) return picked;
  const [a, b] = view.columns;
  const distances = ads.map((_, ad) => Math.abs(a.order.indexOf(ad) - b.order.indexOf(ad)));
  return argmax(distances);
}

function build(view) {
  const { columns, root, data } = view;
  const count = columns.length;
  view.about = el("div", { class: "about" });
  view.say = speaker((view.status = el("div", { class: "sr", role: "status" })));
  const grid = el("div", { class: "grid" });
  grid.style.gridTemplateColumns = Array.from({ length: count }, () => "minmax(0, 1fr)").join(` ${GUTTER}px `);
  grid.style.minWidth = `${count * 150 + (count - 1) * GUTTER}px`;
  columns.forEach((column, at) => grid.append(place(head(view, column, at), 1, at)));
  columns.forEach((column, at) => grid.append(place(body(view, column, at), 2, at)));
  view.gutters = columns.slice(1).map((_, at) => {
    const art = svg("svg", { class: "moves", width: ART, height: data.ads.length * ROW, "aria-hidden": "true" });
    art.style.gridArea = `2 / ${2 * at + 2}`;
    grid.append(art);
    return art;
  });
  const name = "The query's ads, one column per order";
  const scroller = el("div", { class: "scroller", role: "region", tabindex: 0, "aria-label": name }, grid);
  view.picture = svg("svg", { class: "picture", "data-picture": true, "aria-hidden": "true" });
  root.replaceChildren(view.about, scroller, legend(view), view.status, view.picture);
  view.redraw = rested(() => drawPicture(view), 300);
  // called while an ad of the visitor's order is moved
  view.setOrder = (order) => {
    view.columns.at(-1).order = order;
    arrange(view);
    light(view, view.lit);
  };
}

function place(node, row, at) {
  node.style.gridArea = `${row} / ${2 * at + 1}`;
  return node;
}

function head(view, column, at) {
  column.id = `column-${at}`;
  column.score = el("div", { class: "score num" });
  column.bar = el("div", { class: "bar", role: "img" });
  const title = el("div", { class: "title", id: column.id }, badge(column.role), column.name);
  const node = el("div", { class: `head ${column.role}` }, title, column.score, column.bar);
  if (column.role === "yours") title.append(starts(view));
  else node.title = column.note;
  return node;
}

function starts(view) {
  const pick = el("select", { "aria-label": "Start your order from" });
  pick.append(el("option", { value: "" }, "start from…"));
  view.columns.slice(0, -1).forEach((column, at) => pick.append(el("option", { value: at }, column.name)));
  pick.onchange = () => {
    if (pick.value === "") return;
    view.setOrder(view.columns[Number(pick.value)].order.slice());
    pick.value = "";
    sendOrder(view);
  };
  return pick;
}

function body(view, column, at) {
  const list = el("ol", { class: `list ${column.role}`, "aria-labelledby": column.id });
  list.style.height = `${view.data.ads.length * ROW}px`;
  list.onfocusout = () => setTimeout(() => order(column)); // rows wait for the focus to leave
  column.cut = el("li", { class: "cut", "aria-hidden": "true" });
  column.list = list;
  column.rows = view.data.ads.map((ad, index) => row(view, column, at, ad, index));
  column.cells = column.rows.map((item) => item.querySelector(".cell"));
  return list;
}

function row(view, column, at, ad, index) {
  const score = column.scores ? el("span", { class: "num muted" }, number(column.scores[index], 2)) : null;
  const line = el("span", { class: "line" }, chip(ad.grade, view.data.grades), score);
  const cell = el("button", { type: "button", class: "cell", tabindex: -1 });
  const name = el("span", { class: "name" }, ad.title || "(no title)");
  cell.append(el("span", { class: "place num" }), el("span", { class: "text" }, name, line));
  cell.classList.toggle("bare", ad.grade < 0);
  cell.onmouseenter = cell.onfocus = () => light(view, index);
  cell.onclick = () => pick(view, index);
  cell.onkeydown = (event) => step(view, at, index, event);
  const item = el("li", { class: "item" }, cell);
  if (column.role === "yours") grip(view, item, cell, index);
  return item;
}

function pick(view, index) {
  if (view.dragged) return;
  light(view, index);
  view.send("pair", { row: view.data.ads[index].row });
}

/** Arrows walk down a column and across to the same ad; Alt with them moves it in your order. */
function step(view, at, index, event) {
  const column = view.columns[at];
  const here = column.order.indexOf(index);
  const moves = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: column.order.length - 1 };
  if (event.altKey && column.role === "yours" && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    moveBy(view, index, event.key === "ArrowUp" ? -1 : 1);
  } else if (event.altKey || event.ctrlKey || event.metaKey) {
    return;
  } else if (event.key in moves) {
    const next = column.order[clamp(moves[event.key], 0, column.order.length - 1)];
    focusCell(view, at, next);
  } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    focusCell(view, clamp(at + (event.key === "ArrowLeft" ? -1 : 1), 0, view.columns.length - 1), index);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function focusCell(view, at, index) {
  view.columns[at].cells[index].focus({ preventScroll: false });
}

/** Everything that follows the orders: places of rows, lines, scores. */
function arrange(view) {
  for (const column of view.columns) {
    column.order.forEach((ad, at) => {
      slide(column.rows[ad], at, ROW);
      column.rows[ad].querySelector(".place").textContent = at + 1;
      column.cells[ad].tabIndex = at === 0 ? 0 : -1;
    });
    order(column);
    column.cut.style.top = `${view.k * ROW - 2}px`;
    column.cut.hidden = view.k >= view.data.ads.length;
    scores(view, column);
  }
  view.gutters.forEach((art, at) => lines(view, art, view.columns[at], view.columns[at + 1]));
  view.redraw();
}

function order(column) {
  settle(column.list, [...column.order.map((ad) => column.rows[ad]), column.cut]);
}

/** A curve for each ad from its place in the left order to that in the right one. */
function lines(view, art, left, right) {
  const from = places(left.order);
  const to = places(right.order);
  art.replaceChildren();
  for (const ad of view.data.ads.keys()) {
    const [y0, y1] = [(from[ad] + 0.5) * ROW, (to[ad] + 0.5) * ROW];
    const kind = moveKind(from[ad], to[ad]);
    const [start, edge] = [(ART - GUTTER) / 2, (ART + GUTTER) / 2];
    const end = kind === "same" ? edge : edge - 24;
    const middle = (start + end) / 2;
    const group = svg("g", { class: `move ${kind}`, "data-ad": ad });
    group.append(svg("path", { d: `M${start} ${y0}C${middle} ${y0} ${middle} ${y1} ${end} ${y1}` }));
    if (kind !== "same") group.append(svg("text", { x: edge - 2, y: y1 + 4 }, moveText(from[ad], to[ad])));
    art.append(group);
  }
}

/** Highlight an ad everywhere and say above what each order makes of it. */
function light(view, index) {
  view.lit = index;
  for (const column of view.columns) {
    column.cells.forEach((cell, ad) => {
      cell.classList.toggle("lit", ad === index);
      cell.setAttribute("aria-pressed", String(view.data.ads[ad].row === view.data.pair));
    });
  }
  for (const art of view.gutters) {
    for (const group of art.children) group.classList.toggle("lit", Number(group.dataset.ad) === index);
    const top = art.querySelector(".lit");
    if (top) art.append(top);
  }
  about(view, view.data.ads[index], index);
}

function about(view, ad, index) {
  if (!ad) return view.about.replaceChildren(el("p", {}, "This query has no ad."));
  const first = view.columns[0].order.indexOf(index);
  const where = view.columns.map((column, at) => {
    const here = column.order.indexOf(index);
    const kind = at ? moveKind(first, here) : "same";
    const move = at && kind !== "same" ? el("b", { class: `move ${kind}` }, ` ${moveText(first, here)}`) : null;
    return el("span", { class: "where" }, badge(column.role), `${column.name}: ${here + 1}`, move);
  });
  return view.about.replaceChildren(
    el(
      "div",
      { class: "row facts" },
      el("strong", {}, ad.title || "(no title)"),
      chip(ad.grade, view.data.grades),
      el("span", { class: "muted words" }, ad.description || "(no description)"),
    ),
    el("div", { class: "row places num" }, ...where),
  );
}

function legend(view) {
  const sample = (kind) => {
    const art = svg("svg", { width: 30, height: 10, class: "sample", "aria-hidden": "true" });
    art.append(svg("g", { class: `move ${kind}` }, svg("path", { d: "M0 5H30" })));
    return art;
  };
  const more = view.data.hidden ? ` ${view.data.hidden} more ads of this query are not drawn.` : "";
  const bare = view.data.ads.some((ad) => ad.grade < 0) ? " Hatched: not labelled; nDCG leaves it out." : "";
  const how = "Arrow keys walk; Alt + ↑ ↓ or dragging moves an ad in your order.";
  const equal = view.data.columns.some((column) => new Set(column.ranks).size < column.ranks.length);
  const tied = equal ? " Equal scores are ordered by a hash of their texts; nDCG is the mean over their orders." : "";
  return el(
    "div",
    { class: "row legend muted" },
    el("span", {}, sample("up"), " ▲ placed higher than to the left"),
    el("span", {}, sample("down"), " ▼ placed lower"),
    el("span", {}, sample("same"), " same place"),
    el("span", {}, el("i", { class: "tickmark" }), " random order"),
    el("span", {}, `Numbers: expected grade, which ranks. ${how}${tied}${bare}${more}`),
  );
}
