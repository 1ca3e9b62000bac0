// A drawing context that writes SVG instead of pixels, for the part of the canvas interface that
// our pictures use. What is drawn with it stays sharp at any size, and its texts stay texts.

import { svg } from "../../parts/draw.js";

export const RULER = document.createElement("canvas").getContext("2d");

const PAINT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "image-rendering", "font"];

/** An SVG node whose paint stands in its style: no sheet of a page that holds it overrules that. */
export function painted(tag, attributes, ...children) {
  const node = svg(tag, attributes, ...children);
  for (const name of PAINT) {
    if (!node.hasAttribute(name)) continue;
    node.style.setProperty(name, node.getAttribute(name));
    node.removeAttribute(name);
  }
  return node;
}

export class VectorContext {
  constructor(width, height) {
    this.node = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, overflow: "visible" });
    Object.assign(this, {
      fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, globalAlpha: 1, font: "12px sans-serif",
      textAlign: "left", textBaseline: "alphabetic", imageSmoothingEnabled: true,
      dash: [], path: "", transform: "", saved: [],
    });
  }

  add(tag, attributes, text = null) {
    const opacity = this.globalAlpha < 1 ? { opacity: this.globalAlpha } : {};
    const moved = this.transform ? { transform: this.transform } : {};
    this.node.append(painted(tag, { ...attributes, ...opacity, ...moved }, text));
  }

  stroked() {
    const dashes = this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {};
    return { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, ...dashes };
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dash, transform } = this;
    this.saved.push({ fillStyle, strokeStyle, lineWidth, globalAlpha, font, textAlign, textBaseline, dash, transform });
  }

  restore() {
    Object.assign(this, this.saved.pop());
  }

  setTransform() {} // the screen's dots; a vector has none

  clearRect() {
    this.node.replaceChildren();
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  translate(x, y) {
    this.transform += ` translate(${x} ${y})`;
  }

  rotate(angle) {
    this.transform += ` rotate(${(180 * angle) / Math.PI})`;
  }

  beginPath() {
    this.path = "";
  }

  closePath() {
    this.path += "Z";
  }

  moveTo(x, y) {
    this.path += `M${places3(x)} ${places3(y)}`;
  }

  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${places3(x)} ${places3(y)}`;
  }

  rect(x, y, width, height) {
    this.path += `M${x} ${y}h${width}v${height}h${-width}Z`;
  }

  arc(x, y, radius) { // our pictures draw whole circles only
    const half = (way) => `a${radius} ${radius} 0 1 0 ${way * 2 * radius} 0`;
    this.path += `M${x - radius} ${y}${half(1)}${half(-1)}`;
  }

  fill() {
    this.add("path", { d: this.path, fill: this.fillStyle });
  }

  stroke() {
    this.add("path", { d: this.path, ...this.stroked() });
  }

  fillRect(x, y, width, height) {
    const [left, top] = [Math.min(x, x + width), Math.min(y, y + height)];
    const size = { width: Math.abs(width), height: Math.abs(height) };
    this.add("rect", { x: places3(left), y: places3(top), ...size, fill: this.fillStyle });
  }

  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.stroked() });
  }

  measureText(text) {
    RULER.font = this.font;
    return RULER.measureText(text);
  }

  fillText(text, x, y) {
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = this.measureText(text);
    const drop = { top: up, middle: (up - down) / 2, bottom: -down }[this.textBaseline] ?? 0;
    const anchor = { center: "middle", right: "end", end: "end" }[this.textAlign] ?? "start";
    this.add("text", {
      x: places3(x), y: places3(y + drop), fill: this.fillStyle, "text-anchor": anchor, font: this.font,
    }, text);
  }

  drawImage(image, x, y, width, height) {
    const rendering = this.imageSmoothingEnabled ? {} : { "image-rendering": "pixelated" };
    const href = image.toDataURL("image/png");
    this.add("image", { x, y, width, height, href, preserveAspectRatio: "none", ...rendering });
  }
}

function places3(value) {
  return Number(value.toFixed(3));
}
