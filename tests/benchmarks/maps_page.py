"""The same points as our two linked maps, or as Plotly's scattergl: ?n=100000&how=ours."""

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.subplots import make_subplots

sys.path.insert(0, str(Path(__file__).parents[2]))
from app.parts.map import color_by_class, linked_maps, points_of

n, how = int(st.query_params.get("n", 10_000)), st.query_params.get("how", "ours")
st.set_page_config(layout="wide")
st.title("Two maps")
draw = np.random.default_rng(0)
topic = draw.integers(0, 12, n)
left = draw.normal(0, 6, (12, 2))[topic] + draw.normal(0, 1, (n, 2))
right = left + draw.normal(0, 0.7, (n, 2))
names = ["bad", "fair", "good", "excellent"]

if how == "ours":
    color = color_by_class("Label", topic % 4, names)
    linked_maps(points_of(range(n), left, right), color, key="map", on_change=lambda: None)
else:
    figure = make_subplots(1, 2)
    for column, side in ((1, left), (2, right)):
        for code, name in enumerate(names):
            x, y = side[topic % 4 == code].astype(np.float32).T
            trace = go.Scattergl(x=x, y=y, mode="markers", marker={"size": 3}, name=name)
            figure.add_trace(trace, 1, column)
    figure.update_layout(dragmode=how, height=460).update_xaxes(matches="x").update_yaxes(
        matches="y"
    )
    select = "rerun" if how == "lasso" else "ignore"
    st.plotly_chart(figure, key="map", config={"scrollZoom": True}, on_select=select)
st.text("drawn")
