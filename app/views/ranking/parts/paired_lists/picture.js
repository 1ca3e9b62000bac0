// The lists as one picture for PNG and SVG: what the page shows in elements, drawn again as shapes.

import { svg } from "../../../../parts/draw.js";
import { gradeColor, moveKind, places } from "./marks.js";

const SHEET = { column: 270, gutter: 44, row: 24, top: 44, size: 12 };

export function drawPicture(view) {
  const { columns, data, picture } = view;
  const width = columns.length * SHEET.column + (columns.length - 1) * SHEET.gutter;
  const height = SHEET.top + data.ads.length * SHEET.row + 8;
  for (const [name, value] of Object.entries({ width, height })) picture.setAttribute(name, value);
  picture.replaceChildren();
  fitted.family = getComputedStyle(picture).fontFamily;
  columns.forEach((column, at) => {
    const x = at * (SHEET.column + SHEET.gutter);
    if (at) picture.append(...sheetLines(data, columns[at - 1].order, column.order, x));
    const name = svg("text", { x, y: 14, "font-weight": 600 }, fitted(column.name, SHEET.column, 600));
    picture.append(name, svg("text", { x, y: 32 }, fitted(column.score.textContent, SHEET.column)));
    column.order.forEach((ad, place) => picture.append(...sheetRow(data, ad, place, x)));
    const cut = SHEET.top + view.k * SHEET.row;
    picture.append(svg("line", { x1: x, x2: x + SHEET.column, y1: cut, y2: cut, class: "sheetcut" }));
  });
}

function sheetRow(data, ad, place, x) {
  const { title, grade } = data.ads[ad];
  const y = SHEET.top + place * SHEET.row;
  const label = grade < 0 ? "unlabelled" : data.grades[grade];
  const mark = svg("rect", { x: x + 22, y: y + 6, width: 10, height: 12, class: grade < 0 ? "off" : "on" });
  if (grade >= 0) mark.style.setProperty("--grade", gradeColor(grade, data.grades.length));
  return [
    svg("text", { x: x + 18, y: y + 16, "text-anchor": "end" }, `${place + 1}`),
    mark,
    svg("text", { x: x + 36, y: y + 16 }, fitted(`${label} · ${title}`, SHEET.column - 38)),
  ];
}

function sheetLines(data, before, after, x) {
  const [from, to] = [places(before), places(after)];
  return data.ads.map((_, ad) => {
    const kind = moveKind(from[ad], to[ad]);
    const y = (place) => SHEET.top + (place + 0.5) * SHEET.row;
    const [x0, x1] = [x - SHEET.gutter, x];
    const middle = (x0 + x1) / 2;
    const [y0, y1] = [y(from[ad]), y(to[ad])];
    const path = svg("path", { d: `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}` });
    return svg("g", { class: `move ${kind}` }, path);
  });
}

/** As much of a text as its room holds, in the picture's own font. */
function fitted(text, room, weight = 400) {
  const ruler = (fitted.ruler ??= document.createElement("canvas").getContext("2d"));
  ruler.font = `${weight} ${SHEET.size}px ${fitted.family}`;
  if (ruler.measureText(text).width <= room) return text;
  let cut = text;
  while (cut && ruler.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}
