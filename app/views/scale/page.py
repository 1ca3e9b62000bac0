"""Scale: sizes of the deck's and this lab's models, and what more parameters bring."""

from collections.abc import Callable

import streamlit as st

from app import state
from app.kit import controls
from app.shell import frame

VIEWS = {
    "sizes": "Model sizes",
    "glue": "GLUE scores",
    "runs": "Performance against parameters",
}


def open_part() -> Callable[[], str]:
    """What draws the open part and returns its finding; the others are not even imported."""
    match state.now().scale.tab:
        case "glue":
            from app.views.scale.glue import draw
        case "runs":
            from app.views.scale.performance import draw
        case _:
            from app.views.scale.sizes import draw
    return draw


top = st.container()
with st.container(key="scale_views"):
    controls.choose("scale.tab", "Picture", VIEWS)
sentence = open_part()()
with top:
    frame.finding(sentence)
