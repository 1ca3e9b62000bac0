// Cards of numbers: label, value, interval, n; the definition shows on hover and on focus.

import { el, theme } from "../draw.js";

export default function ({ data, parentElement }) {
  const root = theme(parentElement);
  const list = el("ul", { class: "cards", "aria-label": data.label });
  list.append(...data.cards.map((card, place) => one(card, place)));
  root.replaceChildren(list);
}

function one(card, place) {
  const id = `about-${place}`;
  return el(
    "li",
    { class: "card", style: `--stripe: var(--kd-${card.role})` },
    el(
      "button",
      { type: "button", class: "label", "aria-describedby": id },
      card.label,
      el("span", { class: "mark", "aria-hidden": "true" }, "i"),
    ),
    el("span", { class: "about", role: "tooltip", id }, card.definition),
    el("div", { class: "value num" }, card.value, card.delta && el("span", { class: "delta" }, card.delta)),
    el("div", { class: "small num" }, [card.interval, card.n].filter(Boolean).join(" · ")),
    card.verdict ? el("div", { class: "verdict" }, card.verdict) : null,
  );
}
