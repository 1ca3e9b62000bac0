"""Who works and who waits: the devices, the line before them, and what can be done with a run.

It refreshes itself while something lives; the page as a whole reruns only when a run begins to
live or has ended.
"""

from dataclasses import replace

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.services.live import run as live
from app.state import keys
from app.views.distill import devices
from app.views.distill.queries import runs
from app.views.distill.queries.runs import DeviceQueue, Line
from kdcore.errors import LabError

_EVERY = 2.0
_ASKED = {
    "pause": "pausing: a checkpoint is being written",
    "keep": "stopping; the best step so far is saved and evaluated",
    "discard": "being discarded",
    "stays": "it could not be discarded; try again, or end it where it runs",
}


def draw() -> None:
    """Devices and queue, followed while something lives."""
    now = runs.device_queue()
    st.session_state[keys.RUNS_LIVE] = now.ids
    st.fragment(_watch, run_every=_EVERY if now.lines else None)()


def _watch() -> None:
    now = runs.device_queue()
    if now.ids != st.session_state.get(keys.RUNS_LIVE):
        st.session_state[keys.RUNS_LIVE] = now.ids
        runs.ended()
        st.rerun()
    devices.draw(now)
    if not now.lines:
        st.caption("No runs are running or queued. What you start waits here for a free device.")
    above = {line.run.id for line in in_bar(now)}
    for line in now.lines:
        with st.container(border=True, gap="xsmall", key=f"run_{line.run.id}"):
            _line(line, above=line.run.id in above)


def in_bar(now: DeviceQueue) -> list[Line]:
    """The shown run and its twin while queued or running: controls are in the bar above."""
    shown = live.find(state.now().distill.run)
    twin = live.twin_of(shown) if shown is not None else None
    ids = [run.id for run in (shown, twin) if run is not None]
    return [line for line in now.lines if line.run.id in ids]


def standing(line: Line) -> str:
    """Where a run stands, in a few words: its place in the line, what it does, or its step."""
    if line.asked:
        return _ASKED.get(line.asked, line.asked)
    if line.place:
        return f"number {line.place} in line for {_wanted(line.device)}"
    steps = f"step {line.step:,} of {line.total:,}" if line.total else "starting"
    return f"{runs.doing(line.stage) or steps} · {md(line.device)}"


def _line(line: Line, above: bool) -> None:
    """A run in the line. above: its controls stand in the bar at the top of the page."""
    role = " · the twin" if line.role == "twin" else ""
    st.markdown(f"**{md(line.title)}**{role}")
    if line.place:
        st.caption(
            f":material/hourglass_top: Number {line.place} in line for {_wanted(line.device)}"
        )
    else:
        share = min(line.step / line.total, 1.0) if line.total else 0.0
        st.progress(share, text=standing(replace(line, asked="")))
    if line.asked:
        st.caption(_ASKED.get(line.asked, line.asked))
    with st.container(horizontal=True, gap="xsmall", key=f"deeds_{line.run.id}"):
        if state.now().distill.run != line.run.id:
            watch = "Show this run's curves and its verdict."
            _button("Watch", "visibility", "watch", line.run.id, False, watch)
        if above:
            st.caption("Its controls are in the bar at the top.", width="content")
        else:
            buttons(line)


def _wanted(device: str) -> str:
    return "the first free device" if device in ("auto", "cuda") else md(device)


def buttons(line: Line) -> None:
    """The controls of a running or queued run."""
    run_id, closed = line.run.id, services.public() or line.asked not in ("", "stays")
    if line.place:
        _button("Cancel", "close", "discard", run_id, closed, "Removes the run from the queue.")
        return
    pause = "Saves a checkpoint and frees the device; Resume continues from it."
    _button("Pause", "pause", "pause", run_id, closed, pause)
    keeps = "Ends the training now, saves the best student so far and evaluates it."
    why = f"Not now: {line.too_early}." if line.too_early else keeps
    _button("Stop and keep", "stop", "keep", run_id, closed or why != keeps, why)
    discard = "Stops the run and moves it to the trash; Runs can restore it for a week."
    _button("Discard", "delete", "discard", run_id, closed, discard)


def _button(label: str, icon: str, deed: str, run_id: str, closed: bool, help: str) -> None:
    pressed = st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{deed}_{run_id}",
        disabled=closed,
        help=services.PUBLIC_REASON if services.public() and deed != "watch" else help,
        type="tertiary" if deed == "watch" else "secondary",
    )
    if pressed:
        do(deed, run_id)


def do(deed: str, run_id: str) -> None:
    """Carry out what a button says; what stands in its way is told in words."""
    if deed == "watch":
        state.change(distill={"run": run_id})
        st.rerun()
    try:
        if said := runs.act(deed, run_id):
            st.toast(said, icon=":material/info:")
        if deed == "discard" and state.now().distill.run == run_id:
            state.change(distill={"run": ""})
    except LabError as error:
        error_box.draw(*error_box.words(error))
        return
    st.rerun()
