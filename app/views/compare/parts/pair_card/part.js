// Pairs as cards: every text of the data is a text node, so nothing in it can become markup.

import { el, theme } from "../../../../parts/draw.js";
import { number, signed } from "../../../../parts/words.js";

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const row = el("div", { class: "cards", role: "group", "aria-label": data.label });
  row.append(...data.cards.map(card));
  root.replaceChildren(row);
}

function card(pair) {
  return el(
    "article",
    { class: "card", "aria-label": pair.heading },
    el("h3", {}, pair.heading),
    el(
      "div",
      { class: "halves" },
      el("div", {}, texts(pair), chips(pair.chips), ...pair.compared.map(comparison)),
      answers(pair),
    ),
  );
}

function texts(pair) {
  const line = (name, text) => [
    el("dt", {}, name),
    el("dd", { class: `is-${name}` }, text || el("span", { class: "muted" }, "(empty)")),
  ];
  return el(
    "dl",
    {},
    ...line("query", pair.query),
    ...line("title", pair.title),
    ...line("description", pair.description),
  );
}

function chips(words) {
  if (!words.length) return null;
  const list = el("ul", { class: "chips", "aria-label": "facts" });
  list.append(...words.map((word) => el("li", {}, word)));
  return list;
}

function answers(pair) {
  const head = el("tr", {}, el("th", { scope: "col" }, "grade"));
  head.append(...pair.says.map((model) => el("th", { scope: "col", class: `role-${model.role}` }, model.name)));
  const body = el("tbody");
  // best grade on top, as a reader expects of a scale
  for (let grade = pair.grades.length - 1; grade >= 0; grade -= 1) {
    const gold = grade === pair.gold;
    const name = el("th", { scope: "row" }, pair.grades[grade], gold ? el("span", { class: "gold" }, "label") : null);
    const line = el("tr", { class: gold ? "is-gold" : "" }, name);
    line.append(...pair.says.map((model) => bar(model, model.p[grade])));
    body.append(line);
  }
  const foot = el("tfoot");
  foot.append(sum(pair, "P(relevant)", (model) => number(model.relevant, 3)));
  foot.append(sum(pair, "finds it relevant", (model) => model.decision || "–"));
  if (pair.says.some((model) => model.loss !== null)) {
    foot.append(sum(pair, "loss on the label, nats", (model) => (model.loss === null ? "–" : number(model.loss, 3))));
  }
  if (pair.says.some((model) => model.delta !== null)) {
    foot.append(sum(pair, "change of P(relevant)", (model) => (model.delta === null ? "–" : signed(model.delta, 3))));
  }
  const caption = el("caption", { class: "sr" }, `Soft labels at T = 1: ${pair.heading}`);
  return el("table", {}, caption, el("thead", {}, head), body, foot);
}

function bar(model, p) {
  if (p === undefined) return el("td", { class: "num" }, "–");
  return el(
    "td",
    { class: `num bar role-${model.role}`, style: `--p: ${p.toFixed(4)}` },
    el("span", {}, number(p, 2)),
  );
}

function sum(pair, name, value) {
  const line = el("tr", {}, el("th", { scope: "row" }, name));
  line.append(...pair.says.map((model) => el("td", { class: "num" }, value(model))));
  return line;
}

function comparison(other) {
  const list = el("dl");
  for (const [name, spans] of other.texts) {
    const text = el("dd", {});
    text.append(...(spans.length ? spans.map(span) : [el("span", { class: "muted" }, "(empty)")]));
    list.append(el("dt", {}, name), text);
  }
  return el(
    "section",
    { class: "compared" },
    el("h4", {}, other.heading),
    el("p", {}, other.sentence),
    list,
  );
}

function span({ kind, text }) {
  if (kind === "same") return text;
  return el(kind === "new" ? "ins" : "del", {}, text);
}
