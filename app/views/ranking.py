"""Ranking: what would a searcher and an advertiser notice?"""

from importlib import import_module

import streamlit as st

from app import controls, services, state

TABS = {
    "density": "Label density",
    "ndcg": "nDCG",
    "lists": "Lists",
    "auction": "Auction",
}
controls.bound(
    st.segmented_control,
    "rtab",
    "Part of the page",
    options=list(TABS),
    format_func=lambda key: TABS[key],
    required=True,
    label_visibility="collapsed",
)
# only the open part is imported and run; the state lets no other name through
part = import_module(f"app.panels.ranking_{state.now().rtab}")
part.draw(services.board())
