"""A page for a projector: larger type, no navigation; and what a link hides by name.

`present=1` in a link presents the page. `hide=finding,exports` leaves out the named parts, so that
a lecturer can show one thing at a time.
"""

import streamlit as st

from app import state
from app.kit.texts import md

_SAVE = '.st-key-top_bar > [data-testid="stLayoutWrapper"]'
_CHOICES = ", ".join(f".st-key-w_{name}" for name in ("ttab", "ctab", "rtab", "dtab", "rview"))

# name in a link -> the rule that hides it; parts of a picture are reached by a property
HIDEABLE = {
    "rail": '[data-testid="stSidebar"], [data-testid="stHeader"] { display: none; }',
    "pickers": '.st-key-top_bar > [class*="st-key-pick_"], .st-key-ranking_controls '
    "{ display: none; }",
    "save": f"{_SAVE} {{ display: none; }}",
    "link": ".st-key-frame_bar { display: none; }",
    "title": '[data-testid="stElementContainer"]:has(h1) { display: none; }',
    "finding": ".st-key-finding { display: none; }",
    "tabs": f"{_CHOICES} {{ display: none; }}",
    "exports": '[class*="st-key-tools_"] { display: none; }',
    "pair": ".st-key-temperature_left { display: none; }",
    "tools": ".stApp { --kd-tools: none; }",
    "marks": ".stApp { --kd-marks: none; }",
    "legend": ".stApp { --kd-legend: none; }",
}
# what a presentation hides by itself
_PRESENTED = ("rail", "pickers", "tabs", "save", "link", "exports")
_TYPE = """
html { font-size: clamp(18px, 1.45vw, 30px) !important; }
.stApp { --kd-type: 1.2; }
.stPlotlyChart text { font-size: 15px !important; }
.stMainBlockContainer { padding: 0.6rem 1.4rem 1.5rem; max-width: none; }
.st-key-top_bar { position: fixed; top: 0.3rem; right: 0.6rem; z-index: 1000; width: auto; }
.st-key-top_bar { opacity: 0.45; }
.st-key-top_bar:hover, .st-key-top_bar:focus-within { opacity: 1; }
.st-key-finding { padding-right: 5rem; }
h1 { padding-right: 6rem !important; }
"""


def style() -> None:
    """Put the rules of the presentation and of the hidden parts into the page."""
    now = state.now()
    names = [name.strip() for name in now.hidden_parts.split(",") if name.strip()]
    for name in names:
        if name not in HIDEABLE:
            state.ignore(f"hide: {md(name)} is none of {', '.join(HIDEABLE)}")
    hidden = dict.fromkeys([*(_PRESENTED if now.presenting else ()), *names])
    rules = [HIDEABLE[name] for name in hidden if name in HIDEABLE]
    if now.presenting:
        rules.append(_TYPE)
    if rules:
        st.html("<style>" + "\n".join(rules) + "</style>")
