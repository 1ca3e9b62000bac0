// Save what a picture shows. The picture is found by its container's key, through shadow roots.

export default function ({ data: given, parentElement }) {
  const root = theme(parentElement);
  // a part that moves without the server tells its numbers of now under its container's key
  const data = { ...given, get now() { return window.kdLive?.[given.target]?.() ?? given; } };
  const table = el("div", { class: "twin", hidden: true });
  const words = el("p", { class: "muted words", hidden: !data.open }, data.sentence);
  const button = (text, act, extra = {}) =>
    el("button", { type: "button", onclick: act, ...extra }, text);
  const toggle = (text, node, prepare) => {
    const made = button(text, () => {
      node.hidden = !node.hidden;
      made.setAttribute("aria-expanded", String(!node.hidden));
      if (!node.hidden) prepare?.();
    }, { "aria-expanded": "false" });
    return made;
  };
  const save = (kind) => () => picture(data, root, kind);
  root.replaceChildren(
    el(
      "div",
      { class: "row tools", role: "group", "aria-label": `Save or read: ${data.name}` },
      toggle("In words", words, () => (words.textContent = data.now.sentence)),
      toggle("Table", table, () => table.replaceChildren(asTable(data.now.csv))),
      button("CSV", () => download(new Blob([data.now.csv], { type: "text/csv" }), `${data.name}.csv`)),
      ...(data.picture ? [button("PNG", save("png")), button("SVG", save("svg"))] : []),
    ),
    words,
    table,
  );
}

function asTable(csv) {
  const rows = csv.split("\n").filter((line) => line && !line.startsWith("#")).map(cells);
  const [head, ...body] = rows;
  const shown = body.slice(0, 500);
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "The same numbers as a table" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...shown.map((row) => el("tr", {}, ...row.map((v) => el("td", { class: "num" }, shorter(v)))))),
    ),
    body.length > shown.length ? el("p", {}, `The first ${shown.length} of ${body.length} rows; CSV has all.`) : null,
  );
}

function shorter(text) {
  return /^-?\d+\.\d{5,}$/.test(text) ? Number(text).toPrecision(4) : text;
}

function cells(line) {
  const found = line.matchAll(/("((?:[^"]|"")*)"|[^,]*)(,|$)/g);
  const out = [];
  for (const [, raw, quoted, end] of found) {
    out.push(quoted === undefined ? raw : quoted.replaceAll('""', '"'));
    if (end === "") break;
  }
  return out;
}

function everyPicture(node, found = []) {
  for (const child of node.querySelectorAll("*")) {
    if (child.tagName === "CANVAS" || child.matches("[data-picture]") || (child.tagName === "svg" && !child.closest("button, .modebar"))) {
      if (!child.parentElement.closest("svg")) found.push(child);
    }
    if (child.shadowRoot) everyPicture(child.shadowRoot, found);
  }
  return found.filter((shape) => shape.getBoundingClientRect().width > 40);
}

async function picture(data, root, kind) {
  const place = document.querySelector(`.st-key-${CSS.escape(data.target)}`);
  const shapes = place ? everyPicture(place) : [];
  if (!shapes.length) return;
  const whole = together(shapes, getComputedStyle(root).getPropertyValue("--kd-background") || "#fff");
  const text = new XMLSerializer().serializeToString(whole);
  const blob = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return download(blob, `${data.name}.svg`);
  download(await rasterized(text, whole), `${data.name}.png`);
}

/** All shapes of the place in one SVG, each where it stands on the page. */
function together(shapes, ground) {
  const boxes = shapes.map((shape) => shape.getBoundingClientRect());
  const left = Math.min(...boxes.map((b) => b.left));
  const top = Math.min(...boxes.map((b) => b.top));
  const width = Math.max(...boxes.map((b) => b.right)) - left;
  const height = Math.max(...boxes.map((b) => b.bottom)) - top;
  const whole = svg("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` });
  whole.append(svg("rect", { width, height, fill: ground.trim() }));
  shapes.forEach((shape, i) => {
    const at = { x: boxes[i].left - left, y: boxes[i].top - top };
    const size = { width: boxes[i].width, height: boxes[i].height };
    if (shape.tagName === "CANVAS") {
      whole.append(svg("image", { ...at, ...size, href: shape.toDataURL("image/png") }));
    } else if (shape.matches("[data-picture]")) {
      whole.append(svg("foreignObject", { ...at, ...size }, drawnAsText(shape)));
    } else {
      whole.append(inlined(shape, at, size));
    }
  });
  return whole;
}

const LOOKS = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "font-weight", "text-anchor", "dominant-baseline", "visibility"];

/** A copy of an SVG that carries its computed look, so that it stands without our styles. */
function inlined(shape, at, size) {
  const copy = shape.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [shape, ...shape.querySelectorAll("*")].forEach((source, i) => {
    const look = getComputedStyle(source);
    for (const name of LOOKS) copies[i].style.setProperty(name, look.getPropertyValue(name));
  });
  for (const [name, value] of Object.entries({ ...at, ...size })) copy.setAttribute(name, value);
  return copy;
}

/** A copy of a picture made of plain elements (bars), with every computed look of its own. */
function drawnAsText(shape) {
  const copy = shape.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [shape, ...shape.querySelectorAll("*")].forEach((source, i) => {
    const look = getComputedStyle(source);
    if (look.display === "none") return copies[i].remove();
    const own = [...look].filter((name) => !/^(-|animation|transition|scroll)/.test(name));
    for (const name of own) copies[i].style.setProperty(name, look.getPropertyValue(name));
    // our font stays behind, and another may be wider
    Object.assign(copies[i].style, { whiteSpace: "nowrap", overflow: "visible", fontSize: `${parseFloat(look.fontSize) * 0.87}px` });
  });
  copy.style.margin = "0";
  return copy;
}

function rasterized(text, whole) {
  return new Promise((done, failed) => {
    const image = new Image();
    image.onload = () => {
      const canvas = el("canvas");
      canvas.width = Number(whole.getAttribute("width")) * 2;
      canvas.height = Number(whole.getAttribute("height")) * 2;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(done, "image/png");
    };
    image.onerror = failed;
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
}

function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
