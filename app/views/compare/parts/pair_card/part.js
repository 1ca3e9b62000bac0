// Pairs as cards: every text of the data is a text node, so nothing in it can become markup.

import { el, theme } from "../../../../parts/draw.js";
import { number, signed } from "../../../../parts/words.js";

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const row = el("div", { class: "cards", role: "group", "aria-label": data.label });
  row.append(...data.cards.map(card));
  root.replaceChildren(row);
}

function card(shown) {
  return el(
    "article",
    { class: "card", "aria-label": shown.heading },
    el("h3", {}, shown.heading),
    el(
      "div",
      { class: "halves" },
      el("div", {}, texts(shown), chips(shown.chips), ...shown.compared.map(compared)),
      answers(shown),
    ),
  );
}

function texts(shown) {
  const line = (name, text) => [
    el("dt", {}, name),
    el("dd", { class: `is-${name}` }, text || el("span", { class: "muted" }, "(empty)")),
  ];
  return el(
    "dl",
    {},
    ...line("query", shown.query),
    ...line("title", shown.title),
    ...line("description", shown.description),
  );
}

function chips(words) {
  if (!words.length) return null;
  const list = el("ul", { class: "chips", "aria-label": "facts" });
  list.append(...words.map((word) => el("li", {}, word)));
  return list;
}

function answers(shown) {
  const head = el("tr", {}, el("th", { scope: "col" }, "grade"));
  head.append(...shown.says.map((who) => el("th", { scope: "col", class: `role-${who.role}` }, who.name)));
  const body = el("tbody");
  // best grade on top, as a reader expects of a scale
  for (let grade = shown.grades.length - 1; grade >= 0; grade -= 1) {
    const gold = grade === shown.gold;
    const name = el("th", { scope: "row" }, shown.grades[grade], gold ? el("span", { class: "gold" }, "label") : null);
    const line = el("tr", { class: gold ? "is-gold" : "" }, name);
    line.append(...shown.says.map((who) => bar(who, who.p[grade])));
    body.append(line);
  }
  const foot = el("tfoot");
  foot.append(sum(shown, "P(relevant)", (who) => number(who.relevant, 3)));
  foot.append(sum(shown, "finds it relevant", (who) => who.decision || "–"));
  if (shown.says.some((who) => who.loss !== null)) {
    foot.append(sum(shown, "loss on the label, nats", (who) => (who.loss === null ? "–" : number(who.loss, 3))));
  }
  if (shown.says.some((who) => who.delta !== null)) {
    foot.append(sum(shown, "change of P(relevant)", (who) => (who.delta === null ? "–" : signed(who.delta, 3))));
  }
  const caption = el("caption", { class: "sr" }, `Soft labels at T = 1: ${shown.heading}`);
  return el("table", {}, caption, el("thead", {}, head), body, foot);
}

function bar(who, p) {
  return el(
    "td",
    { class: `num bar role-${who.role}`, style: `--p: ${p.toFixed(4)}` },
    el("span", {}, number(p, 2)),
  );
}

function sum(shown, name, value) {
  const line = el("tr", {}, el("th", { scope: "row" }, name));
  line.append(...shown.says.map((who) => el("td", { class: "num" }, value(who))));
  return line;
}

function compared(other) {
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
