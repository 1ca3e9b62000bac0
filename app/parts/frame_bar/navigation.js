// The navigation for a screen reader: Streamlit puts its sections as plain boxes into one list.

const SECTIONS = '[data-testid="stSidebarNavItems"]';

/** Make each section of the navigation a list under its own name; the outer list is none. */
export function nameSections() {
  const outer = document.querySelector(SECTIONS);
  if (!outer || outer.getAttribute("role") === "presentation") return;
  outer.setAttribute("role", "presentation");
  for (const section of outer.children) {
    const title = section.querySelector('[data-testid="stNavSectionHeader"]')?.textContent;
    section.setAttribute("role", "list");
    section.setAttribute("aria-label", title.replace("expand_more", "").trim());
  }
}

/** Do it again whenever the side bar is drawn anew, as on a phone where it opens and closes. */
export function watchSections() {
  nameSections();
  const watch = new MutationObserver(nameSections);
  const sidebar = document.querySelector('[data-testid="stSidebar"]')?.parentElement;
  if (sidebar) watch.observe(sidebar, { childList: true, subtree: true });
  return () => watch.disconnect();
}
