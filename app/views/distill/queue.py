"""The devices, the runs that are running or queued on them, and what can be done with each.

Both parts refresh themselves while a run is live; the page as a whole reruns only when one begins
or has ended.
"""

import streamlit as st

from app import services, state
from app.kit import error_box
from app.kit.texts import md
from app.services.live import run as live
from app.state import keys
from app.views.distill.queries import runs
from app.views.distill.queries.runs import LIVE, DeviceQueue, Line
from kdcore.runs.queue.queue import DeviceState
from kdcore.runs.store import Run

_EVERY = 2.0
_REQUESTS = {  # by Line.request
    "pause": "pausing: a checkpoint is being written",
    "keep": "stopping; the best step so far is saved and evaluated",
    "discard": "being discarded",
    "stays": "it could not be discarded; try again, or end it where it runs",
}


def draw() -> None:
    """Draw the devices and the queue."""
    now = runs.device_queue()
    st.session_state[keys.RUNS_LIVE] = now.ids
    st.fragment(_watch, run_every=_EVERY if now.lines else None)()


def draw_bar(run: Run | None) -> None:
    """Draw the controls of the shown run and its twin in a bar that stays on the screen.

    Nothing while both are over. Their own records say whether they are live: between the queue
    and its device a run is in neither.
    """
    pair = [run, live.twin_of(run)] if run is not None else []
    if any(each is not None and each.status().state in LIVE for each in pair):
        st.fragment(_bar, run_every=_EVERY)()


def _bar() -> None:
    lines = _in_bar(runs.device_queue())
    if not lines:
        return
    with st.container(key="distill_bar", gap="xxsmall"):
        for line in lines:
            _in_one_row(line, f"bar_{line.run.id}")


def _in_one_row(line: Line, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        st.markdown(f"{_title(line)} · {_standing(line)}", width="stretch")
        with st.container(horizontal=True, gap="xsmall", width="content", key=f"deeds_{key}"):
            _buttons(line)


def _watch() -> None:
    now = runs.device_queue()
    if now.ids != st.session_state.get(keys.RUNS_LIVE):
        st.session_state[keys.RUNS_LIVE] = now.ids
        runs.refresh_offers()
        st.rerun()
    if now.problem:
        st.warning(md(now.problem), icon=":material/cloud_off:")
    for device in now.devices:
        with st.container(border=True, gap="xsmall", key=f"device_{device.name}"):
            _device(device, dict(now.titles))
    if not now.lines:
        st.caption("No runs are running or queued. What you start waits here for a free device.")
    in_bar = _in_bar(now)
    for line in now.lines:
        with st.container(border=True, gap="xsmall", key=f"run_{line.run.id}"):
            _line(line, in_bar=line in in_bar)


def _device(device: DeviceState, titles: dict[str, str]) -> None:
    icon = ":material/memory:" if device.kind == "cpu" else ":material/developer_board:"
    st.markdown(f"{icon} **{md(device.title)}**")
    if device.memory_total_mb:
        total = device.memory_total_mb / 1024
        used = min(max(total - device.memory_free_mb / 1024, 0.0), total)
        st.progress(used / total, text=f"{used:,.1f} of {total:,.1f} GiB of memory used")
    names = [md(titles.get(run_id, run_id)) for run_id in device.running]
    use = "In use by " + " and ".join(names) if names else "Free"
    slots = "one run at a time" if device.slots == 1 else f"{device.slots} runs at a time"
    wait = f"; {device.waiting} waiting" if device.waiting else ""
    st.caption(f"{use}{wait}. It takes {slots}.")


def _in_bar(now: DeviceQueue) -> list[Line]:
    """The shown run and its twin while queued or running: their controls are in the bar."""
    shown = live.find(state.now().distill.run)
    twin = live.twin_of(shown) if shown is not None else None
    ids = [run.id for run in (shown, twin) if run is not None]
    return [line for line in now.lines if line.run.id in ids]


def _title(line: Line) -> str:
    return f"**{md(line.title)}**{' · the twin' if line.role == 'twin' else ''}"


def _standing(line: Line) -> str:
    """What was requested of a run, else its place in the queue, what it does, or its step."""
    if line.request:
        return _REQUESTS.get(line.request, line.request)
    return f"number {line.place} in line for {_goal(line)}" if line.place else _progress(line)


def _progress(line: Line) -> str:
    steps = f"step {line.step:,} of {line.total:,}" if line.total else "starting"
    return f"{line.activity or steps} · {md(line.device)}"


def _goal(line: Line) -> str:
    return "the first free device" if line.device in ("auto", "cuda") else md(line.device)


def _line(line: Line, in_bar: bool) -> None:
    """A run in the queue. in_bar: its controls stand in the bar at the top of the page."""
    st.markdown(_title(line))
    if line.place:
        st.caption(f":material/hourglass_top: Number {line.place} in line for {_goal(line)}")
    else:
        share = min(line.step / line.total, 1.0) if line.total else 0.0
        st.progress(share, text=_progress(line))
    if line.request:
        st.caption(_REQUESTS.get(line.request, line.request))
    with st.container(horizontal=True, gap="xsmall", key=f"deeds_{line.run.id}"):
        if state.now().distill.run != line.run.id:
            help = "Show this run's curves and its verdict."
            _button("watch", "Watch", "visibility", line.run.id, help)
        if in_bar:
            st.caption("Its controls are in the bar at the top.", width="content")
        else:
            _buttons(line)


def _buttons(line: Line) -> None:
    """The controls of a running or queued run."""
    run_id, closed = line.run.id, services.public() or line.request not in ("", "stays")
    if line.place:
        help = "Removes the run from the queue."
        _button("discard", "Cancel", "close", run_id, help, closed)
        return
    help = "Saves a checkpoint and frees the device; Resume continues from it."
    _button("pause", "Pause", "pause", run_id, help, closed)
    help = "Ends the training now, saves the best student so far and evaluates it."
    if line.too_early:
        help = f"Not now: {line.too_early}."
    _button("keep", "Stop and keep", "stop", run_id, help, closed or bool(line.too_early))
    help = "Stops the run and moves it to the trash; Runs can restore it for a week."
    _button("discard", "Discard", "delete", run_id, help, closed)


def _button(
    action: str, label: str, icon: str, run_id: str, help: str, closed: bool = False
) -> None:
    pressed = st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{action}_{run_id}",
        disabled=closed,
        help=services.PUBLIC_REASON if services.public() and action != "watch" else help,
        type="tertiary" if action == "watch" else "secondary",
    )
    if pressed:
        act(action, run_id)


def act(action: str, run_id: str) -> None:
    """Carry out what a button says; an error is drawn in words."""
    if action == "watch":
        state.change(distill={"run": run_id})
        st.rerun()
    with error_box.guard():
        if note := runs.act(action, run_id):
            st.toast(note, icon=":material/info:")
        if action == "discard" and state.now().distill.run == run_id:
            state.change(distill={"run": ""})
        st.rerun()
