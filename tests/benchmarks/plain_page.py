"""The plain way, for comparison: the Temperature page as st.slider and Plotly would do it."""

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from app import services
from kdcore.softlabels import soften

st.set_page_config(layout="wide")
st.title("Temperature")
board = services.board()
scheme, row = board.pairs.scheme, 0
temperature = st.slider("Temperature", 0.25, 20.0, 2.0, 0.25)
teacher, student = (
    soften(who.predictions.logits, temperature) for who in (board.teacher, board.student)
)
left, right = st.columns(2)
with left:
    bars = [
        go.Bar(y=list(scheme.grades), x=side[row], orientation="h", texttemplate="%{x:.3f}")
        for side in (teacher, student)
    ]
    st.plotly_chart(go.Figure(bars), key="bars")
with right:
    edges = np.linspace(0, 1, 61)
    counts = [np.histogram(scheme.relevance(side), edges)[0] for side in (teacher, student)]
    st.plotly_chart(go.Figure([go.Bar(x=edges[:-1], y=c) for c in counts]), key="density")
