"""The devices of this machine: what each is, what is free, who is using it."""

import streamlit as st

from app.kit.texts import md
from app.views.distill.queries.runs import DeviceQueue
from kdcore.runs.queue.queue import DeviceState


def draw(now: DeviceQueue) -> None:
    """A card a device."""
    for device in now.devices:
        with st.container(border=True, gap="xsmall", key=f"device_{device.name}"):
            _card(device, dict(now.titles))


def _card(device: DeviceState, titles: dict[str, str]) -> None:
    icon = ":material/memory:" if device.name == "cpu" else ":material/developer_board:"
    st.markdown(f"{icon} **{md(device.title)}**")
    if device.memory_total_mb:
        used = 1 - device.memory_free_mb / device.memory_total_mb
        free, total = device.memory_free_mb / 1024, device.memory_total_mb / 1024
        st.progress(
            min(max(used, 0.0), 1.0), text=f"{free:,.1f} of {total:,.1f} GiB of memory free"
        )
    names = [md(titles.get(run_id, run_id)) for run_id in device.running]
    busy = "In use by " + " and ".join(names) if names else "Free"
    slots = "one run at a time" if device.slots == 1 else f"{device.slots} runs at a time"
    wait = f"; {device.waiting} waiting" if device.waiting else ""
    st.caption(f"{busy}{wait}. It takes {slots}.")
