// The pair beside the picture: its texts, what each model says of it, and who is right.

import { el } from "../../../../parts/draw.js";
import { integer, number } from "../../../../parts/words.js";
import { outcomeOf } from "./counts.js";

const RIGHT = {
  both: "✓✓ Both are right.",
  only_teacher: "✓✗ Only the teacher is right.",
  only_student: "✗✓ Only the student is right.",
  neither: "✗✗ Both are wrong.",
  unlabelled: "This pair is not labelled.",
};

/** The card's fixed elements; go(by) steps to another pair. */
export function pairCard(go) {
  const part = {
    where: el("span", { class: "where num" }),
    label: el("small", {}, "Query "),
    query: el("span"),
    title: el("p", { class: "adtitle" }),
    text: el("p", { class: "adtext" }),
    bars: el("div", { class: "bars" }),
    verdict: el("p", { class: "verdict" }),
    tags: el("p", { class: "muted tags" }),
  };
  const button = (sign, name, by) =>
    el("button", { type: "button", onclick: () => go(by), "aria-label": name }, sign);
  const head = el(
    "div",
    { class: "row head" },
    part.where,
    el("span", { class: "row", "data-unpictured": true },
      button("‹", "Previous pair shown", -1), button("›", "Next pair shown", 1)),
  );
  part.node = el(
    "section",
    { class: "card", "aria-label": "The pair", "data-picture": true },
    head,
    el("p", { class: "query" }, part.label, part.query),
    ...[part.title, part.text, part.bars, part.verdict, part.tags],
  );
  return part;
}

/** New words into the card. pair: its texts, or null while they are on their way. */
export function fillCard(part, { pair, outside, row, x, y, z, cell, ct, cs, gradeName, hovered }) {
  const hasTexts = pair !== null && pair.row === row && !hovered;
  part.node.setAttribute("aria-busy", String(!hasTexts && !hovered));
  const place = `Pair ${integer(row + 1)}${outside ? ", outside the selection" : ""}`;
  part.where.textContent = row < 0 ? "No pair" : place;
  part.query.textContent = hasTexts ? pair.query : hovered ? "Click to read this pair." : "";
  part.label.hidden = !hasTexts;
  part.title.textContent = hasTexts ? pair.title : "";
  part.text.textContent = hasTexts ? pair.description : "";
  part.tags.textContent = hasTexts && pair.tags.length ? pair.tags.join(" · ") : "";
  part.node.toggleAttribute("data-pointed", Boolean(hovered));
  if (row < 0) return;
  const models = [["teacher", "Teacher", x, ct], ["student", "Student", y, cs]];
  if (z !== null) models.push(["twin", "Twin", z, cs]);
  part.bars.replaceChildren(...models.map((m) => bar(...m)));
  part.verdict.textContent = `Label: ${gradeName}. ${RIGHT[outcomeOf(cell)]}`;
}

function bar(role, name, p, threshold) {
  return el(
    "div",
    { class: `bar ${role}` },
    el("span", { class: "name" }, name),
    el(
      "span",
      { class: "track", "aria-hidden": "true" },
      el("span", { class: "fill", style: `width: ${100 * p}%` }),
      el("span", { class: "cut", style: `left: ${100 * threshold}%` }),
    ),
    el("span", { class: "num" }, `${number(p, 3)} ${p >= threshold ? "yes" : "no"}`),
  );
}
