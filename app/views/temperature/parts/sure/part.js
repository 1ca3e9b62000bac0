// Entropy of all soft labels, teacher up and student down: how the whole set goes from sure to
// flat while T is dragged.

import { stateOf, theme } from "../../../../parts/draw.js";
import { entropyInto, histogram } from "../../../../parts/maths.js";
import { mirrored, readBins, useCanvas } from "../../../../parts/mirror.js";
import { attend, holds, stage } from "../../../../parts/stage.js";
import { degrees, integer, number, percent } from "../../../../parts/words.js";

const CELLS = 50;
const SURE = 0.5; // bits: below this a label is called sure

export default function ({ parentElement }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({
    canvas: root.querySelector("canvas"),
    finding: root.querySelector(".finding"),
    read: root.querySelector(".read"),
  }));
  useCanvas(part, root, paint);
  readBins(part, " bits");
  return attend(part, paint, part.canvas);
}

function paint(part) {
  const { world, pair, T, Ts, same } = stage();
  if (!holds(world, pair)) return;
  const most = Math.log2(world.classes);
  const side = (role, flat, temperature) => {
    if (part[role]?.length !== world.rows) part[role] = new Float64Array(world.rows);
    const bits = part[role];
    entropyInto(flat, world.classes, temperature, bits);
    let [total, sure] = [0, 0];
    for (let row = 0; row < bits.length; row++) {
      total += bits[row];
      if (bits[row] < SURE) sure++;
    }
    const counts = histogram(bits, CELLS, new Float64Array(CELLS), 0, most);
    return { role, n: world.rows, counts, mark: bits[pair], mean: total / world.rows, sure };
  };
  const [up, down] = [side("teacher", world.teacher, T), side("student", world.student, Ts)];
  const ticks = Array.from({ length: 5 }, (_, at) => [(most * at) / 4, ((most * at) / 4).toFixed(2)]);
  const label = `entropy in bits: 0 is sure, ${most.toFixed(2)} is flat over ${world.classes} grades`;
  const plan = { low: 0, high: most, ticks, label, same };
  part.scene = mirrored(part.canvas, 300, part.colors, plan, up, down);
  const sure = (side) => percent(side.sure / side.n, 1);
  const text =
    `At T = ${degrees(T)}${T === Ts ? "" : ` and ${degrees(Ts)}`} the teacher is sure (below ${SURE} bits) ` +
    `of ${sure(up)} of ${integer(world.rows)} pairs, the student of ${sure(down)}; their mean entropy is ` +
    `${number(up.mean, 2)} and ${number(down.mean, 2)} bits (${most.toFixed(2)} = no idea).`;
  part.finding.textContent = text;
  part.note = "Teacher up, student down; needles: this pair. Height: square root of a bin's share of the pairs.";
  if (!part.canvas.matches(":hover")) part.read.textContent = part.note;
  part.canvas.setAttribute("aria-label", text);
}
