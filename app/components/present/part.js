// One button that begins and ends the presentation; Escape ends it too.

export default function ({ data, parentElement, setTriggerValue }) {
  const root = theme(parentElement);
  const part = kept(parentElement, () => build(root));
  part.button.textContent = data.on ? "End" : "Present";
  part.button.title = data.on
    ? "Back to the page with its navigation (Escape)"
    : "Larger type, without navigation and pickers, for a projector";
  part.button.setAttribute("aria-label", data.on ? "End the presentation" : "Present this page");
  part.button.onclick = () => setTriggerValue("set", !data.on);
  part.stop?.abort();
  part.stop = new AbortController();
  const leave = (event) => {
    if (event.key === "Escape" && data.on && !event.defaultPrevented) setTriggerValue("set", false);
  };
  window.addEventListener("keydown", leave, { signal: part.stop.signal });
  return () => part.stop.abort();
}

function build(root) {
  const button = el("button", { type: "button" });
  root.replaceChildren(button);
  return { button };
}
