"""What went wrong with a run: the plain cause, what is saved, and a change that would help."""

import re

import streamlit as st

from app import services
from app.kit import error_box
from app.kit.texts import md
from app.services import access, draft
from app.views.distill import queue
from app.views.distill.queries import new_teacher, runs
from kdcore.errors import Change
from kdcore.knobs import flat
from kdcore.runs.store import Run, Status

_FOLDERS = re.compile(r"(?<![\w/])/(?:[^\s/'\":;,]+/)+")  # a public showing names no folder
_NAMES = {
    "training.batch_size": "Batch size",
    "training.learning_rate": "Learning rate",
    "device": "Device",
}
_ENDS = {
    "failed": "This run failed",
    "lost": "This run was lost",
    "broken": "This run cannot be read",
}


def draw(run: Run) -> None:
    """Draw the cause, the checkpoint and the buttons that lead on; nothing while all is well."""
    status = run.status()
    if status.state == "stopped":
        st.info(_paused(run, status))
    elif status.state in _ENDS:
        st.error(f"**{_ENDS[status.state]}.** {_cause(status)}\n\n{_saved(run, status)}")
    else:
        return
    changes = suggestions(run, status.change)
    vain = not status.step and status.cause in ("settings", "data")  # it would fail again
    with st.container(horizontal=True, gap="small", key="distill_trouble"):
        if status.state != "broken" and runs.is_own(run):
            _resume(run, primary=not (changes or vain))
        for label, changed in changes:
            if st.button(
                label,
                icon=":material/edit:",
                key=f"mend_{label}",
                type="primary",
                help="Puts this change into the form above; nothing starts yet.",
            ):
                with error_box.guard():
                    fill = new_teacher.prefill if run.stage == "finetune" else draft.prefill
                    fill(run, changed)
                    st.rerun()
    if status.state in ("failed", "broken") and not services.public():
        _log(run)


def suggestions(run: Run, change: Change) -> list[tuple[str, dict[str, object]]]:
    """Settings that would help, each with the words of its button; none that the run has."""
    now = flat(run.settings)
    return [
        (f"{_NAMES[path]} {now[path]} → {value}", {path: str(value)})
        for path, value in change.items()
        if path in _NAMES and path in now and now[path] != value
    ]


def _has_checkpoint(run: Run) -> bool:
    return (run.checkpoint_folder / "checkpoint.json").is_file()


def _paused(run: Run, status: Status) -> str:
    if not _has_checkpoint(run):
        return "**Paused** before its first checkpoint; Resume starts over."
    of = f" of {status.total_steps:,}" if status.total_steps else ""
    return f"**Paused at step {status.step:,}{of}**; Resume continues from there."


def _saved(run: Run, status: Status) -> str:
    if not _has_checkpoint(run):
        return "There is no checkpoint yet; Resume starts over."
    return (
        f"The last checkpoint is saved (the run had reached step {status.step:,}); Resume "
        "continues from there."
    )


def _cause(status: Status) -> str:
    """The message as Markdown, its problems as bullets."""
    message = status.for_app
    if services.public():
        message = _FOLDERS.sub("…/", message)
    head, *rest = (message[:1].upper() + message[1:]).split("\n")
    bullets = [f"- {md(line[2:])}" if line.startswith("- ") else md(line) for line in rest]
    return "\n".join([md(head), *([""] if bullets else []), *bullets])


def _resume(run: Run, primary: bool) -> None:
    if st.button(
        "Resume",
        icon=":material/play_arrow:",
        key=f"resume_{run.id}",
        type="primary" if primary else "secondary",
        **access.unless_public("Wait for a device and go on from the checkpoint."),
    ):
        queue.act("resume", run.id)


def _log(run: Run) -> None:
    """The end of the log, folded."""
    try:
        with run.log_path.open("rb") as file:
            file.seek(max(run.log_path.stat().st_size - 4000, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return
    with st.expander("The end of its log"):
        st.code(text, language=None)
