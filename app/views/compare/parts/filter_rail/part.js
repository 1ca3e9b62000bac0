// Filters with outcome bars: a search, and options whose counts follow all other filters.
// Tab goes from group to group, up and down inside one. Python hears of each choice once.

import { el, stateOf, theme } from "../../../../parts/draw.js";
import { integer, percent } from "../../../../parts/words.js";

const SETTLE = 250; // ms without another letter before Python hears of it

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  part.data = data;
  part.send = (message) => setStateValue("said", message);
  if (part.n < 0) part.n = data.seen;
  if (data.seen >= part.n) {
    part.n = data.seen;
    part.find = data.find;
    part.chosen = Object.fromEntries(data.groups.map((g) => [g.key, new Set(chosenKeys(g))]));
    if (root.getRootNode().activeElement !== part.search) part.search.value = data.find;
  }
  render(part);
}

const chosenKeys = (group) => group.options.filter((o) => o.chosen).map((o) => o.key);

function build(root) {
  const part = { n: -1, find: "", chosen: {}, groups: new Map() };
  part.search = el("input", { type: "text", id: "search", autocomplete: "off", maxlength: 80 });
  part.search.oninput = () => {
    clearTimeout(part.timer);
    part.timer = setTimeout(() => release(part, { find: part.search.value }), SETTLE);
  };
  part.left = el("p", { class: "left num", role: "status" });
  part.clear = el("button", { type: "button", onclick: () => clearAll(part) }, "Clear all");
  part.list = el("div", { class: "groups" });
  part.key = el(
    "p",
    { class: "key muted" },
    el("span", { class: "swatch teacher" }),
    " teacher right ",
    el("span", { class: "swatch student" }),
    " student right",
  );
  const whole = el(
    "details",
    { class: "rail", open: window.innerWidth > 640 },
    el("summary", {}, "Filters"),
    el("label", { for: "search" }, "Search query, title, description"),
    part.search,
    el("div", { class: "row" }, part.left, part.clear),
    part.key,
    part.list,
  );
  root.replaceChildren(whole);
  return part;
}

/** Send the visitor's choices to Python. */
function release(part, values) {
  if (values.find !== undefined) part.find = values.find;
  part.n += 1;
  const keys = Object.entries(part.chosen).map(([name, chosen]) => [name, [...chosen]]);
  part.send({ n: part.n, find: part.find, clear: values.clear === true, ...Object.fromEntries(keys) });
  render(part);
}

function clearAll(part) {
  for (const keys of Object.values(part.chosen)) keys.clear();
  clearTimeout(part.timer);
  part.search.value = "";
  release(part, { find: "", clear: true });
}

function toggle(part, group, key) {
  const keys = part.chosen[group];
  if (!keys.delete(key)) keys.add(key);
  release(part, {});
}

function render(part) {
  const { data } = part;
  part.left.textContent = `${integer(data.left)} of ${integer(data.total)} pairs`;
  part.clear.disabled = !data.active && !part.find && Object.values(part.chosen).every((k) => !k.size);
  for (const group of data.groups) {
    if (!part.groups.has(group.key)) part.groups.set(group.key, newGroup(part, group));
    for (const option of group.options) fillOption(part, group, option);
  }
}

function newGroup(part, group) {
  const node = el("div", {
    class: "options",
    role: "toolbar",
    "aria-label": group.title,
    "aria-orientation": "vertical",
  });
  const options = new Map();
  group.options.forEach((option, place) => {
    const one = newOption(part, group, option, place);
    options.set(option.key, one);
    node.append(one.button);
  });
  node.onkeydown = (event) => roam(event, [...options.values()].map((o) => o.button));
  part.list.append(el("h3", {}, group.title), ...meanings(group), node);
  return options;
}

/** What the options mean, in the page: a touch has no tooltip. */
function meanings(group) {
  const options = group.options.filter((option) => option.sentence);
  if (!options.length) return [];
  const rows = options.flatMap((option) => [el("dt", {}, option.title), el("dd", {}, option.sentence)]);
  return [el("details", { class: "meanings" }, el("summary", {}, "What they mean"), el("dl", {}, ...rows))];
}

function newOption(part, group, option, place) {
  const one = { count: el("span", { class: "num" }), all: el("span", { class: "all" }) };
  one.teacher = el("span", { class: "share teacher" });
  one.student = el("span", { class: "share student" });
  one.button = el(
    "button",
    {
      type: "button", class: "option", tabindex: place ? -1 : 0, title: option.sentence || null,
      onclick: () => one.button.ariaDisabled !== "true" && toggle(part, group.key, option.key),
    },
    one.all, el("span", { class: "name" }, option.title), one.count,
    group.bars ? el("span", { class: "shares", "aria-hidden": "true" }, one.teacher, one.student) : null,
  );
  return one;
}

function fillOption(part, group, option) {
  const { button, count, all, teacher, student } = part.groups.get(group.key).get(option.key);
  const pressed = part.chosen[group.key].has(option.key);
  const most = Math.max(1, ...group.options.map((o) => o.n));
  const share = (right) => (option.labelled ? right / option.labelled : 0);
  count.textContent = integer(option.n);
  all.style.width = `${(100 * option.n) / most}%`;
  teacher.style.width = `${100 * share(option.teacher_right)}%`;
  student.style.width = `${100 * share(option.student_right)}%`;
  teacher.hidden = student.hidden = !option.labelled;
  button.setAttribute("aria-pressed", String(pressed));
  button.ariaDisabled = String(!option.n && !pressed);
  const rights =
    group.bars && option.labelled
      ? `; teacher right on ${percent(share(option.teacher_right))}, student on ${percent(share(option.student_right))}`
      : "";
  button.setAttribute("aria-label", `${option.title}: ${option.n} pairs${rights}`);
}

/** Up and down, Home and End move inside a group; only one option is a tab stop. */
function roam(event, buttons) {
  const at = buttons.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const next = buttons[(to + buttons.length) % buttons.length];
  buttons.forEach((button) => button.setAttribute("tabindex", button === next ? "0" : "-1"));
  next.focus();
}
