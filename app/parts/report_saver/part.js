// "Report": asks the server for the page's words, puts the pictures of the page into them, saves.

import { el, stateOf, theme } from "../draw.js";

const FILE = "kdlab-report.html";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = theme(parentElement);
  const part = stateOf(parentElement, () => ({ number: data.number }));
  const button = el("button", { type: "button", disabled: !data.ready }, "Report (one HTML file)");
  button.onclick = () => {
    button.textContent = "Writing the report…";
    setTriggerValue("wanted", Date.now());
  };
  root.replaceChildren(button);
  if (data.page && part.number !== data.number) {
    part.number = data.number;
    finish(data).catch(() => (button.textContent = "The report could not be written: try again"));
  }
}

async function finish({ page, marker }) {
  const drawn = [];
  for (const own of window.kdPictures?.values() ?? []) {
    const picture = await own();
    if (picture) drawn.push(picture);
  }
  const font = drawn[0]?.querySelector("style")?.textContent ?? "";
  const figures = drawn.map((picture, at) => `<figure>${inlined(picture, `p${at}-`)}</figure>`);
  const look = font ? `<style>${font}</style>` : "";
  const whole = page.replace(marker, () => look + figures.join("\n"));
  const link = el("a", { href: URL.createObjectURL(new Blob([whole], { type: "text/html" })), download: FILE });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A picture for a page that has others: its font once for all, its names of parts its own. */
function inlined(picture, prefix) {
  picture.querySelector("style")?.remove();
  for (const node of picture.querySelectorAll("*")) {
    if (node.id) node.id = prefix + node.id;
    for (const attribute of [...node.attributes]) {
      const own = attribute.value
        .replace(/url\((["']?)#/g, `url($1#${prefix}`)
        .replace(/^#/, attribute.name.endsWith("href") ? `#${prefix}` : "#");
      if (own !== attribute.value) node.setAttribute(attribute.name, own);
    }
  }
  return new XMLSerializer().serializeToString(picture);
}
