"""A picture of an attention map: what each token attends to."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.kit.figures.style import BACKGROUND, color, template
from app.kit.texts import plot

_LONGEST = 14  # letters of a token on an axis
_LEAST = 300  # px of height
_EACH = 21  # px for a token


def attention_map(
    tokens: Sequence[str], shares: NDArray[np.float64], role: str, dark: bool = False
) -> go.Figure:
    """One head: row by row, the share of a token's attention that goes to each token.

    shares: (tokens, tokens), rows sum to 1. The color is that of the share's square root, from 0 to
    1 in every picture, so that a share of a tenth is seen and two pictures compare.
    """
    theme = "dark" if dark else "light"
    names = [plot(t if len(t) <= _LONGEST else f"{t[: _LONGEST - 1]}…") for t in tokens]
    places = list(range(len(names)))
    figure = go.Figure(layout={"template": template(dark)})
    figure.add_heatmap(
        z=np.sqrt(shares),
        zmin=0.0,
        zmax=1.0,
        xgap=1,
        ygap=1,
        colorscale=[[0.0, BACKGROUND[theme]], [1.0, color(role, dark)]],
        showscale=False,
        customdata=[
            [(row, column, share) for column, share in zip(names, of_row, strict=True)]
            for row, of_row in zip(names, shares, strict=True)
        ],
        hovertemplate="%{customdata[0]} attends to %{customdata[1]}: "
        "%{customdata[2]:.1%}<extra></extra>",
    )
    ticks = {"tickvals": places, "ticktext": names, "showgrid": False, "tickfont": {"size": 11}}
    return figure.update_layout(
        height=_LEAST + _EACH * len(names) // 2,
        margin={"l": 92, "r": 6, "t": 8, "b": 92},
        xaxis={**ticks, "tickangle": -60},
        yaxis={**ticks, "autorange": "reversed"},
    )
