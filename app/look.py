"""The few rules of layout that Streamlit's theme has no word for, and the marks of the lab."""

from pathlib import Path

import streamlit as st

_ICONS = Path(__file__).parents[1] / "assets" / "icons"
ICON = _ICONS / "icon.svg"
LOGO = _ICONS / "logo.svg"

_RULES = """
<style>
.stMainBlockContainer { padding: 3.8rem 2rem 4rem; max-width: 1500px; }
.st-key-finding [data-testid="stText"] {
  font-family: inherit; font-size: 1.2rem; font-weight: 500; line-height: 1.4; white-space: normal;
}
.st-key-top_bar { row-gap: 0.25rem; column-gap: 0.6rem; }
.st-key-frame_bar { margin-left: auto; }
[data-testid="stBottomBlockContainer"] { max-width: 1500px; padding: 0.6rem 2rem 0.8rem; }
[data-testid="stBottom"]:has(.st-key-lesson) { border-top: 3px solid #E69F00; }
.st-key-lesson { gap: 0.25rem; max-height: 45vh; overflow-y: auto; }
.st-key-lesson [data-testid="stVerticalBlock"] { gap: 0.25rem; }
/* its CSV would hand formulas to a spreadsheet; the lab's own exports guard them */
[data-testid="stElementToolbar"] button[aria-label^="Download as CSV"] { display: none; }
[data-testid="stCaptionContainer"] { opacity: 0.85; }
[data-testid^="stBaseButton-primary"]:not(:disabled) p { color: light-dark(#FFFFFF, #10151C); }
h3 { font-size: 1.2rem !important; padding: 0.2rem 0 !important; }
h1 { font-size: 1.7rem !important; padding: 0 0 0.2rem !important; }
.st-key-distill_yaml textarea { font-family: "Source Code Pro", monospace; font-size: 0.9rem; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.8rem 0.9rem 4rem; }
  .st-key-top_bar > [class*="st-key-pick_"] { flex: 1 1 44%; min-width: 0; }
  .st-key-top_bar > .st-key-pick_data { flex-basis: 44%; }
  .st-key-top_bar > .st-key-pick_teacher { flex-basis: 49%; }
  .st-key-top_bar [data-testid="stSelectbox"] { width: 100% !important; }
  .st-key-top_bar [data-testid="stSelectbox"] input { font-size: 0.8rem; }
  .st-key-lesson p { font-size: 0.92rem; line-height: 1.4; }
  .st-key-finding [data-testid="stText"] { font-size: 1.05rem; }
}
</style>
"""


def style() -> None:
    """Put the rules in the page."""
    st.html(_RULES)
