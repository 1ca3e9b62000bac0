// A skip link before all else: past the rail of pages and the pickers, to the page's finding.

import { el } from "../draw.js";

const LOOK =
  "position:fixed;left:8px;top:8px;z-index:1000001;padding:8px 14px;border-radius:8px;" +
  "background:#003a66;color:#fff;font:600 14px sans-serif;transform:translateY(-64px)";

/** Put the link where the first Tab finds it; once a visit. */
export function offerSkip() {
  if (document.getElementById("kd-skip")) return;
  const link = el("a", { id: "kd-skip", href: "#", style: LOOK }, "Skip to the finding");
  link.onfocus = () => (link.style.transform = "none");
  link.onblur = () => (link.style.transform = "translateY(-64px)");
  link.onclick = (event) => {
    event.preventDefault(); // no entry in the history, no jump
    const finding = document.querySelector(".st-key-finding") ?? document.querySelector("h1");
    if (!finding) return;
    finding.tabIndex = -1;
    finding.focus();
  };
  document.body.prepend(link);
}
