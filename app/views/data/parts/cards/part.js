// Cards of the data check: a number, a small histogram, what it means. A press opens its rows.

import { el, stateOf, svg, theme } from "../../../../parts/draw.js";
import { integer } from "../../../../parts/words.js";

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({ drawn: "", buttons: new Map() }));
  const now = JSON.stringify(data.cards);
  if (part.drawn !== now) {
    part.drawn = now;
    part.buttons.clear();
    const list = el("ul", { class: "cards", "aria-label": data.label });
    list.append(...data.cards.map((card, place) => one(card, place, part)));
    root.replaceChildren(list);
  }
  for (const [key, button] of part.buttons) {
    const open = key === data.open;
    button.setAttribute("aria-pressed", String(open));
    button.querySelector(".rows").textContent = open ? "− details" : "+ details";
    // the moment tells two presses of one card apart, which would be one and the same value
    button.onclick = () => setStateValue("open", `${open ? "" : key} ${performance.now()}`);
  }
}

function one(card, place, part) {
  const id = `said-${place}`;
  const button = el(
    "button",
    { type: "button", class: "card", "aria-describedby": id },
    el("span", { class: "title" }, card.title, card.odd ? el("span", { class: "odd" }, "look") : null),
    el("span", { class: "value num" }, card.value),
    el("span", { class: "detail num" }, card.detail),
    card.bars.length > 1 ? bars(card) : null,
    el("span", { class: "rows" }),
  );
  part.buttons.set(card.key, button);
  return el(
    "li",
    card.odd ? { class: "marked" } : {},
    button,
    el("span", { class: "about", role: "tooltip", id }, card.definition),
  );
}

/** The place of a grade on the ramp: two grades take its ends. */
function ramp(at, count) {
  return count === 2 ? [0, 3][at] : at % 5;
}

const NAMED = 22; // letters that fit under the bars of a card

/** A histogram without axes: the first and last bars are named, all of them to screen readers. */
function bars(card) {
  const most = Math.max(...card.bars.map(([, height]) => height), 1e-9);
  const count = card.bars.length;
  const format = Number.isInteger(most) ? integer : (v) => v.toFixed(3);
  const description = card.bars.map(([name, height]) => `${name}: ${format(height)}`).join("; ");
  const picture = svg("svg", {
    viewBox: `0 0 ${count * 10} 30`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": description,
  });
  card.bars.forEach(([, height], at) => {
    const tall = Math.max(height > 0 ? 1 : 0, (28 * height) / most);
    picture.append(
      svg("rect", {
        x: at * 10 + 1,
        y: 30 - tall,
        width: 8,
        height: tall,
        class: "bar",
        style: card.key === "prior" ? `fill: var(--kd-grade-${ramp(at, count)})` : null,
      }),
      svg("rect", { x: at * 10, y: 29.4, width: 10, height: 0.6, class: "floor" }),
    );
  });
  const letters = card.bars.reduce((sum, [name]) => sum + name.length, 0);
  const ends = count <= 4 && letters <= NAMED ? card.bars : [card.bars[0], card.bars[count - 1]];
  return el(
    "span",
    { class: "bars" },
    picture,
    el("span", { class: "ends", "aria-hidden": "true" }, ...ends.map(([name]) => el("span", {}, name))),
  );
}
