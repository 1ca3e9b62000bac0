// Holds tables on the page, so that they cross the wire once for each key: the parts that draw them
// get a new choice of the visitor without a single number of theirs.

const LIMIT = 12; // tables that a page keeps; the oldest goes first

export default function ({ data, parentElement }) {
  parentElement.querySelector(".kd").hidden = true;
  const store = (window.kdArrays ??= new Map());
  store.delete(data.key);
  store.set(data.key, data.table);
  while (store.size > LIMIT) store.delete(store.keys().next().value);
  window.dispatchEvent(new CustomEvent("kd:arrays", { detail: data.key }));
}
