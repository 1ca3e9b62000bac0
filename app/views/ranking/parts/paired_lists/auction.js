// One query's auction: rails for w, slots and reserve; every ad a row that slides to its place.

import { el, painter, speaker } from "../../../../parts/draw.js";
import { clamp } from "../../../../parts/maths.js";
import { numberBox } from "../../../../parts/number_box.js";
import { number, percent } from "../../../../parts/words.js";
import { buildFrontier, paintFrontier } from "./frontier.js";
import { holdAuction, railPosition, railValue, STATES, summary } from "./hold.js";
import { badge, chip, dollars, isNews, moveText, newEcho, rested, settle, slide } from "./marks.js";

const TALL = { wide: 58, narrow: 144 };
const CELLS = ["Bid", "pClick", "pDefect", "RankScore", "Pays a click", "Outcome"];
const PRICES = { second: "second price", first: "first price: the own bid" };

/** Show the auction of data; it is built anew only for another query or width. */
export function drawAuction(view, data) {
  const same = view.data && view.data.stamp === data.stamp;
  view.data = data;
  if (!same) view.echo = newEcho();
  if (isNews(view.echo, rulesText(data.rules, data.by))) Object.assign(view, { rules: { ...data.rules }, by: data.by });
  view.bids = data.ads.map((ad) => ad.bid);
  view.clicks = data.ads.map((ad) => ad.click);
  const defectsBy = (role) => data.ads.map((ad) => ad.defects[role]);
  view.defects = Object.fromEntries(data.models.map(({ role }) => [role, defectsBy(role)]));
  view.judge = data.ads.map((ad) => ad.judge);
  view.turns = data.ads.map((ad) => ad.turn);
  if (!same || !view.rows) buildAuction(view);
  view.frontier = buildFrontier(view);
  setRails(view);
  holdNow(view);
}

function buildAuction(view) {
  const { root, data } = view;
  view.wide = root.clientWidth >= 860;
  view.paint = painter(() => holdNow(view));
  view.say = speaker((view.status = el("div", { class: "sr", role: "status" })));
  view.formula = el("div", { class: "formula num" });
  view.cards = el("div", { class: "cards num" });
  view.list = el("ol", { class: "bids", "aria-label": "Ads by RankScore" });
  view.rows = data.ads.map((ad, index) => bidRow(view, ad, index));
  view.cut = el("li", { class: "cut slots", "aria-hidden": "true" }, el("span", {}, "slots end here"));
  view.list.append(...view.rows.map((each) => each.item), view.cut);
  view.frontierBox = el("div", { class: "frontier", "data-picture": true });
  const money = data.simulated ? el("span", { class: "simulated" }, "simulated bids and clicks") : null;
  const about = el("div", { class: "small muted" }, "This search, ranked by each model:");
  root.replaceChildren(
    el("div", { class: "row top" }, view.formula, money),
    el("div", { class: "split" }, el("div", {}, railBox(view), choices(view), about, view.cards), view.frontierBox),
    headRow(view),
    view.list,
    view.status,
  );
  view.list.classList.toggle("wide", view.wide);
}

function railBox(view) {
  const { data } = view;
  const money = (name) => ({
    max: 1000,
    read: (position) => railValue(position, data.top[name]),
    say: (value) => dollars(value, 3),
  });
  view.rails = {
    w: rail(view, "w", "Weight of defects w", money("w")),
    slots: rail(view, "slots", "Slots", { min: 1, max: 20, read: Number, say: String }),
    reserve: rail(view, "reserve", "Reserve (least RankScore)", money("reserve")),
  };
  return el("div", { class: "rails" }, ...Object.values(view.rails).map((each) => each.box));
}

function rail(view, name, title, { min = 0, max, read, say }) {
  const id = `rail-${name}`;
  const input = el("input", { type: "range", id, min, max, step: 1 });
  const value = el("output", { for: id, class: "num" });
  const box = el("div", { class: "rail" }, el("label", { for: id }, title), input, value);
  const control = { input, value, say, box };
  input.oninput = () => {
    view.echo.waiting = true;
    view.rules[name] = read(input.value);
    tell(control, view.rules[name]);
    view.paint();
  };
  input.onchange = () => sendRules(view);
  return control;
}

function tell(control, value) {
  control.value.textContent = control.say(value);
  control.input.setAttribute("aria-valuetext", control.say(value));
}

function setRails(view) {
  const { rules, data, rails } = view;
  rails.w.input.value = railPosition(rules.w, data.top.w);
  rails.slots.input.value = rules.slots;
  rails.reserve.input.value = railPosition(rules.reserve, data.top.reserve);
  for (const [name, control] of Object.entries(rails)) tell(control, rules[name]);
  for (const button of view.buttons) {
    const { of } = button.dataset;
    const pressed = view[of] === button.value || rules[of] === button.value;
    button.setAttribute("aria-pressed", String(pressed));
  }
}

/** Whose pDefect ranks, and what a click costs: buttons that act at once. */
function choices(view) {
  const group = (of, title, options, take) => {
    const buttons = options.map(([value, text, role]) => {
      const attributes = { type: "button", value, "data-of": of, onclick: () => take(value) };
      return el("button", attributes, role ? badge(role) : null, text);
    });
    const name = el("span", { class: "muted" }, title);
    return el("div", { class: "row", role: "group", "aria-label": title }, name, ...buttons);
  };
  const take = (target, of) => (value) => {
    target()[of] = value;
    setRails(view);
    holdNow(view);
    sendRules(view);
  };
  const by = group("by", "pDefect by", view.data.models.map((m) => [m.role, m.short, m.role]), take(() => view, "by"));
  const pricing = group("pricing", "A click costs", Object.entries(PRICES), take(() => view.rules, "pricing"));
  view.buttons = [by, pricing].flatMap((each) => [...each.querySelectorAll("button")]);
  return el("div", { class: "choices" }, by, pricing);
}

/** One message at release; keys that repeat count as one release when they rest. */
function sendRules(view) {
  view.echo.waiting = true;
  view.sendRules ??= rested(() => {
    view.echo.waiting = false;
    view.echo.sent.push(rulesText(view.rules, view.by));
    view.send("rules", { ...view.rules, by: view.by });
  }, 200);
  view.sendRules();
}

function rulesText({ w, slots, reserve, pricing }, by) {
  return JSON.stringify([w, slots, reserve, pricing, by]);
}

function headRow(view) {
  const names = ["", "Ad", ...CELLS].map((name) => el("span", {}, name));
  return el("div", { class: `bid head ${view.wide ? "wide" : ""}`, "aria-hidden": "true" }, ...names);
}

function bidRow(view, ad, index) {
  const name = ad.title || "(no title)";
  const row = {
    place: el("b", { class: "num place" }),
    bid: amount(view, index, "bids", `Bid of ${name}, dollars a click`, { min: 0, max: 1000, step: 0.01 }),
    click: amount(view, index, "clicks", `Probability of a click on ${name}`, { min: 0, max: 1, step: 0.001 }),
    defect: el("span", { class: "cellbar num" }),
    score: el("span", { class: "cellbar num" }),
    price: el("span", { class: "num" }),
    state: el("span", { class: "state" }),
  };
  row.other = el("span", { class: "other num muted" });
  const text = el(
    "span",
    { class: "ad" },
    el("span", { class: "name", title: ad.description || name }, name),
    el("span", { class: "line" }, chip(ad.grade, view.data.grades), row.other),
  );
  const cells = [row.bid.node, row.click.node, row.defect, row.score, row.price, row.state];
  const named = cells.map((cell, at) => {
    const name = el("span", { class: "cap", "aria-hidden": "true" }, CELLS[at]);
    return el("span", { class: "field" }, name, cell);
  });
  row.item = el("li", { class: "bid" }, row.place, text, ...named);
  row.item.onmouseenter = () => lightBid(view, index);
  row.item.onfocusin = () => lightBid(view, index);
  return row;
}

/** A number that the visitor may write over; it counts in this query only. */
function amount(view, index, of, label, limits) {
  const { min, max, step } = limits;
  return numberBox({
    label, low: min, high: max, step: (value, way) => Number((value + way * step).toFixed(6)),
    take: (value) => {
      view[of][index] = value;
      view.paint();
      sendEdits(view);
    },
  });
}

/** Send the bids (b) and click probabilities (c) that differ from those of the data, as 0b1.5_2c0.1. */
function sendEdits(view) {
  const edits = [];
  view.data.ads.forEach((ad, index) => {
    if (view.bids[index] !== ad.given.bid) edits.push(`${index}b${view.bids[index]}`);
    if (view.clicks[index] !== ad.given.click) edits.push(`${index}c${view.clicks[index]}`);
  });
  view.send("edits", { query: view.data.queryId, edits: edits.join("_") });
}

/** Hold the auction and let everything follow; called once per frame while a rail is dragged. */
function holdNow(view) {
  const { data, rules } = view;
  const hold = ({ role }) => holdAuction(view.bids, view.clicks, view.defects[role], rules, view.turns);
  const auctions = Object.fromEntries(data.models.map((model) => [model.role, hold(model)]));
  view.auction = auctions[view.by];
  const tall = view.wide ? TALL.wide : TALL.narrow;
  const other = data.models.find(({ role }) => role !== view.by);
  const most = Math.max(...view.auction.scores.map(Math.abs), 1e-9);
  view.rows.forEach((row, index) => paintBid(view, row, index, most, other && auctions[other.role], other));
  view.auction.order.forEach((index, place) => slide(view.rows[index].item, place, tall));
  view.list.style.height = `${view.rows.length * tall}px`;
  const slots = view.auction.states.filter((state) => state === 0).length;
  view.cut.style.top = `${slots * tall - 1}px`;
  view.cut.firstChild.textContent = slots ? `${slots} of ${rules.slots} slots filled` : "no ad is shown";
  settle(view.list, [...view.auction.order.map((index) => view.rows[index].item), view.cut]);
  const sums = data.models.map((model) => ({ model, sum: summary(auctions[model.role], view.judge, rules) }));
  view.cards.replaceChildren(...sums.map(({ model, sum }) => card(view, model, sum)));
  lightBid(view, view.litBid ?? view.auction.order[0]);
  paintFrontier(view);
}

function paintBid(view, row, index, most, rival, other) {
  const { auction } = view;
  const state = auction.states[index];
  const defect = view.defects[view.by][index];
  row.place.textContent = auction.places[index] + 1;
  for (const [box, of, field] of [[row.bid, "bids", "bid"], [row.click, "clicks", "click"]]) {
    box.set(view[of][index]);
    box.input.classList.toggle("edited", view[of][index] !== view.data.ads[index].given[field]);
  }
  bar(row.defect, defect, `defect ${view.by}`, percent(defect, 1));
  const score = auction.scores[index];
  const kind = score < 0 ? "negative" : `score ${view.by}`;
  bar(row.score, Math.abs(score) / most, kind, dollars(score, 3));
  row.price.textContent = state === 0 ? dollars(auction.prices[index], 2) : "–";
  row.state.textContent = outcome(auction, index);
  row.item.classList.toggle("out", state !== 0);
  row.other.textContent = rival
    ? `${other.short}: ${outcome(rival, index)} ${moveText(auction.places[index], rival.places[index])}`
    : "";
}

function outcome(auction, index) {
  return auction.states[index] === 0 ? `slot ${auction.places[index] + 1}` : STATES[auction.states[index]];
}

/** A number over a bar whose length is its share. */
function bar(node, share, kind, text) {
  if (!node.firstChild) node.append(el("span", { class: "track" }, el("i", {})), el("span", { class: "figure" }));
  const fill = node.firstChild.firstChild;
  fill.className = kind;
  fill.style.width = `${100 * clamp(share, 0, 1)}%`;
  node.lastChild.textContent = text;
}

function card(view, model, sum) {
  const here = model.role === view.by ? " now" : "";
  const ties = sum.ties ? ` · ${sum.ties} tie${sum.ties > 1 ? "s" : ""}, ordered by a hash of the texts` : "";
  const empty = sum.empty ? ` · ${sum.empty} slot${sum.empty > 1 ? "s" : ""} empty` : "";
  return el(
    "div",
    { class: `card ${model.role}${here}` },
    el("div", { class: "row" }, badge(model.role), el("b", {}, model.short)),
    el("div", {}, `${dollars(1000 * sum.revenue)} per 1,000`),
    el("div", {}, `mean pDefect ${percent(sum.defect, 1)} (by ${view.data.frontier.judge})`),
    el("div", { class: "small muted" }, `${number(1000 * sum.clicks, 0)} clicks${empty}${ties}`),
  );
}

/** The formula with the numbers of the ad that is pointed at, else of the first. */
function lightBid(view, index) {
  if (index === undefined) return;
  view.litBid = index;
  view.rows.forEach((row, at) => row.item.classList.toggle("lit", at === index));
  const { auction, rules } = view;
  const term = (kind, text) => el("span", { class: `term ${kind}` }, text);
  view.formula.replaceChildren(
    el("span", {}, "RankScore = "),
    term("money", "bid × pClick"), " − ", term("weight", "w × pDefect"),
    el("span", {}, " = "),
    term("money", `${dollars(view.bids[index])} × ${number(view.clicks[index], 3)}`), " − ",
    term("weight", `${dollars(rules.w, 3)} × ${number(view.defects[view.by][index], 3)}`),
    el("b", {}, ` = ${dollars(auction.scores[index], 3)}`),
    el("span", { class: "muted" }, `for ${view.data.ads[index].title}`),
  );
}
