// What lies over the clouds: titles, the point under the pointer in both maps and the line between its two
// places, the pinned point, its neighbors, what the search found, the lasso.

import { shortened } from "../words.js";
import { FULL } from "./points.js";

const HIT = 4; // px, radius of a mark of the search
const MOST_HITS = 2000; // marks of the search that are drawn on a pane
const TITLE = 22; // px of a title, and of each line of the note below it, in 13 px letters
const LINE = 18;
const MOST_LINES = 4; // of a note; on a phone it has three

/** Px of a row on a pane. */
export function spot(place, { x, y }, row) {
  return [place.X(x[row] / FULL), place.Y(y[row] / FULL)];
}

/** Px above each pane for its title and the longest of these notes. room: px of a pane's width. */
export function headOf(context, notes, room, font) {
  context.font = font;
  const longest = notes.reduce((most, note) => (note.length > most.length ? note : most), "");
  return (TITLE + LINE * linesOf(context, longest, room).length) * larger(font);
}

/** How many times as large as usual the letters are. */
function larger(font) {
  return Math.max(1, parseFloat(font) / 13);
}

/** A pane's title, note and border. words: [title, note]; ink: of the disk or square before the title. */
export function drawHead(context, place, [title, note], { ink, colors, font, head }) {
  context.font = font;
  context.textAlign = "left";
  context.textBaseline = "middle";
  const y = place.top - head + 9;
  context.fillStyle = ink;
  if (place.side) context.fillRect(place.left + 1, y - 5, 10, 10);
  else disk(context, place.left + 6, y, 5.5);
  context.fillStyle = colors.text;
  context.fillText(fitted(context, title, place.w - 18), place.left + 17, y);
  context.fillStyle = colors.muted;
  linesOf(context, note, place.w).forEach((line, at) => {
    context.fillText(line, place.left, y + (at + 1) * LINE * larger(font));
  });
}

/** A text in lines that fit into the room; what would be beyond the last line is cut. */
function linesOf(context, text, room) {
  const lines = [];
  for (const word of text.split(" ").filter(Boolean)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (!lines.length || (context.measureText(longer).width > room && lines.length < MOST_LINES)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => fitted(context, line, room));
}

/** A text that is cut where it is wider than the room. */
function fitted(context, text, room) {
  let cut = text;
  for (let letters = text.length; letters > 4 && context.measureText(cut).width > room; letters -= 2) {
    cut = shortened(text, letters);
  }
  return cut;
}

/** Marks of one pane, from the least to the most important. view: what is marked; see part.js. */
export function drawMarks(context, place, at, view) {
  const { colors } = view;
  const mark = (row, draw) => {
    const [x, y] = spot(place, at, row);
    const isOn = x >= place.left && x <= place.left + place.w && y >= place.top && y <= place.top + place.h;
    if (isOn) draw([x, y]);
  };
  for (const row of view.hits.slice(0, MOST_HITS)) {
    mark(row, (middle) => ring(context, middle, HIT, colors.defect, colors, 1.5));
  }
  for (const [row, sides] of view.neighbors) mark(row, (middle) => neighbor(context, middle, sides, view));
  if (view.pinned >= 0) mark(view.pinned, (middle) => target(context, middle, colors));
  if (view.hover >= 0) mark(view.hover, (middle) => ring(context, middle, 7, colors.text, colors, 2));
  context.strokeStyle = colors.grid;
  context.lineWidth = 1;
  context.strokeRect(place.left + 0.5, place.top + 0.5, place.w - 1, place.h - 1);
}

/** The line between the two places of a point, as far as it runs over the panes. */
export function drawLink(context, ends, colors) {
  for (const [style, wide, dash] of [[colors.background, 4, []], [colors.text, 1.5, [5, 4]]]) {
    context.setLineDash(dash);
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    ends.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  }
  context.setLineDash([]);
}

/** The lasso that is being drawn: [[x, y], ...] px of the picture. */
export function drawLasso(context, line, colors) {
  for (const [style, wide, dash] of [[colors.background, 4, []], [colors.text, 1.5, [4, 3]]]) {
    context.setLineDash(dash);
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    line.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.stroke();
  }
  context.setLineDash([]);
}

/** A neighbor: a circle for the left space, a square for the right one, both for both. */
function neighbor(context, spotted, sides, { roles: [left, right], colors }) {
  if (sides & 2) square(context, spotted, sides & 1 ? 8 : 6.5, colors[right], colors);
  if (sides & 1) ring(context, spotted, sides & 2 ? 5 : 6.5, colors[left], colors, 2.5);
}

function target(context, [x, y], colors) {
  ring(context, [x, y], 8, colors.text, colors, 2.5);
  for (const [style, wide] of [[colors.background, 5], [colors.text, 2.5]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 8 * dx, y + 8 * dy);
      context.lineTo(x + 15 * dx, y + 15 * dy);
    }
    context.stroke();
  }
}

function ring(context, [x, y], radius, ink, { background }, wide) {
  for (const [style, width] of [[background, wide + 2.5], [ink, wide]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.stroke();
  }
}

function square(context, [x, y], half, ink, { background }) {
  for (const [style, width] of [[background, 5], [ink, 2.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
}

function disk(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fill();
}
