// Save what a picture shows. The picture is found by its container's key, through shadow roots.

import { el, theme } from "../../parts/draw.js";
import { framed, rasterized } from "./frame.js";

export default function ({ data: given, parentElement }) {
  const root = theme(parentElement);
  // a part that moves without the server tells its numbers of now under its container's key
  const data = { ...given, get now() { return window.kdLive?.[given.target]?.() ?? given; } };
  const table = el("div", { class: "twin", hidden: true });
  const words = el("p", { class: "muted words", hidden: !data.open }, data.sentence);
  const button = (text, act, extra = {}) =>
    el("button", { type: "button", onclick: act, ...extra }, text);
  const toggle = (text, node, prepare) => {
    const made = button(text, () => {
      node.hidden = !node.hidden;
      made.setAttribute("aria-expanded", String(!node.hidden));
      if (!node.hidden) prepare?.();
    }, { "aria-expanded": "false" });
    return made;
  };
  const theming = { dark: root.hasAttribute("data-dark"), palette: given.palette };
  const saving = (kind) => () => save(data, theming, kind);
  // the report asks every picture of the page to draw itself
  const pictures = (window.kdPictures ??= new Map());
  const own = () => picture(data, theming);
  if (data.picture) pictures.set(data.target, own);
  root.replaceChildren(
    el(
      "div",
      { class: "row tools", role: "group", "aria-label": `Save or read: ${data.name}` },
      toggle("In words", words, () => (words.textContent = sentenceOf(data))),
      toggle("Table", table, () => table.replaceChildren(asTable(data.now.csv))),
      button("CSV", () => download(new Blob([data.now.csv], { type: "text/csv" }), `${data.name}.csv`)),
      ...(data.picture ? [button("PNG", saving("png")), button("SVG", saving("svg"))] : []),
    ),
    words,
    table,
  );
  return () => {
    if (pictures.get(given.target) === own) pictures.delete(given.target);
  };
}

function asTable(csv) {
  const rows = csv.split("\n").filter((line) => line).map(cells);
  const wanted = rows[0].at(-1) === "made_from" ? rows.map((row) => row.slice(0, -1)) : rows;
  const [head, ...body] = wanted;
  const shown = body.slice(0, 500);
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "The same numbers as a table" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...shown.map((row) => el("tr", {}, ...row.map((v) => el("td", { class: "num" }, shorter(v)))))),
    ),
    body.length > shown.length ? el("p", {}, `The first ${shown.length} of ${body.length} rows; CSV has all.`) : null,
  );
}

function shorter(text) {
  return /^-?\d+\.\d{5,}$/.test(text) ? Number(text).toPrecision(4) : text;
}

function cells(line) {
  const found = line.matchAll(/("((?:[^"]|"")*)"|[^,]*)(,|$)/g);
  const out = [];
  for (const [, raw, quoted, end] of found) {
    out.push(quoted === undefined ? raw : quoted.replaceAll('""', '"'));
    if (end === "") break;
  }
  return out;
}

async function picture(data, theming) {
  return framed(data.target, data.caption, sentenceOf(data), theming);
}

/** The sentence of now: of the part that moved without the server, else the server's. */
function sentenceOf(data) {
  const place = document.querySelector(`.st-key-${CSS.escape(data.target)}`);
  return (place && spokenIn(place)) || data.now.sentence;
}

function spokenIn(place) {
  for (const node of place.querySelectorAll("*")) {
    if (node.matches("[data-sentence]")) return node.textContent;
    const found = node.shadowRoot && spokenIn(node.shadowRoot);
    if (found) return found;
  }
  return "";
}

async function save(data, theming, kind) {
  const whole = await picture(data, theming);
  if (!whole) return;
  if (kind === "png") return download(await rasterized(whole), `${data.name}.png`);
  const text = new XMLSerializer().serializeToString(whole);
  download(new Blob([text], { type: "image/svg+xml" }), `${data.name}.svg`);
}

function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
