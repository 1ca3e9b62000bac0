// A box for a typed number. A comma is taken as a point. What is no number of the range is not taken:
// while the box has the focus it keeps that text and says the range; then its last number comes back.

import { el } from "./draw.js";
import { clamp } from "./maths.js";

const SHOWN = 4000; // ms that the range stays in sight after a text was not taken

/**
 * Make one. label: for screen readers; low, high: the range; step(value, way): the value after
 * ArrowUp (1) or ArrowDown (-1); show(value): its text; take(value): a number was committed.
 * Returns {node, input, set}; set(value) shows a value that came from elsewhere.
 */
export function numberBox({ label, low, high, step, show = String, take }) {
  const bounds = { low, high };
  const input = el("input", {
    type: "text",
    inputmode: "decimal",
    role: "spinbutton",
    autocomplete: "off",
    class: "typed num",
    "aria-label": label,
  });
  const range = el("span", { class: "typed-range", role: "alert" });
  const node = el("span", { class: "typed-box" }, input, range);
  const box = { node, input, value: NaN, text: "" };
  const say = (wrong) => {
    input.toggleAttribute("data-wrong", wrong);
    input.setAttribute("aria-invalid", String(wrong));
    range.textContent = wrong ? `${bounds.low} to ${bounds.high}` : "";
  };
  const put = (value, typed = false) => {
    box.value = value;
    box.text = typed && typedNumber(show(value)) !== value ? String(value).replace("-", "−") : show(value);
    input.value = box.text;
    input.setAttribute("aria-valuenow", String(value));
    say(false);
  };
  const commit = (value) => {
    if (!(value >= bounds.low && value <= bounds.high)) return say(true);
    put(value, true);
    take(value);
    return undefined;
  };
  input.onchange = () => commit(typedNumber(input.value));
  input.onblur = () => {
    if (!input.hasAttribute("data-wrong") || Number.isNaN(box.value)) return;
    const words = range.textContent;
    input.value = box.text;
    say(false);
    range.textContent = words;
    clearTimeout(box.timer);
    box.timer = setTimeout(() => input.hasAttribute("data-wrong") || (range.textContent = ""), SHOWN);
  };
  input.onkeydown = (event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter" && input.value !== box.text) commit(typedNumber(input.value));
    if (event.key === "Escape") put(box.value, true);
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    commit(clamp(step(box.value, way), bounds.low, bounds.high));
  };
  box.bound = (least, most) => {
    Object.assign(bounds, { low: least, high: most });
    input.setAttribute("aria-valuemin", String(least));
    input.setAttribute("aria-valuemax", String(most));
  };
  box.bound(low, high);
  // what is being typed, and what was refused, stays until another value comes
  box.set = (value) => {
    const other = value !== box.value;
    const typing = input.getRootNode().activeElement === input;
    if (other && !(typing && input.value !== box.text && !input.hasAttribute("data-wrong"))) put(value);
  };
  return box;
}

/** What a visitor meant by a typed number; NaN for no number. */
export function typedNumber(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}
