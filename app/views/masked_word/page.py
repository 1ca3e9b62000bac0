"""Masked word: what would a language model write in the gap, and what does its student know?"""

import streamlit as st

from app.views.masked_word import distilbert, finding, models, picture, sentence, topk


@st.fragment
def _page() -> None:
    top = st.container()  # the finding waits for the models; the page does not
    sentence.draw()
    pair = models.ask(sentence.shown())
    with top:
        finding.draw(pair)
    if not pair.problem:
        teacher, student = pair.filled
        sentence.mark_unknown(pair.sentence, {"teacher": teacher, "student": student})
        picture.draw(pair)
    models.draw(pair)


_page()
distilbert.draw()
topk.draw()
