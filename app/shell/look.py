"""The rules of layout that Streamlit's theme has no word for (look.css), and the lab's icons."""

from pathlib import Path

import streamlit as st

_ICONS = Path(__file__).parents[2] / "assets" / "icons"
ICON = _ICONS / "icon.svg"
LOGO = _ICONS / "logo.svg"
_RULES = Path(__file__).with_name("look.css").read_text(encoding="utf-8")


def style() -> None:
    """Put the rules in the page."""
    st.html(f"<style>\n{_RULES}</style>\n")
