// Shared by the browser parts: elements, theme, one paint per frame, drags, numbers for reading.

export const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes by name, children as texts or nodes. Texts never become HTML. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node[name] = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The part's root: marks it dark or light by its page's background; colors then follow by CSS. */
export function theme(parent) {
  const root = parent.querySelector(".kd");
  const ground = getComputedStyle(parent.host ?? parent)
    .getPropertyValue("--st-background-color")
    .trim();
  root.toggleAttribute("data-dark", luminance(ground || "#ffffff") < 0.5);
  return root;
}

function luminance(text) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = text;
  const hex = probe.fillStyle;
  if (!hex.startsWith("#")) return 1;
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A color of the palette as text, for canvas: color(root, "teacher"). */
export function color(root, role) {
  return getComputedStyle(root).getPropertyValue(`--kd-${role}`).trim() || "#888888";
}

/** The colors a canvas needs, by role; read anew for each theme. */
export function colorsOf(root) {
  const roles = ["teacher", "student", "twin", "truth", "gold", "defect", "grid", "text", "muted", "background"];
  return Object.fromEntries(roles.map((role) => [role, color(root, role)]));
}

/** paint() at most once per frame, however often it is asked for; cancel() on unmount. */
export function painter(paint) {
  let frame = 0; // that is asked for, or 0
  const ask = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
  ask.cancel = () => cancelAnimationFrame(frame);
  return ask;
}

/** A canvas fitted to its box and to the screen's dots; returns [context, width, height] in CSS px. */
export function fit(canvas, height) {
  const width = canvas.clientWidth || canvas.parentElement.clientWidth || 300;
  const dots = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * dots), Math.round(height * dots)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.height = `${height}px`;
  }
  if (canvas.vector) return [canvas.vector, width, height]; // it is being saved as shapes
  const context = canvas.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  return [context, width, height];
}

/** Whether the window is low, as a projector's is: pictures then share it with their rail. */
export function low() {
  return window.innerHeight < 820 && window.innerWidth > 768;
}

/** How many times as large as usual the page's texts are: for a projector they are larger. */
export function enlarged() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
}

/** A canvas font of so many px, larger where the page is presented. */
export function fontOf(node, px) {
  const look = getComputedStyle(node);
  const size = px * (Number(look.getPropertyValue("--kd-type")) || 1);
  return `${size}px ${look.fontFamily}`;
}

/** Follow a pointer from press to release; positions in px relative to the element. */
export function drag(element, { start, move, end }) {
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, event };
  };
  element.onpointerdown = (event) => {
    if (event.button !== 0 || start?.(place(event)) === false) return;
    element.setPointerCapture(event.pointerId);
    element.onpointermove = (next) => move?.(place(next));
    element.onpointerup = element.onpointercancel = (last) => {
      element.onpointermove = element.onpointerup = element.onpointercancel = null;
      end?.(place(last));
    };
  };
}

/** Whether the visitor asked for no motion. */
export function still() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** The state of a part that is mounted in `parent`, between its calls; create() makes it at the first one. */
const STATES = new WeakMap();
export function stateOf(parent, create) {
  if (!STATES.has(parent)) STATES.set(parent, create());
  return STATES.get(parent);
}

/** Say something politely to screen readers, at most once per second. */
export function speaker(node) {
  let last = 0;
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = performance.now();
      node.textContent = text;
    }, Math.max(0, 1000 - (performance.now() - last)));
  };
}

/** Float32Array (or another kind) of raw bytes that Python sent, or of a plain list. */
export function floats(numbers, Kind = Float32Array) {
  if (numbers instanceof Uint8Array) return new Kind(numbers.slice().buffer);
  if (numbers instanceof ArrayBuffer) return new Kind(numbers);
  return Kind.from(numbers ?? []);
}
