"""The frame of the app and its navigation; each page is a folder in views/."""

import sys
from pathlib import Path

if (_ROOT := str(Path(__file__).parents[1])) not in sys.path:  # `streamlit run` from a checkout
    sys.path.insert(0, _ROOT)

import streamlit as st

from app import state
from app.parts import address, lead_to
from app.shell import frame, lesson, look, presenting, save
from app.shell.pages import PAGES, SECTIONS, WITHOUT_PICKERS
from kdcore.errors import LabError

st.set_page_config("KD Lab", page_icon=str(look.ICON), layout="wide", initial_sidebar_state=210)
st.logo(str(look.LOGO), size="large")
look.style()
target = frame.follow_link()
presenting.style()
pages = [
    st.Page(p.script, title=p.title, icon=p.icon, url_path=p.name, default=p is PAGES[0])
    for p in PAGES
]
page = st.navigation(
    {
        section: [entry for p, entry in zip(PAGES, pages, strict=True) if p.section == section]
        for section in SECTIONS
    },
    expanded=True,  # else Streamlit folds all pages behind the tenth
)
if target is not None and target != page.url_path:
    st.switch_page(next((p for p in pages if p.url_path == target), pages[0]))
address.answer(page.url_path)
try:
    banner = frame.open_page(page.title, save.draw, pickers=page.title not in WITHOUT_PICKERS)
    lesson.offer()
    lesson.draw()
    page.run()
    lead_to.draw_next()
    frame.banner(banner)
except LabError as cause:
    frame.trouble(cause)
address.settle(page.url_path, [p.url_path for p in pages], state.address(), state.MARKS)
