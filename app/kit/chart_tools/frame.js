// The frame around every saved picture: title, sentence, further lines above; one line below that
// says whose numbers these are. Light colors, our font inside, so that it fits a slide anywhere.

import { el, SVG, svg } from "../../parts/draw.js";
import { copied, fixedLength } from "./copy.js";
import { painted, RULER } from "./vector.js";

const SCALE = 3; // dots of a PNG for each CSS pixel
const PAD = 20;
const LEAST = 460; // px; a narrow picture gets room for its words
const FAMILY = '"Source Sans", "Source Sans 3", "Source Sans Pro", "Helvetica Neue", Arial, sans-serif';
const INK = { text: "#1B2430", muted: "#566273", ground: "#FFFFFF", pale: "#F3F5F8" };
const GRAYISH = 40; // of 255: channels that differ by less make a gray
const GAP = 14; // px at most between the pieces of a picture, where controls stood on the page

/**
 * The picture in the container of key `target`, framed. caption: {title, lines, source}.
 * Returns the SVG node, or null where nothing is drawn.
 */
export async function framed(target, caption, sentence, theming) {
  const place = document.querySelector(`.st-key-${CSS.escape(target)}`);
  if (!place) return null;
  const font = await fontFace();
  const drawing = inLight(place, () => pieces(place).map((piece) => copied(piece)), theming);
  const whole = stacked(drawing.filter(({ boxes }) => boxes.length));
  if (!whole) return null;
  const width = Math.ceil(Math.max(whole.width, LEAST) + 2 * PAD);
  const head = heading(caption, sentence, width);
  const date = new Date().toISOString().slice(0, 10);
  const foot = paragraph(["KD Lab", caption.source, date].filter(Boolean).join(" · "), width, 12, 400, INK.muted);
  const height = Math.ceil(head.height + whole.height + foot.height + 2 * PAD + 12);
  const body = svg("g", { transform: `translate(${PAD - whole.left} ${PAD + head.height})` }, ...whole.nodes);
  const rule = painted("path", {
    d: `M${PAD} ${height - PAD - foot.height - 2}H${width - PAD}`, stroke: "#DCE1E8", "stroke-width": 1,
  });
  const at = (y, node) => svg("g", { transform: `translate(${PAD} ${y})` }, node);
  return svg("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    svg("title", {}, caption.title), svg("desc", {}, sentence),
    svg("style", {}, font), painted("rect", { width, height, fill: INK.ground }),
    at(PAD, head.node), body, rule, at(height - PAD - foot.height + 4, foot.node));
}

/** What belongs to the picture: what its part has marked, else every drawing in its place. */
function pieces(place, found = []) {
  const marked = [];
  const search = (node) => {
    for (const child of node.children) {
      if (child.matches("[data-picture]")) marked.push(child);
      else if (child.shadowRoot) search(child.shadowRoot);
      else if (child.tagName === "CANVAS" || child.tagName === "svg") {
        if (child.getBoundingClientRect().width > 40 && !child.closest("button, .modebar")) found.push(child);
      } else search(child);
    }
  };
  search(place);
  return marked.length ? marked : found;
}

/** Read a place in its light colors, whatever theme the visitor looks at; nothing flickers. */
function inLight(place, read, { dark, palette }) {
  const roots = [];
  const search = (node) => {
    for (const child of node.querySelectorAll("*")) {
      if (child.matches(".kd[data-dark]")) roots.push(child);
      if (child.shadowRoot) search(child.shadowRoot);
    }
  };
  search(place);
  for (const root of roots) {
    root.removeAttribute("data-dark");
    root.style.setProperty("--st-secondary-background-color", INK.pale);
  }
  try {
    const drawings = read();
    for (const node of drawings.flatMap(({ nodes }) => nodes).filter((each) => each.hasAttribute("data-plotly"))) {
      if (dark) recolored(node, palette);
      node.removeAttribute("data-plotly");
    }
    return drawings;
  } finally {
    for (const root of roots) {
      root.setAttribute("data-dark", "");
      root.style.removeProperty("--st-secondary-background-color");
      for (const canvas of root.querySelectorAll("canvas")) canvas.redraw?.();
    }
  }
}

/** A Plotly chart of a dark page in light colors: the palette's own by name, grays turned over. */
function recolored(node, palette) {
  for (const each of [node, ...node.querySelectorAll("*")]) {
    for (const name of ["fill", "stroke"]) {
      const parts = /^rgba?\((\d+), (\d+), (\d+)(, [\d.]+)?\)$/.exec(each.style.getPropertyValue(name));
      if (!parts) continue;
      const [rgb, alpha] = [parts.slice(1, 4).map(Number), parts[4] ?? ""];
      const hex = `#${rgb.map((n) => n.toString(16).padStart(2, "0")).join("")}`.toUpperCase();
      if (palette[hex]) each.style.setProperty(name, alpha ? `rgba(${channels(palette[hex])}${alpha})` : palette[hex]);
      else if (Math.max(...rgb) - Math.min(...rgb) < GRAYISH) {
        each.style.setProperty(name, `rgb${alpha && "a"}(${rgb.map((n) => 255 - n).join(", ")}${alpha})`);
      }
    }
  }
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)).join(", ");
}

/** The pieces where they stood, without the empty bands that controls leave between them. */
function stacked(drawings) {
  const boxes = drawings.flatMap((drawing) => drawing.boxes);
  if (!boxes.length) return null;
  const left = Math.min(...boxes.map((box) => box.left));
  const right = Math.max(...boxes.map((box) => box.right));
  const spans = drawings
    .map((drawing) => ({
      drawing,
      top: Math.min(...drawing.boxes.map((b) => b.top)),
      bottom: Math.max(...drawing.boxes.map((b) => b.bottom)),
    }))
    .sort((a, b) => a.top - b.top);
  let [low, shift] = [spans[0].top, -spans[0].top];
  const nodes = spans.map(({ drawing, top, bottom }) => {
    if (top - low > GAP) shift -= top - low - GAP;
    low = Math.max(low, bottom);
    return svg("g", { transform: `translate(0 ${shift})` }, ...drawing.nodes);
  });
  return { nodes, left, width: right - left, height: low + shift };
}

function heading({ title, lines }, sentence, width) {
  const blocks = [
    paragraph(title, width, 19, 600, INK.text),
    ...(sentence && sentence !== title ? [paragraph(sentence, width, 14, 400, INK.text)] : []),
    ...lines.map((line) => paragraph(line, width, 14, 400, INK.muted)),
  ];
  const node = svg("g", {});
  let height = 0;
  for (const block of blocks) {
    block.node.setAttribute("transform", `translate(0 ${height})`);
    node.append(block.node);
    height += block.height + 3;
  }
  return { node, height: height + 10 };
}

/** A text broken into lines of the frame's width. */
function paragraph(text, width, size, weight, color) {
  RULER.font = `${weight} ${size}px ${FAMILY}`;
  const lines = [""];
  for (const word of String(text).split(/\s+/)) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && RULER.measureText(longer).width > width - 2 * PAD) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const step = Math.round(size * 1.35);
  const style = `font: ${weight} ${size}px ${FAMILY.replaceAll('"', "'")}; fill: ${color}`;
  const node = svg("g", {}, ...lines.map((line, i) => {
    const drawn = svg("text", { x: 0, y: i * step + size, style }, line);
    fixedLength(drawn, RULER.measureText(line).width);
    return drawn;
  }));
  return { node, height: lines.length * step };
}

/** The page's own font as a rule that needs no network; empty where the page has none. */
let FACE = null;
function fontFace() {
  FACE ??= loadedFace().catch(() => "");
  return FACE;
}

async function loadedFace() {
  const rules = [...document.styleSheets].flatMap((sheet) => {
    try {
      return [...sheet.cssRules];
    } catch {
      return []; // another origin's sheet, which is none of ours
    }
  });
  const face = rules.find((rule) =>
    rule instanceof CSSFontFaceRule && /Source Sans/.test(rule.style.fontFamily) && rule.style.fontStyle !== "italic");
  const address = /url\("?([^")]+)"?\)/.exec(face?.style.getPropertyValue("src") ?? "")?.[1];
  if (!address) return "";
  const base = face.parentStyleSheet.href ?? document.baseURI;
  const bytes = new Uint8Array(await (await fetch(new URL(address, base))).arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
  const bytesOf = `url(data:font/woff2;base64,${btoa(binary)}) format("woff2")`;
  return `@font-face { font-family: "Source Sans"; font-weight: 200 900; src: ${bytesOf}; }`;
}

/** The framed picture as a PNG with SCALE dots for each pixel. */
export async function rasterized(whole) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(whole))}`;
  await image.decode();
  const [width, height] = ["width", "height"].map((name) => whole.getAttribute(name) * SCALE);
  const canvas = el("canvas", { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
