// Paired lists of one query, or its auction: the same ads, the same marks, one mount each.

import { stateOf, theme } from "../../../../parts/draw.js";
import { drawAuction } from "./auction.js";
import { drawLists } from "./lists.js";

export default function ({ data, parentElement, setStateValue }) {
  const root = theme(parentElement);
  const view = stateOf(parentElement, () => ({ root, width: 0 }));
  view.root = root;
  view.send = (name, value) => setStateValue(name, { ...value, n: (view.n = (view.n ?? 0) + 1) });
  root.className = `kd ${data.mode}`;
  const draw = data.mode === "auction" ? drawAuction : drawLists;
  draw(view, data);
  requestAnimationFrame(() => root.classList.add("ready")); // rows do not slide in on arrival
  view.watch?.disconnect();
  view.watch = new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - view.width) < 2) return;
    view.width = root.clientWidth;
    if (data.mode !== "auction") return;
    view.rows = null;
    drawAuction(view, { ...view.data, rules: view.rules, by: view.by });
  });
  view.width = root.clientWidth;
  view.watch.observe(root);
  return () => view.watch.disconnect();
}
