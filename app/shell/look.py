"""The few rules of layout that Streamlit's theme has no word for, and the marks of the lab."""

from pathlib import Path

import streamlit as st

_ICONS = Path(__file__).parents[2] / "assets" / "icons"
ICON = _ICONS / "icon.svg"
LOGO = _ICONS / "logo.svg"

_RULES = """
<style>
.stMainBlockContainer { padding: 3.8rem 2rem 4rem; max-width: 1500px; }
@media (min-width: 769px) { /* the navigation stands beside the page, so its header is empty */
  .stMainBlockContainer { padding-top: 1rem; }
  [data-testid="stHeader"] { background: transparent; pointer-events: none; }
  [data-testid="stHeader"] > * > * { pointer-events: auto; }
}
.st-key-finding [data-testid="stText"] {
  font-family: inherit; font-size: 1.2rem; font-weight: 500; line-height: 1.4; white-space: normal;
}
[data-kd-ahead] .st-key-finding { opacity: 0.3; } /* it is of the T before the drag */
@media (min-width: 769px) { /* Compare's sentence gets shorter by a filter: the page stays */
  .stMainBlockContainer:has(.st-key-filter_rail) .st-key-finding { min-height: 3.4rem; }
}
/* the sections of the navigation are short: they do not fold */
[data-testid="stNavSectionHeader"] { pointer-events: none; }
[data-testid="stNavSectionHeader"] > div { display: none; }
.st-key-top_bar { row-gap: 0.25rem; column-gap: 0.6rem; }
.st-key-top_bar > .st-key-pick_student { flex: 1 1 245px; max-width: 330px; }
.st-key-pick_student [data-testid="stSelectbox"] { width: 100% !important; }
.st-key-frame_bar { margin-left: auto; }
[data-testid="stBottomBlockContainer"] { max-width: 1500px; padding: 0.6rem 2rem 0.8rem; }
[data-testid="stBottom"]:has(.st-key-lesson) { border-top: 3px solid #E69F00; }
.st-key-lesson { gap: 0.25rem; max-height: 45vh; overflow-y: auto; }
[data-testid="stSidebarUserContent"] button p { text-align: left; font-size: 0.85rem; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.2rem; }
.st-key-lesson [data-testid="stVerticalBlock"] { gap: 0.25rem; }
/* inside its table: above it they would lie over the controls that stand there */
[data-testid="stElementToolbar"] { top: auto !important; bottom: 4px; }
/* its CSV would hand formulas to a spreadsheet; the lab's own exports guard them */
[data-testid="stElementToolbar"] button[aria-label^="Download as CSV"] { display: none; }
[data-testid="stCaptionContainer"] { opacity: 0.85; }
[data-testid^="stBaseButton-primary"]:not(:disabled) p { color: light-dark(#FFFFFF, #10151C); }
h3 { font-size: 1.2rem !important; padding: 0.2rem 0 !important; }
h1 { font-size: 1.7rem !important; padding: 0 0 0.2rem !important; }
.stMainBlockContainer > [data-testid="stVerticalBlock"]
  > [data-testid="stLayoutWrapper"]:has(.st-key-distill_bar) {
  position: sticky; top: 3.75rem; z-index: 90; background: light-dark(#FFFFFF, #10151C);
}
.st-key-distill_bar { border-bottom: 1px solid rgba(128, 128, 128, 0.4); padding: 0.2rem 0; }
.st-key-distill_bar p { margin: 0; }
.st-key-distill_bar button { min-height: 2rem; padding: 0.1rem 0.6rem; }
.st-key-distill_yaml textarea { font-family: "Source Code Pro", monospace; font-size: 0.9rem; }
@media (max-width: 1100px) { /* a projector at 125 %: one column, a rail of icons */
  .stMainBlockContainer { padding-left: 1.2rem; padding-right: 1.2rem; }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
    flex-direction: column; gap: 0.5rem;
  }
  [data-testid="stHorizontalBlock"] > [data-testid="stColumn"] { width: 100%; flex: 1 1 auto; }
}
@media (min-width: 769px) and (max-width: 1100px) {
  section[data-testid="stSidebar"] { width: 60px !important; min-width: 60px !important; }
  .st-key-top_bar { flex-wrap: nowrap; }
  .st-key-top_bar > [class*="st-key-pick_"] { flex: 1 1 0; min-width: 0; }
  .st-key-top_bar [data-testid="stSelectbox"] { width: 100% !important; }
  [data-testid="stSidebar"] [data-testid="stSidebarCollapseButton"] { display: none; }
  [data-testid="stSidebar"] [data-testid="stSidebarHeader"] { padding: 0 14px; }
  [data-testid="stSidebar"] .stLogo { width: 32px; min-width: 32px; }
  [data-testid="stSidebar"] .stLogo { object-fit: cover; object-position: left; }
  [data-testid="stSidebarContent"] { padding: 0; }
  [data-testid="stSidebarUserContent"] { display: none; }
  [data-testid="stSidebarNav"] { padding: 0 2px; }
  [data-testid="stNavSectionHeader"] { display: none; }
  [data-testid="stSidebarNavItems"] > * + * { border-top: 1px solid rgba(128, 128, 128, 0.3); }
  [data-testid="stSidebarNavLink"] { min-height: 34px; }
  [data-testid="stSidebarNav"] [data-testid="stMarkdownContainer"] { font-size: 0; width: 0; }
}
@media (min-width: 641px) and (max-width: 1100px) { /* the pair of Temperature as flowing lines */
  .st-key-temperature_pair { flex-flow: row wrap; gap: 0 0.8rem; align-items: baseline; }
  .st-key-temperature_pair > * { width: auto; }
  .st-key-temperature_left { flex-flow: row wrap; gap: 0.5rem; }
  .st-key-temperature_left > * { width: auto; }
  .st-key-temperature_left > :first-child { flex: 1 0 100%; }
  .st-key-temperature_left > [class*="st-key-temperature_goto_"] { width: 170px; }
  [class*="st-key-temperature_goto_"] label { display: none; }
}
@media (max-height: 819px) and (min-width: 769px) { /* the navigation names the page already */
  [data-testid="stElementContainer"]:has(> .stHeading h1) {
    position: absolute; width: 1px !important; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .st-key-finding [data-testid="stText"] { font-size: 1.05rem; line-height: 1.3; }
  .stMainBlockContainer [data-testid="stVerticalBlock"] { gap: 0.6rem; }
  .stApp:has(.st-key-temperature_tab_gradient) { --kd-figures: none; } /* room for the curves */
}
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.8rem 0.9rem 4rem; }
  .st-key-top_bar > [class*="st-key-pick_"] { flex: 1 1 44%; min-width: 0; }
  .st-key-top_bar > .st-key-pick_data { flex-basis: 44%; }
  .st-key-top_bar > .st-key-pick_teacher { flex-basis: 49%; }
  .st-key-top_bar [data-testid="stSelectbox"] { width: 100% !important; }
  .st-key-top_bar [data-testid="stSelectbox"] input { font-size: 0.8rem; }
  .st-key-lesson { max-height: 36vh; }
  .st-key-lesson p { font-size: 0.88rem; line-height: 1.35; }
  .st-key-finding [data-testid="stText"] { font-size: 1.05rem; }
}
</style>
"""


def style() -> None:
    """Put the rules in the page."""
    st.html(_RULES)
