"""Where to begin: a preset with its promise, and what was changed of it."""

from pathlib import Path

import streamlit as st

from app import state
from app.kit import controls
from app.kit.forms import title_of
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft, draft_of
from app.services.live import run as live
from kdcore.experiments.presets import PRESETS


def draw(now: Draft) -> None:
    """The chooser, what the preset is for, and the changes that a click takes back."""
    with st.container(key="distill_preset", gap="xsmall"):
        controls.bound(
            st.segmented_control,
            "distill.preset",
            "Start from",
            options=list(PRESETS),
            format_func=lambda key: PRESETS[key].title,
            required=True,
            label_visibility="collapsed",
            on_change=_chosen,
            args=(),
        )
        about = PRESETS[now.preset]
        if not draft.beyond(now):  # another experiment than the one that is promised
            st.markdown(md(about.summary))
            st.caption(md(about.promise))
        _changes(now)


def _chosen() -> None:
    """Another preset is another experiment: the changes of the one before stay behind."""
    if chosen := st.session_state.get("w_preset"):
        state.change(distill={"preset": chosen, "settings": ""})


def _changes(now: Draft) -> None:
    changed = draft.beyond(now)
    if not changed:
        return
    usual = draft_of(now.preset, {})
    told = [
        f"{_name(path)} {md(_called(path, usual.at(path)))} → **{md(_called(path, value))}**"
        for path, value in changed.items()
    ]
    with st.container(horizontal=True, vertical_alignment="center", key="distill_changed"):
        st.markdown(f":material/edit: Changed from the preset: {'; '.join(told)}", width="content")
        st.button(
            "Back to the preset",
            on_click=state.change,
            kwargs={"distill": {"settings": ""}},
            key="distill_reset",
            type="tertiary",
            icon=":material/undo:",
        )


def _name(path: str) -> str:
    """A setting in words: the last part of its path, led by whose it is where that matters."""
    group, _, name = path.rpartition(".")
    if name in ("name", "params"):
        return md(group.rpartition(".")[2])
    return md(title_of(name).lower())


def _called(path: str, value: object) -> str:
    """A value in words; a run by its title."""
    run = live.find(Path(str(value)).name) if path == "teacher" and value else None
    return run.label if run else _said(value)


def _said(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
