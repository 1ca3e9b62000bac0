"""The few rules of layout that Streamlit's theme has no word for, and the marks of the lab."""

from pathlib import Path

import streamlit as st

_ICONS = Path(__file__).parents[1] / "assets" / "icons"
ICON = _ICONS / "icon.svg"
LOGO = _ICONS / "logo.svg"

_RULES = """
<style>
.stMainBlockContainer { padding: 4.4rem 2rem 4rem; max-width: 1500px; }
.st-key-finding [data-testid="stText"] {
  font-family: inherit; font-size: 1.2rem; font-weight: 500; line-height: 1.4; white-space: normal;
}
.st-key-top_bar { row-gap: 0.25rem; }
h1 { font-size: 1.7rem !important; padding: 0 !important; }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4.4rem 0.9rem 4rem; }
  .st-key-top_bar [data-testid="stSelectbox"] { width: 100% !important; }
  .st-key-finding [data-testid="stText"] { font-size: 1.05rem; }
}
</style>
"""


def style() -> None:
    """Put the rules in the page."""
    st.html(_RULES)
