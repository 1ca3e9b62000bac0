"""The box "Keep" of one run: its student to take along, its report, its settings, its curves."""

import shlex
from pathlib import Path

import streamlit as st

from app import services
from app.kit.texts import file_size, md
from app.state import keys
from app.views.runs.queries import keeping
from app.views.runs.queries.keeping import Kept, Kind
from kdcore.errors import LabError

_WAIT = {
    "folder": "Exporting, then testing the export in a clean process…",
    "onnx": "Writing folder and ONNX, and asking both; this takes a minute…",
    "report": "Measuring and drawing…",
}


def draw(run_id: str) -> None:
    """What can be taken out of the lab; what is being made is followed by itself.

    run_id: or the path of the run's folder.
    """
    st.markdown("**Keep**")
    live = _working(run_id)
    st.session_state[keys.EXPORTS_LIVE] = live
    st.fragment(_box, run_every=1.0 if live else None)(run_id)


def _working(run_id: str) -> bool:
    kinds: tuple[Kind, ...] = ("folder", "onnx", "report")
    return any(keeping.standing(run_id, kind).state == "working" for kind in kinds)


def _box(run_id: str) -> None:
    if st.session_state.get(keys.EXPORTS_LIVE) and not _working(run_id):
        st.session_state[keys.EXPORTS_LIVE] = False
        st.rerun()
    closed = services.public()
    if closed:
        st.caption(f":material/lock: {md(services.PUBLIC_REASON)}")
    with st.container(border=True, key="runs_keep"):
        _offered(
            run_id,
            "onnx" if _with_onnx(closed) else "folder",
            "Student as a folder",
            "Weights, a script of ten lines' use that needs no lab, and a model card; plain "
            "transformers loads a cross-encoder. Checked before it is handed over.",
            closed,
        )
        _offered(
            run_id,
            "report",
            "Report of the run",
            "One HTML file that opens offline: curves, verdict, metrics, data, settings, command.",
            closed,
        )
        _settings(run_id)
        _elsewhere(run_id, closed)


def _with_onnx(closed: bool) -> bool:
    able = keeping.onnx_possible()
    return st.checkbox(
        "As ONNX too",
        disabled=closed or not able,
        key="keep_onnx",
        help="One file for onnxruntime, checked to give the same logits."
        if able
        else "Needs packages that are not here: pip install 'kdlab[export]'",
    )


def _settings(run_id: str) -> None:
    st.download_button(
        "Settings (YAML)",
        keeping.settings(run_id),
        f"{Path(run_id).name}.yaml",
        "application/yaml",
        icon=":material/download:",
        on_click="ignore",
        key="keep_yaml",
        width="stretch",
        help="`kdlab distill --config FILE` or `kdlab finetune --config FILE` runs them again.",
    )


def _offered(run_id: str, kind: Kind, label: str, meaning: str, closed: bool) -> None:
    """A button that makes it; once made, the button that hands it over and what was checked."""
    state_now = keeping.standing(run_id, kind)
    if state_now.state == "done":
        _hand_over(run_id, kind, label, state_now)
        return
    if st.button(
        f"Make: {label}",
        icon=":material/hourglass_top:" if state_now.state == "working" else ":material/package_2:",
        disabled=closed or state_now.state == "working",
        key=f"keep_make_{kind}",
        width="stretch",
        help=meaning,
    ):
        _start(run_id, kind)
    if state_now.state == "working":
        st.caption(_WAIT[kind])
    elif state_now.state == "failed":
        st.error(md(state_now.sentence), icon=":material/error:")


def _hand_over(run_id: str, kind: Kind, label: str, kept: Kept) -> None:
    st.download_button(
        f"{label} ({file_size(1e6 * kept.megabytes)})",
        lambda: keeping.content(run_id, kind),
        kept.name,
        "text/html" if kind == "report" else "application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key=f"keep_take_{kind}",
        width="stretch",
    )
    if kept.sentence:
        st.caption(f":material/verified: {md(kept.sentence)}")


def _start(run_id: str, kind: Kind) -> None:
    try:
        keeping.start(run_id, kind)
    except LabError as cause:
        st.toast(md(str(cause)))
        return
    st.rerun()  # the whole page, so that the box follows the work from now on


def _elsewhere(run_id: str, closed: bool) -> None:
    """Where else its curves stand: TensorBoard's files, and MLflow."""
    folder = keeping.board_folder(run_id)
    if folder is None:
        st.caption("It has no TensorBoard files: it was trained before the lab wrote them.")
    elif closed:
        st.caption("Its curves are also saved for TensorBoard.")
    else:
        st.caption("Its curves in TensorBoard (pip install tensorboard):")
        st.code(
            f"tensorboard --logdir {shlex.quote(str(folder))}", language="bash", wrap_lines=True
        )
    if (address := keeping.mlflow_run(run_id)) is not None and not closed:
        st.caption(f"In MLflow: run {md(address[1])} at {md(address[0])}.")
