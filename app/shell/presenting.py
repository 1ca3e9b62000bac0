"""A page for a projector: larger type, no navigation; and what a link hides by name.

`present=1` in a link presents the page. `hide=finding,exports` leaves out the named parts, so that
a lecturer can show one thing at a time.
"""

from pathlib import Path

import streamlit as st

from app import state
from app.kit.texts import md

_TYPE = Path(__file__).with_name("presenting.css").read_text(encoding="utf-8")
_TAB_CHOICES = ", ".join(f".st-key-w_{name}" for name in ("ttab", "ctab", "rtab", "dtab", "rview"))
_VIEWS = ".st-key-w_lview"  # of Losses, which a lecture goes through


def _hidden(selector: str) -> str:
    return f"{selector} {{ display: none; }}"


def _switched_off(name: str) -> str:
    """Parts of a picture read a property of this name as their `display`."""
    return f".stApp {{ --kd-{name}: none; }}"


# name in a link -> the rule that hides it
HIDEABLE = {
    "rail": _hidden('[data-testid="stSidebar"], [data-testid="stHeader"]'),
    "pickers": _hidden('.st-key-top_bar > [class*="st-key-pick_"], .st-key-ranking_controls'),
    "save": _hidden('.st-key-top_bar > [data-testid="stLayoutWrapper"]'),
    "link": _hidden(".st-key-frame_bar"),
    "title": _hidden('[data-testid="stElementContainer"]:has(h1)'),
    "finding": _hidden(".st-key-finding"),
    "tabs": _hidden(f"{_TAB_CHOICES}, {_VIEWS}"),
    "exports": _hidden('[class*="st-key-tools_"]'),
    "pair": _hidden(".st-key-temperature_left, .st-key-losses_pair"),
    "cards": _hidden(".st-key-losses_cards"),
    "send": _hidden(".st-key-losses_send"),
    "formulas": _hidden(".st-key-losses_numbers"),
    "tools": _switched_off("tools"),
    "marks": _switched_off("marks"),
    "legend": _switched_off("legend"),
}
_PRESENTED = ("rail", "pickers", "save", "link", "exports", "send")  # what a presentation hides


def style() -> None:
    """Put the rules of the presentation and of the hidden parts into the page."""
    now = state.now()
    names = [name.strip() for name in now.hidden_parts.split(",") if name.strip()]
    for name in names:
        if name not in HIDEABLE:
            state.ignore(f"hide: {md(name)} is none of {', '.join(HIDEABLE)}")
    hidden = dict.fromkeys([*(_PRESENTED if now.presenting else ()), *names])
    rules = [HIDEABLE[name] for name in hidden if name in HIDEABLE]
    rules += [_hidden(_TAB_CHOICES), _TYPE] if now.presenting else []
    if rules:
        st.html("<style>" + "\n".join(rules) + "</style>")
