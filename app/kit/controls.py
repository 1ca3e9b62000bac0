"""Controls that every page shares: widgets tied to the state, pictures with their exports."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app import state
from app.kit import sections, texts
from app.kit.chart_tools import Caption, chart_tools
from app.kit.figures.style import TEXT

if TYPE_CHECKING:  # Plotly costs a second; only pages that draw with it pay
    import plotly.graph_objects as go


PROJECTED = 18  # px of a picture's labels where the page is presented
LARGER = PROJECTED / 13  # times as large as on a usual page


def bound(widget: Callable[..., Any], path: str, *args: Any, **kwargs: Any) -> Any:
    """A Streamlit widget tied to a choice, so that a link sets it and it sets the link.

    bound(st.slider, "ranking.k", "Depth", min_value=1, max_value=20). Returns the widget's value.
    """
    key = f"w_{state.FIELDS[path].key}"
    if "on_change" not in kwargs:  # a page's own callback gets only the args it names
        kwargs |= {"on_change": _taken, "args": (path, key)}
    st.session_state[key] = state.value_of(state.now(), path)
    return widget(*args, key=key, **kwargs)


def choose(
    path: str,
    label: str,
    titles: Mapping[Any, str],
    *,
    label_visibility: str = "collapsed",
    **kwargs: Any,
) -> None:
    """One of a few titled values of a choice, side by side; exactly one is always chosen."""
    bound(
        st.segmented_control,
        path,
        label,
        options=list(titles),
        format_func=lambda key: titles[key],
        required=True,
        label_visibility=label_visibility,
        **kwargs,
    )


def select(path: str, label: str, titles: Mapping[Any, str], **more: Any) -> Any:
    """A choice of titled values in a box that opens; more: of st.selectbox, such as width."""
    options = list(titles)
    return bound(
        st.selectbox, path, label, options=options, format_func=lambda key: titles[key], **more
    )


def opened_row(key: str, rows: int) -> int | None:
    """The row that was opened in a table of so many; a click anywhere in it, or Enter, does it.

    The table is a `st.dataframe` of this key with selection_mode="single-cell".
    """
    table = st.session_state.get(key)
    cells = table["selection"]["cells"] if table else []
    return int(cells[0][0]) if cells and 0 <= cells[0][0] < rows else None


def _taken(path: str, key: str) -> None:
    value = st.session_state.get(key)
    if value is not None:  # a segmented control says None when its choice is clicked again
        state.change(**state.nested({path: value}))


def dark() -> bool:
    """Whether the visitor looks at the dark theme."""
    return bool(st.context.theme.type == "dark")


def chart(
    figure: "go.Figure",
    table: pd.DataFrame,
    sentence: str,
    key: str,
    made_from: str,
    caption: Caption,
) -> None:
    """A Plotly figure with its sentence, table, and exports.

    table: the numbers drawn, units in the column names; made_from: data and model hashes for the
    CSV; caption: what PNG and SVG say around the picture.
    """
    if state.now().presenting:
        figure = enlarged(figure, dark())
    with st.container(key=f"chart_{key}"):
        st.plotly_chart(
            figure, width="stretch", key=key, alt=sentence, config={"displayModeBar": False}
        )
    _numbers(key, table, sentence, caption)
    chart_tools(f"chart_{key}", texts.csv(table, made_from), sentence, key, caption)


def enlarged(figure: "go.Figure", dark: bool = False) -> "go.Figure":
    """A copy with larger type for a projector, and margins so wide that no label is cut."""
    copy = type(figure)(figure)
    own = [*copy.layout.annotations, *copy.data]
    for each in own:
        font = each["textfont" if "textfont" in each else "font"] if _has_font(each) else None
        if font is not None and isinstance(font.size, int | float):
            font.size = round(LARGER * font.size)
    margin = copy.layout.margin
    copy.update_layout(
        font={"size": PROJECTED},
        height=copy.layout.height and round(1.25 * copy.layout.height),
        margin={side: margin[side] and round(LARGER * margin[side]) for side in "lrtb"},
    )
    ink = TEXT["dark" if dark else "light"]  # the theme's own is too pale for a projector
    for axes in (copy.update_xaxes, copy.update_yaxes):
        axes(automargin=True, tickfont={"size": PROJECTED, "color": ink}, title_font_color=ink)
    return copy


def _has_font(each: Any) -> bool:
    return "textfont" in each or "font" in each


def exports(
    target: str, table: pd.DataFrame, sentence: str, made_from: str, caption: Caption | None
) -> None:
    """The same exports for a browser part drawn in `st.container(key=target)`.

    caption: what PNG and SVG say around the picture; None for a table, which has no picture.
    """
    _numbers(target, table, sentence, caption)
    chart_tools(target, texts.csv(table, made_from), sentence, target, caption)


def _numbers(key: str, table: pd.DataFrame, sentence: str, caption: Caption | None) -> None:
    """The numbers of a picture belong into the report as well, folded."""
    title = f"Numbers: {caption.title}" if caption else sentence
    sections.put(key, lambda: sections.Section(title, (sentence,), table, folded=True))
