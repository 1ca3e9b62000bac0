"""Find every control of a page, act on it, and tell whether anything but itself changed."""

import time
from collections.abc import Iterator

from playwright.sync_api import Locator, Page

CONTROLS = (
    "button, select, input[type=checkbox], input[type=radio], input[type=range], "
    "[role=tab], [role=slider], [role=switch], [role=combobox]"
)
PATIENCE = 5.0  # seconds until a control that has done nothing is called dead
ALONE = object()  # a list with one option: there is nothing else to choose

# names every control that a visitor sees, by what it is, what it is called and its place
SIGNED = """(nodes) => {
  const seen = new Map();
  const SHOWN = { visibilityProperty: true };
  return nodes.map((node) => {
    const box = (node.closest("label") ?? node).getBoundingClientRect();
    const off = node.closest("[inert], [hidden], [aria-hidden=true]");
    if (off || box.width < 2 || box.height < 2 || !node.checkVisibility(SHOWN)) return "";
    const host = node.getRootNode().host;
    const at = (host ?? node).closest("[class*=st-key-]")?.className.match(/st-key-(\\S+)/)?.[1];
    const label = node.ariaLabel || node.labels?.[0]?.textContent || node.textContent;
    const kind = node.type === "text" ? "combobox" : node.type || node.role;
    const words = label.replace(/[0-9.,]+/g, "").trim().slice(0, 60);  // counts come and go
    const name = `${kind} ${at ?? ""}: ${words}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return `${name} #${seen.get(name)}`;
  });
}"""
# null where the page has just drawn the control anew and this one is no longer part of it
STATE = """(node) => !node.isConnected ? null : ({
  disabled: node.disabled || node.ariaDisabled === "true",
  told: node.getRootNode().getElementById(node.getAttribute("aria-describedby"))
    ?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ?? false,
  chosen: node.ariaSelected === "true" || node.ariaChecked === "true"
    || node.ariaPressed === "true"
    || (node.type === "radio" && node.checked) || /Active$/.test(node.dataset.testid ?? ""),
  why: [node.title, node.ariaDescription, node.getAttribute("aria-describedby"),
    node.closest("[data-testid=stTooltipHoverTarget]") && "tooltip",
    node.closest("fieldset, [role=group]")?.textContent].join(""),
})"""
# all that a visitor could see, less the control itself: words, shapes, pictures, the address
SEEN = """(self) => {
  const told = [location.href];
  const marks = ["aria-expanded", "aria-pressed", "aria-selected", "aria-checked", "aria-label",
    "aria-valuetext", "d", "x", "y", "x1", "y1", "width", "height", "points", "transform",
    "style", "class", "href", "open", "hidden"];
  const walk = (root) => {
    for (const node of root.childNodes) {
      if (node.nodeType === 3) told.push(node.data);
      if (node.nodeType !== 1) continue;
      if (node.matches("[data-testid=stStatusWidget], style, script")) continue;
      if (node !== self) {
        const own = node.namespaceURI.endsWith("svg") || node.getRootNode() !== document;
        const kept = own ? marks : marks.slice(0, 6);
        for (const mark of kept) told.push(String(node.getAttribute(mark)));
        told.push(node.checked, node.open, node.tagName === "INPUT" ? node.value : "");
        if (node.tagName === "CANVAS" && node.width) told.push(node.toDataURL());
      }
      walk(node);
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document.body);
  let hash = 0;
  for (const letter of told.join("|")) hash = (hash * 31 + letter.codePointAt(0)) | 0;
  return hash;
}"""


def controls(page: Page, within: str = "body") -> list[str]:
    """A signature for each visible control, in the order of the page."""
    nodes = page.locator(f"{within} >> css={CONTROLS}")
    return [name for name in nodes.evaluate_all(SIGNED) if name]


def find(page: Page, name: str, within: str = "body") -> Locator | None:
    """The control with a signature, while it is there."""
    nodes = page.locator(f"{within} >> css={CONTROLS}")
    found = nodes.evaluate_all(SIGNED)
    return nodes.nth(found.index(name)) if name in found else None


def state_of(node: Locator) -> dict:
    """Whether a control is disabled (and why), chosen or explained; asked again if redrawn."""
    for _ in range(20):
        if state := node.evaluate(STATE):
            return state
        node.page.wait_for_timeout(50)
    raise AssertionError(f"the page never stopped drawing {node} anew")


def acts(page: Page, node: Locator) -> bool:
    """Whether something but the control changes (or a file comes) when it is acted upon."""
    files = []
    page.once("download", lambda file: files.append(file))
    # Playwright's own scrolling fails where the page draws the control anew meanwhile
    node.evaluate("node => node.scrollIntoView({ block: 'center' })")
    handle = node.element_handle()
    node.focus()
    before = page.evaluate(SEEN, handle)
    for deed in deeds(page, node):
        if deed() is ALONE:
            return True
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            page.wait_for_timeout(30)
            if files or page.evaluate(SEEN, handle) != before:
                return True
    return False


def deeds(page: Page, node: Locator) -> Iterator:
    """What a visitor would do with a control, one after the other until something happens."""
    kind = node.evaluate("node => node.type === 'text' ? node.role : node.type || node.role")
    if kind in ("range", "slider"):
        yield lambda: page.keyboard.press("ArrowRight")
        yield lambda: page.keyboard.press("ArrowLeft")
    elif kind in ("checkbox", "radio"):
        yield lambda: page.keyboard.press(" ")
    elif kind == "select-one":
        yield lambda: page.keyboard.press("ArrowDown")
        yield lambda: page.keyboard.press("ArrowUp")
    elif kind == "combobox":
        yield lambda: other(page, node)
    else:
        yield lambda: node.click(timeout=5_000)
        yield lambda: page.keyboard.press("ArrowRight")  # a point on a plane, which is dragged


def other(page: Page, node: Locator) -> object:
    """Choose an option that is not the present one; ALONE when there is no other."""
    node.click()
    page.get_by_role("option").first.wait_for()
    others = page.get_by_role("option", selected=False)
    if not others.count():
        page.keyboard.press("Escape")
        return ALONE
    others.last.click()
    return None
