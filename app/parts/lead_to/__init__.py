"""Brings a part of the page to the top of the view: where a visitor's act has led."""

import time

import streamlit as st

from app.kit.browser_part import part
from app.state import keys

_mount = part(__name__)


def lead_to(target: str, token: str, key: str = "lead_to", focus: str = "") -> None:
    """Scroll to the first element that the CSS selector finds, once for each token.

    focus: selector of the control that gets the keyboard.
    """
    _mount(key=key, data={"target": target, "token": token, "focus": focus}, height=1)


def on_next_page(target: str, focus: str = "") -> None:
    """Let the page that is opened next scroll to a part of it, and focus a control there."""
    st.session_state[keys.LEAD_TO] = (target, focus, str(time.time()))


def draw_next() -> None:
    """Scroll to the place that the last page requested; the frame calls it once per run."""
    if place := st.session_state.get(keys.LEAD_TO):
        target, focus, token = place
        lead_to(target, token, "lead_to_next", focus)
