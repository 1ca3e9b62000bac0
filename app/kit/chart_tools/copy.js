// What a part of a page shows, as SVG: elements become rectangles and texts, inline SVG is copied
// with its computed look, and a canvas that offers `redraw` is drawn again as shapes.

import { svg } from "../../parts/draw.js";
import { painted, RULER, VectorContext } from "./vector.js";

const LOOKS = [
  "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "opacity", "visibility", "display", "mix-blend-mode", "paint-order", "stop-color", "stop-opacity",
];
const TEXT_LOOKS = [
  "font-size", "font-family", "font-weight", "font-style", "font-variant-numeric", "letter-spacing", "text-anchor",
  "dominant-baseline", "text-decoration-line",
];
const SKIPPED = "input, select, textarea, details, .sr, [data-unpictured], .modebar, .hoverlayer";

/** Shapes of everything under `node`, in page coordinates, and the boxes that they fill. */
export function copied(node, drawing = { nodes: [], boxes: [] }) {
  if (node.nodeType === Node.TEXT_NODE) return copiedText(node, drawing);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(SKIPPED)) return drawing;
  const look = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  if (look.display === "none" || look.visibility === "hidden" || Number(look.opacity) === 0) return drawing;
  if (node.tagName === "svg") return box.width > 4 ? copiedSvg(node, box, drawing) : drawing;
  if (node.tagName === "CANVAS") return box.width > 4 ? copiedCanvas(node, box, drawing) : drawing;
  const inner = Number(look.opacity) < 1 ? { nodes: [], boxes: drawing.boxes } : drawing;
  if (box.width && box.height) copiedBox(box, look, inner);
  for (const child of (node.shadowRoot ?? node).childNodes) copied(child, inner);
  if (inner !== drawing) drawing.nodes.push(svg("g", { opacity: look.opacity }, ...inner.nodes));
  return drawing;
}

function copiedSvg(node, box, drawing) {
  const copy = node.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  const written = []; // texts may reach over the edge of their picture, and are not cut there
  [node, ...node.querySelectorAll("*")].forEach((source, i) => {
    const look = getComputedStyle(source);
    const names = /^(text|tspan)$/.test(source.tagName) ? [...LOOKS, ...TEXT_LOOKS] : LOOKS;
    for (const name of names) {
      copies[i].removeAttribute(name); // it may name a color of ours, which no other program knows
      copies[i].style.setProperty(name, look.getPropertyValue(name));
    }
    copies[i].style.removeProperty("vector-effect"); // lines grow with the picture
    for (const name of [...copies[i].style]) if (name.startsWith("--")) copies[i].style.removeProperty(name);
    for (const name of ["class", "role", "tabindex", "aria-hidden"]) copies[i].removeAttribute(name);
    if (source.tagName !== "text") return;
    if (source.childElementCount === 0) fixedLength(copies[i], source.getComputedTextLength());
    if (source.textContent.trim()) written.push(source.getBoundingClientRect());
  });
  const place = { x: box.left, y: box.top, width: box.width, height: box.height, overflow: "visible" };
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, value);
  for (const hidden of copy.querySelectorAll(".hoverlayer, [style*='display: none']")) hidden.remove();
  if (node.classList.contains("main-svg")) copy.setAttribute("data-plotly", "");
  drawing.nodes.push(copy);
  drawing.boxes.push(box, ...written.filter((text) => overlap(text, box)));
  return drawing;
}

function overlap(a, b) {
  return a.right > b.left && a.left < b.right && a.bottom > b.top && a.top < b.bottom;
}

/** Text keeps its width where a reader of the file lacks our font and ignores the one inside. */
export function fixedLength(text, length) {
  if (!(length > 0)) return;
  text.setAttribute("textLength", length.toFixed(1));
  text.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

function copiedCanvas(canvas, box, drawing) {
  const { left: x, top: y, width, height } = box;
  drawing.boxes.push(box);
  if (!canvas.redraw) {
    const href = canvas.toDataURL("image/png");
    const look = { preserveAspectRatio: "none", "image-rendering": "pixelated" };
    drawing.nodes.push(painted("image", { x, y, width, height, href, ...look }));
    return drawing;
  }
  const context = new VectorContext(width, height);
  canvas.vector = context; // fit() hands it to whoever draws
  try {
    canvas.redraw();
  } finally {
    canvas.vector = null;
  }
  context.node.setAttribute("x", x);
  context.node.setAttribute("y", y);
  drawing.nodes.push(context.node);
  return drawing;
}

/** Background, stripes, borders and outline of an element. */
function copiedBox(box, look, { nodes, boxes }) {
  const { left: x, top: y, width, height } = box;
  const radius = parseFloat(look.borderTopLeftRadius) || 0;
  const round = look.borderTopLeftRadius.endsWith("%") ? { rx: width / 2, ry: height / 2 } : { rx: radius };
  const before = nodes.length;
  if (shown(look.backgroundColor)) {
    nodes.push(painted("rect", { x, y, width, height, ...round, fill: look.backgroundColor }));
  }
  if (look.backgroundImage.startsWith("repeating-linear-gradient")) {
    nodes.push(...stripes(box, look.backgroundImage));
  }
  nodes.push(...borders(box, look, round));
  if (look.outlineStyle === "solid") {
    const wide = parseFloat(look.outlineWidth);
    const grow = parseFloat(look.outlineOffset) + wide / 2;
    const around = { x: x - grow, y: y - grow, width: width + 2 * grow, height: height + 2 * grow, ...round };
    const line = { fill: "none", stroke: look.outlineColor, "stroke-width": wide };
    nodes.push(painted("rect", { ...around, ...line }));
  }
  if (nodes.length > before) boxes.push(box);
}

/** One rectangle where all four borders are alike, else a line for each. */
function borders({ left: x, top: y, width, height }, look, round) {
  const edges = ["Top", "Right", "Bottom", "Left"].map((side) => ({
    wide: look[`border${side}Style`] === "none" ? 0 : parseFloat(look[`border${side}Width`]),
    color: look[`border${side}Color`],
    dash: dashOf(look[`border${side}Style`], parseFloat(look[`border${side}Width`])),
  }));
  const [first] = edges;
  const line = ({ wide, color, dash }) =>
    ({ fill: "none", stroke: color, "stroke-width": wide, "stroke-dasharray": dash });
  if (edges.every((edge) => edge.wide && edge.color === first.color && edge.wide === first.wide)) {
    const { wide } = first;
    const [w, h] = [Math.max(width - wide, 0), Math.max(height - wide, 0)];
    const inset = { x: x + wide / 2, y: y + wide / 2, width: w, height: h };
    return shown(first.color) ? [painted("rect", { ...inset, ...round, ...line(first) })] : [];
  }
  const [top, right, bottom, left] = edges.map((edge) => edge.wide / 2);
  const paths = [
    `M${x} ${y + top}h${width}`,
    `M${x + width - right} ${y}v${height}`,
    `M${x} ${y + height - bottom}h${width}`,
    `M${x + left} ${y}v${height}`,
  ];
  return edges.flatMap((edge, side) =>
    edge.wide && shown(edge.color) ? [painted("path", { d: paths[side], ...line(edge) })] : []);
}

function shown(color) {
  return color !== "transparent" && !/^rgba\(.*, 0\)$|\/ 0\)$/.test(color);
}

function dashOf(style, wide) {
  return { dashed: `${2.5 * wide} ${1.8 * wide}`, dotted: `${wide} ${wide}` }[style] ?? null;
}

/** The bands of a repeating gradient "to right" or "to bottom" with hard edges. */
function stripes({ left, top, width, height }, image) {
  const across = /to right|90deg/.test(image); // the default, to bottom, is left out by browsers
  const room = across ? width : height;
  const written = image.matchAll(/((?:rgba?|color)\([^)]*\)|#\w+)\s+(-?[\d.]+)(px|%)?/g);
  const stops = [...written].map(([, color, at, unit]) =>
    [color, unit === "%" ? (room * at) / 100 : Number(at)]);
  const period = stops.at(-1)?.[1];
  if (!(period > 0)) return [];
  const nodes = [];
  for (let start = 0; start < room - 0.01; start += period) {
    for (let i = 0; i + 1 < stops.length; i += 2) {
      const [color, from] = stops[i];
      const to = Math.min(start + stops[i + 1][1], room);
      if (!shown(color) || to <= start + from) continue;
      const band = across
        ? { x: left + start + from, y: top, width: to - start - from, height }
        : { x: left, y: top + start + from, width, height: to - start - from };
      nodes.push(painted("rect", { ...band, fill: color }));
    }
  }
  return nodes;
}

/** One SVG text a line of a text node, where the browser had put it. */
function copiedText(node, drawing) {
  const parent = node.parentElement;
  if (!parent || !node.data.trim()) return drawing;
  const look = getComputedStyle(parent);
  const style = {
    "font-family": look.fontFamily,
    "font-size": look.fontSize,
    "font-weight": look.fontWeight,
    "font-style": look.fontStyle,
    "font-variant-numeric": look.fontVariantNumeric,
    fill: look.color,
    ...(look.textDecorationLine === "none" ? {} : { "text-decoration": look.textDecorationLine }),
  };
  RULER.font = `${look.fontStyle} ${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
  for (const { text, box } of linesOf(node)) {
    const room = parent.getBoundingClientRect().right - box.left;
    const cut = look.textOverflow === "ellipsis" ? fitted(text, room) : text;
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = RULER.measureText(cut);
    const y = box.top + box.height / 2 + (up - down) / 2;
    const line = svg("text", { x: box.left, y: y.toFixed(2), style: styled(style) }, cased(cut, look.textTransform));
    fixedLength(line, cut === text ? box.width : RULER.measureText(cut).width);
    drawing.nodes.push(line);
    drawing.boxes.push(cut === text ? box : new DOMRect(box.left, box.top, RULER.measureText(cut).width, box.height));
  }
  return drawing;
}

function styled(style) {
  return Object.entries(style).map(([name, value]) => `${name}: ${value}`).join("; ");
}

function cased(text, transform) {
  return transform === "uppercase" ? text.toUpperCase() : text;
}

/** The words of a text node, joined line by line. */
function linesOf(node) {
  const range = document.createRange();
  const lines = [];
  for (const { 0: word, index } of node.data.matchAll(/\S+\s*/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.trimEnd().length);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.box.top - box.top) < box.height / 2) {
      last.text += ` ${word.trimEnd()}`;
      last.box = new DOMRect(last.box.left, last.box.top, box.right - last.box.left, last.box.height);
    } else {
      lines.push({ text: word.trimEnd(), box });
    }
  }
  return lines;
}

function fitted(text, room) {
  if (RULER.measureText(text).width <= room + 1) return text;
  let cut = text;
  while (cut && RULER.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}
