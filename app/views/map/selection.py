"""The picked pairs: what they share, on to Compare as a slice, and the points as files."""

import io
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from app import services, state
from app.kit.texts import counted, csv, percent
from app.services.selection import picked
from app.shell import frame
from app.state.compare import NO_FILTERS
from app.views.map import choices
from app.views.map.queries import summary
from app.views.map.queries.maps import interval_of
from app.views.map.scene import Scene

ATLAS = (
    'For Embedding Atlas: `embedding-atlas map_points.parquet --text title --x "x right" '
    '--y "y right"`; any reader of Parquet opens it.'
)


def announce(board: services.Board) -> bool:
    """Tell the top bar how many pairs are picked; True when it shows an outdated text."""
    rows = choices.picked_rows(board)
    words = f"{len(rows):,} of {len(board.pairs):,} pairs picked" if len(rows) else ""
    return frame.selected(words)


def draw(scene: Scene) -> None:
    """What is picked, the way to Compare, and the downloads."""
    rows = choices.picked_rows(scene.board)
    with st.container(horizontal=True, vertical_alignment="center", key="map_selection"):
        if len(rows):
            st.text(_words(scene, rows))
            if scene.board.ready and st.button(
                "Open these pairs in Compare", icon=":material/arrow_forward:", key="map_compare"
            ):
                name = f"{picked.KIND}{state.now().map.selected}"
                state.correct(compare=NO_FILTERS | {"slice": name, "page": 1})
                st.switch_page("views/compare/page.py")
            st.button(
                "Clear the selection", key="map_clear", on_click=_clear, icon=":material/close:"
            )
        else:
            st.caption(
                "Nothing is picked: draw a lasso around points, or select by numbers under the "
                "maps; the picked pairs go on to Compare as a slice."
            )
    with st.container(horizontal=True, vertical_alignment="center", key="map_files"):
        st.download_button(
            "Points as CSV",
            partial(_csv, scene),
            file_name="map_points.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row per pair: texts, label, both places, neighbors in common, P(relevant).",
        )
        st.download_button(
            "Open elsewhere (Parquet)",
            partial(_parquet, scene),
            file_name="map_points.parquet",
            mime="application/vnd.apache.parquet",
            icon=":material/open_in_new:",
            on_click="ignore",
            help=ATLAS,
        )


def _words(scene: Scene, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> str:
    """How many pairs are picked, and how many neighbors they have in common."""
    inside = np.isin(scene.rows, rows)
    shared = scene.maps.shared[inside]
    measured = shared[np.isfinite(shared)]
    text = f"{counted(len(rows), 'pair')} picked"
    if not len(measured):
        return f"{text}."
    text += f": {_share(scene, inside)} of their neighbors are common"
    rest = np.isfinite(scene.maps.shared) & ~inside
    return f"{text}, {_share(scene, rest)} of those of other pairs." if rest.any() else f"{text}."


def _share(scene: Scene, inside: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> str:
    """The mean overlap of some pairs, with its 95 % interval over queries and its n."""
    some = inside & np.isfinite(scene.maps.shared)
    shared = scene.maps.shared[some]
    low, high = interval_of(shared, scene.board.pairs.query_ids[scene.rows][some])
    ends = f" [{100 * low:.1f}, {100 * high:.1f}]" if np.isfinite(low) else ""
    return f"{percent(float(shared.mean()), 1)}{ends} (n = {len(shared):,})"


def _csv(scene: Scene) -> bytes:
    return csv(_points(scene), scene.made_from).encode("utf-8", "backslashreplace")


def _parquet(scene: Scene) -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pandas(_points(scene), preserve_index=False)
    origin = {"made_from": scene.made_from}
    metadata = {**(table.schema.metadata or {}), **origin}
    pq.write_table(table.replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()


def _points(scene: Scene) -> pd.DataFrame:
    table = summary.points(scene)
    rows = choices.picked_rows(scene.board)
    return table.assign(picked=np.isin(scene.rows, rows)) if len(rows) else table


def _clear() -> None:
    state.change(**state.nested(choices.without_selection()))
