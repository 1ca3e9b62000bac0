// The card of the point under the pointer, and below the maps the pinned point with its neighbors in both
// original spaces, side by side; those that both have are marked.

import { el } from "../draw.js";
import { integer } from "../words.js";

/** The card beside the pointer. */
export function makeTip() {
  const tip = { title: el("strong"), text: el("span", { class: "text" }), facts: el("span", { class: "muted num" }) };
  tip.node = el("div", { class: "tip", hidden: true, "data-unpictured": true }, tip.title, tip.text, tip.facts);
  return tip;
}

/** Fill the card and put it beside a place of the picture; words: {title, text, facts} or null to hide it. */
export function showTip(tip, words, [x, y], width) {
  tip.node.hidden = !words;
  if (!words) return;
  tip.title.textContent = words.title;
  tip.text.textContent = words.text;
  tip.facts.textContent = words.facts;
  const isLeft = x > width / 2;
  tip.node.style.left = isLeft ? "auto" : `${x + 16}px`;
  tip.node.style.right = isLeft ? `${width - x + 16}px` : "auto";
  tip.node.style.top = `${y + 12}px`;
}

/** The card of the pinned point; act: {point(id or -1), pin(id), unpin()}. */
export function makePinned(act) {
  const card = { act };
  card.title = el("strong");
  card.text = el("span", { class: "text" });
  card.facts = el("span", { class: "num muted" });
  card.close = el("button", { type: "button", onclick: act.unpin, "aria-label": "Unpin this point" }, "✕");
  card.sentence = el("p", { class: "common" });
  card.lists = el("div", { class: "lists" });
  card.note = el("p", { class: "muted note" });
  card.node = el("section", { class: "pinned", "aria-label": "The pinned point", hidden: true },
    el("div", { class: "head" }, el("p", {}, card.title, card.text, card.facts), card.close),
    card.sentence, card.lists, card.note);
  return card;
}

/**
 * Fill the card. words: {title, text, facts} of the point as far as the page knows them, or null for none;
 * pinned: what the server knows of it, or null while it is looked up; titles, roles: of the two maps.
 */
export function showPinned(card, words, pinned, { titles, roles }) {
  card.node.hidden = !words;
  card.node.setAttribute("aria-busy", String(!pinned));
  if (!words) return;
  card.title.textContent = words.title;
  card.text.textContent = words.text;
  card.facts.textContent = words.facts;
  card.sentence.textContent = pinned ? sentenceOf(pinned) : "Looking up its neighbors…";
  card.note.textContent = pinned?.note ?? "";
  if (card.listed === pinned) return;
  card.listed = pinned;
  card.lists.replaceChildren(...(pinned ? listsOf(card, pinned, titles, roles) : []));
}

function commonOf({ left, right }) {
  const other = new Set(right.map(({ id }) => id));
  return new Set(left.map(({ id }) => id).filter((id) => other.has(id)));
}

function sentenceOf(pinned) {
  if (!pinned.right.length) return pinned.left.length ? `Its ${pinned.left.length} nearest.` : "";
  const common = commonOf(pinned).size;
  return `${integer(common)} of its ${pinned.left.length} nearest are the same in both original spaces.`;
}

function listsOf(card, pinned, titles, roles) {
  const common = commonOf(pinned);
  return [["left", "●"], ["right", "■"]].filter(([side]) => pinned[side].length).map(([side, sign], at) =>
    el("div", { class: side },
      el("h4", {}, el("span", { style: `color: var(--kd-${roles[at]})`, "aria-hidden": "true" }, sign),
        ` Nearest in ${titles[at]}`),
      el("ol", {}, ...pinned[side].map((each) => el("li", {}, neighborOf(card, each, common.has(each.id)))))));
}

function neighborOf(card, { id, title, note }, isCommon) {
  const point = (which) => () => card.act.point(which);
  const acts = { onclick: () => card.act.pin(id), onmouseenter: point(id), onmouseleave: point(-1) };
  const focus = { onfocus: point(id), onblur: point(-1) };
  const button = el("button", { type: "button", class: "neighbor", ...acts, ...focus },
    el("span", { class: "mark", "aria-hidden": "true" }, isCommon ? "✓" : ""),
    el("span", { class: "name" }, title), el("span", { class: "muted num" }, note),
    isCommon ? el("span", { class: "sr" }, "in both lists") : null);
  button.toggleAttribute("data-common", isCommon);
  return button;
}
