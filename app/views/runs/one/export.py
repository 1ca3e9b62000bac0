"""The box "Keep" of one run: its student to take along, its report, its settings, its curves."""

import shlex
from importlib.util import find_spec

import streamlit as st
import yaml

from app import services
from app.kit.texts import file_size, md
from app.state import keys
from app.views.runs.queries import exports
from app.views.runs.queries.exports import Export, Kind
from kdcore.errors import LabError
from kdcore.export.formats import FORMATS, Format
from kdcore.runs.store import Run
from kdcore.runs.trackers.log import TENSORBOARD
from kdcore.runs.trackers.mlflow import remembered

_WAIT = {
    "report": "Measuring and drawing…",
    "onnx": "Writing folder and ONNX, then testing both; this takes a minute…",
    "int8": "Writing ONNX with int8 weights, then scoring the test pairs; this takes minutes…",
    "static": "Passing each token through the tower, then scoring the test pairs…",
}
_USUAL_WAIT = "Exporting, then testing the export in a clean process…"
_INT8 = Format(
    "ONNX with int8 weights",
    "model.int8.onnx beside model.onnx; its loss in ROC-AUC and its gain in time are measured.",
)
_FORMS: dict[Kind, Format] = {**FORMATS, "int8": _INT8}
_NEEDS_ONNX = ("onnx", "int8")


def draw(run: Run) -> None:
    """What can be taken out of the lab; an export at work is followed by itself."""
    st.markdown("**Keep**")
    live = _is_working(run)
    st.session_state[keys.EXPORTS_LIVE] = live
    st.fragment(_box, run_every=1.0 if live else None)(run)


def settings(run: Run) -> str:
    """The run's settings as YAML, as `--config` takes them."""
    return yaml.safe_dump(run.settings, sort_keys=False, allow_unicode=True)


def _is_working(run: Run) -> bool:
    return any(exports.standing(run, kind).state == "working" for kind in (*_FORMS, "report"))


def _box(run: Run) -> None:
    if st.session_state.get(keys.EXPORTS_LIVE) and not _is_working(run):
        st.session_state[keys.EXPORTS_LIVE] = False
        st.rerun()
    closed = services.public()
    if closed:
        st.caption(f":material/lock: {md(services.PUBLIC_REASON)}")
    with st.container(border=True, key="runs_keep"):
        _student(run)
        _offer(
            run,
            "report",
            "Report of the run",
            "One HTML file that opens offline: curves, verdict, metrics, data, settings, command.",
        )
        st.download_button(
            "Settings (YAML)",
            settings(run),
            f"{run.id}.yaml",
            "application/yaml",
            icon=":material/download:",
            on_click="ignore",
            key="keep_yaml",
            width="stretch",
            help="`kdlab distill`, `finetune` or `teach` with `--config FILE` runs them again.",
        )
        _trackers(run, closed)


def _student(run: Run) -> None:
    """Offer the model in a format of the visitor's choice; say why others are impossible."""
    what = "Classifier" if run.stage == "teach" else "Student"
    reasons = {kind: exports.reason(run, kind) for kind in _FORMS}
    possible = [kind for kind in _FORMS if not reasons[kind]]
    kind = st.selectbox(
        f"Format of the {what.lower()}",
        possible,
        format_func=lambda each: _FORMS[each].title,
        key="keep_form",
        disabled=services.public(),
    )
    st.caption(md(_FORMS[kind].summary))
    if impossible := [
        f"{_FORMS[each].title}: {reasons[each]}" for each in reasons if reasons[each]
    ]:
        with st.popover("Why not other formats?", type="tertiary"):
            st.caption("Not possible for this run:")
            for text in impossible:
                st.caption(md(text))
    # looked for and not imported, which takes seconds
    able = kind not in _NEEDS_ONNX or all(map(find_spec, ("onnx", "onnxruntime", "onnxscript")))
    if not able:
        st.caption("It needs packages that are not installed: pip install 'kdlab[export]'")
        return
    _offer(
        run,
        kind,
        f"{what} as a folder" if kind == "folder" else f"{what}: {_FORMS[kind].title}",
        "Weights and a model card whose lines run as they are. Tested in a clean process where the "
        "library that loads it is installed; the sentence below says what was tested.",
    )


def _offer(run: Run, kind: Kind, label: str, help: str) -> None:
    """A button that exports it; afterwards the button that hands it over, and what was checked."""
    export = exports.standing(run, kind)
    if export.state == "done":
        _hand_over(run, kind, label, export)
        return
    working = export.state == "working"
    pressed = st.button(
        f"Make: {label}",
        icon=":material/hourglass_top:" if working else ":material/package_2:",
        disabled=services.public() or working,
        key=f"keep_make_{kind}",
        width="stretch",
        help=help,
    )
    if pressed:
        try:
            exports.start(run, kind)
            st.rerun()  # the whole page, so that the box follows the work from now on
        except LabError as cause:
            st.toast(md(str(cause)))
    if working:
        st.caption(_WAIT.get(kind, _USUAL_WAIT))
    elif export.state == "failed":
        st.error(md(export.sentence), icon=":material/error:")


def _hand_over(run: Run, kind: Kind, label: str, export: Export) -> None:
    st.download_button(
        f"{label} ({file_size(1e6 * export.megabytes)})",
        lambda: exports.content(run, kind),
        export.name,
        "text/html" if kind == "report" else "application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key=f"keep_take_{kind}",
        width="stretch",
    )
    if export.sentence:
        icon = "help" if export.sentence.startswith("Not checked") else "verified"
        st.caption(f":material/{icon}: {md(export.sentence)}")


def _trackers(run: Run, closed: bool) -> None:
    """Where else its curves stand: TensorBoard's files, and MLflow."""
    folder = run.folder / TENSORBOARD
    if not folder.is_dir():
        st.caption("It has no TensorBoard files: it was trained before the lab wrote them.")
    elif closed:
        st.caption("Its curves are also saved for TensorBoard.")
    else:
        st.caption("Its curves in TensorBoard (pip install tensorboard):")
        command = f"tensorboard --logdir {shlex.quote(str(folder))}"
        st.code(command, language="bash", wrap_lines=True)
    if (tracked := remembered(run.folder)) is not None and not closed:
        address, name = tracked
        st.caption(f"In MLflow: run {md(name)} at {md(address)}.")
