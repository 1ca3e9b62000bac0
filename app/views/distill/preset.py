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
        titles = {key: preset.title for key, preset in PRESETS.items()}
        controls.choose("distill.preset", "Start from", titles, on_change=_choose, args=())
        changes = draft.beyond(now)
        if changes:  # another experiment than the one whose result the preset promises
            _changes(now, changes)
        else:
            st.markdown(md(PRESETS[now.preset].summary))
            st.caption(md(PRESETS[now.preset].promise))


def _choose() -> None:
    """Another preset is another experiment: the changes of the one before stay behind."""
    if chosen := st.session_state.get("w_preset"):
        state.change(distill={"preset": chosen, "settings": ""})


def _changes(now: Draft, changes: draft.Changed) -> None:
    preset = draft_of(now.preset, {})
    texts = [
        f"{_name(path)} {md(_value(path, preset.at(path)))} → **{md(_value(path, value))}**"
        for path, value in changes.items()
    ]
    with st.container(horizontal=True, vertical_alignment="center", key="distill_changed"):
        st.markdown(f":material/edit: Changed from the preset: {'; '.join(texts)}", width="content")
        st.button(
            "Back to the preset",
            on_click=state.change,
            kwargs={"distill": {"settings": ""}},
            key="distill_reset",
            type="tertiary",
            icon=":material/undo:",
        )


def _name(path: str) -> str:
    """A setting in words: the last part of its path, or the group where that says more."""
    group, _, name = path.rpartition(".")
    if name in ("name", "params"):
        return md(group.rpartition(".")[2])
    return md(title_of(name).lower())


def _value(path: str, value: object) -> str:
    """A value in words; a teacher by its title."""
    run = live.find(Path(str(value)).name) if path == "teacher" and value else None
    if run:
        return run.shown_title
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
