// Find a target (through shadow roots), bring it into view, ring it; once for each step.

const PATIENCE = 8000; // ms a page may take to show the target

export default function ({ data, parentElement }) {
  const part = kept(parentElement, () => ({ token: "", stop: () => {} }));
  if (part.token === data.token) return part.stop;
  part.stop();
  part.token = data.token;
  const until = performance.now() + PATIENCE;
  const timer = setInterval(() => {
    const found = first(data.target);
    if (!found && performance.now() < until) return;
    clearInterval(timer);
    if (found) ring(found);
  }, 150);
  part.stop = () => clearInterval(timer);
  return part.stop;
}

/** "A B": B inside A, where B may stand in a shadow root below A. Commas separate choices. */
function first(target) {
  for (const choice of target.split(",")) {
    const [outer, ...inner] = choice.trim().split(/\s+(?![^[]*\])/);
    const host = document.querySelector(outer);
    const found = host && (inner.length ? deep(host, inner.join(" ")) : host);
    if (found && found.getClientRects().length) return found;
  }
  return null;
}

function deep(node, selector) {
  const here = node.querySelector(selector);
  if (here) return here;
  for (const child of node.querySelectorAll("*")) {
    const found = child.shadowRoot && deep(child.shadowRoot, selector);
    if (found) return found;
  }
  return null;
}

function ring(node) {
  node.scrollIntoView({ block: "center", behavior: still() ? "auto" : "smooth" });
  const before = [node.style.outline, node.style.outlineOffset];
  node.style.outline = "3px solid #E69F00";
  node.style.outlineOffset = "4px";
  setTimeout(() => {
    [node.style.outline, node.style.outlineOffset] = before;
  }, 4000);
}
