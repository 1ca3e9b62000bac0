// Copy link and shortcuts.

import { el, stateOf, theme } from "../draw.js";
import { watchSections } from "./navigation.js";
import { offerSkip } from "./skip.js";

const FIELDS = ["INPUT", "TEXTAREA", "SELECT"]; // in which a key is a letter

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => build(root));
  offerSkip();
  part.selection.textContent = data.selection;
  part.keys.checked = data.keys;
  for (const [list, rows, tag] of [[part.list, data.shortcuts, "kbd"], [part.words, data.glossary, "b"]]) {
    const entry = ([name, meaning]) => [el("dt", {}, el(tag, {}, name)), el("dd", {}, meaning)];
    list.replaceChildren(...rows.flatMap(entry));
  }
  part.copy.onclick = () => copyLink(part);
  part.help.onclick = () => part.dialog.showModal();
  part.keys.onchange = () => setStateValue("keys", part.keys.checked);
  part.singleKeys = data.keys;
  return listen(part);
}

/** Listeners stand once for each mounted place, however often its data change. */
function listen(part) {
  part.stop?.abort();
  part.stop = new AbortController();
  const options = { signal: part.stop.signal };
  window.addEventListener("keydown", (event) => onKey(event, part), options);
  const unwatch = watchSections();
  return () => {
    unwatch();
    part.stop.abort();
  };
}

function build(root) {
  const selection = el("span", { class: "selection num" });
  const copy = el("button", { type: "button", class: "copy" }, "Copy link");
  const name = "Keyboard shortcuts and glossary";
  const help = el("button", { type: "button", "aria-label": name, "aria-haspopup": "dialog" }, "?");
  const status = el("span", { class: "sr", role: "status" });
  const list = el("dl");
  const words = el("dl", { class: "words" });
  const keys = el("input", { type: "checkbox" });
  const shut = el("button", { type: "button", class: "shut" }, "Close");
  const dialog = el(
    "dialog",
    { "aria-label": "Keyboard shortcuts and glossary" },
    shut,
    el("section", { class: "keyboard" }, el("h2", {}, "Keyboard"), list,
      el("label", { class: "row" }, keys, "Single-key shortcuts")),
    el("section", {}, el("h2", {}, "Glossary"), words),
  );
  shut.onclick = () => dialog.close();
  root.replaceChildren(el("div", { class: "row bar" }, selection, copy, help, status), dialog);
  return { selection, copy, help, status, list, words, keys, dialog };
}

async function copyLink(part) {
  const link = location.href;
  let done = true;
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    done = copyBySelection(link);
  }
  part.copy.textContent = done ? "Link copied" : "Copy it from the address bar";
  part.status.textContent = part.copy.textContent;
  setTimeout(() => {
    part.copy.textContent = "Copy link";
  }, 2000);
}

/** Where the page may not write the clipboard (plain http on another host). */
function copyBySelection(text) {
  const field = el("textarea", { style: "position:fixed;opacity:0" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

function onKey(event, part) {
  const typing = event.composedPath().some((node) => FIELDS.includes(node.tagName));
  if (event.key === "?" && part.singleKeys && !typing && !part.dialog.open) part.dialog.showModal();
}
