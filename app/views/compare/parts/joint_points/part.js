// Holds the points of a joint density on the page, so that they cross the wire once for each key:
// the part that draws them gets a new threshold or filter without a single point.

const LIMIT = 3; // sets of points a page keeps; the oldest goes first

export default function ({ data, parentElement }) {
  parentElement.querySelector(".kd").hidden = true;
  const store = (window.kdPoints ??= new Map());
  const column = (name) => data.points.getChild(name)?.toArray() ?? null;
  store.delete(data.key);
  store.set(data.key, { x: column("x"), y: column("y"), z: column("z"), grade: column("grade") });
  while (store.size > LIMIT) store.delete(store.keys().next().value);
  window.dispatchEvent(new CustomEvent("kd:points", { detail: data.key }));
}
