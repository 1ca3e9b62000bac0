"""The frame of the app and its navigation; each page is a file in views/."""

import sys
from pathlib import Path

if (_ROOT := str(Path(__file__).parents[1])) not in sys.path:  # `streamlit run` from a checkout
    sys.path.insert(0, _ROOT)

import streamlit as st

from app import frame, look, presenting, state
from app.components import address, lead_to
from app.panels import keep, lesson
from app.rail import PAGES
from kdcore.errors import LabError

WITHOUT_PICKERS = ("Masked word", "Distill")  # they choose their models themselves
VIEWS = Path(__file__).parent / "views"

st.set_page_config("KD Lab", page_icon=str(look.ICON), layout="wide", initial_sidebar_state=210)
st.logo(str(look.LOGO), size="large")
look.style()
target = frame.follow_link()
presenting.style()
pages = [
    st.Page(VIEWS / f"{name}.py", title=title, icon=icon, default=name == "start")
    for name, title, icon in PAGES
]
page = st.navigation(pages)
if target is not None and target != page.url_path:
    st.switch_page(next((p for p in pages if p.url_path == target), pages[0]))
address.answer(page.url_path)
try:
    told = frame.open_page(page.title, keep.draw, pickers=page.title not in WITHOUT_PICKERS)
    lesson.offer()
    lesson.draw()
    page.run()
    lead_to.draw_next()
    frame.banner(told)
except LabError as cause:
    frame.trouble(cause)
address.settle(page.url_path, [p.url_path for p in pages], state.address(), state.MARKS)
