// Holds the logits for the other parts of the page; draws nothing.

import { stage, tell } from "../../../../parts/stage.js";

export default function ({ data }) {
  if (stage().world?.hash !== data.hash) tell({ world: unpack(data) });
  return () => {
    if (stage().world?.hash === data.hash) tell({ world: null });
  };
}

function unpack(data) {
  const column = (table, name) => table.getChild(name)?.toArray() ?? null;
  const labels = column(data.labels, "grade");
  return {
    hash: data.hash,
    names: data.names,
    classes: data.names.length,
    relevantFrom: data.relevantFrom,
    rows: labels.length,
    labels,
    teacher: column(data.cells, "teacher"),
    student: column(data.cells, "student"),
    twin: column(data.cells, "twin"),
    truth: column(data.cells, "truth"),
  };
}
