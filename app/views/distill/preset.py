"""Where to begin: a preset with its promise, and what was changed of it."""

from math import isnan, nan

import streamlit as st

from app import state
from app.kit.forms import title_of
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft, draft_of
from app.services.live import run as live
from app.views.distill.queries import cost
from kdcore.catalog.options import option_name
from kdcore.config.teacher import without_folders
from kdcore.experiments.presets import PRESETS
from kdcore.workspace import slug


def draw(now: Draft, train_twin: bool) -> None:
    """The chooser, what the preset is for, and the changes that a click takes back."""
    with st.container(key="distill_preset", gap="xsmall"):
        with st.container(key="distill_presets", gap="xsmall"):
            timed = now.config is not None and cost.cost(now.config, train_twin).is_timed
            for family in dict.fromkeys(preset.family for preset in PRESETS.values()):
                _family(family, now.preset, timed)
        changes = draft.beyond(now)
        if changes:  # another experiment than the one whose result the preset promises
            _changes(now, changes)
        else:
            st.markdown(md(PRESETS[now.preset].summary))
            st.caption(md(PRESETS[now.preset].promise))


def _family(family: str, chosen: str, timed: bool) -> None:
    """The presets of a family side by side, behind its name; one of all families is chosen.

    timed: each says how long it would take, since times on this machine are known.
    """
    titles = {
        key: preset.title + (_time(key) if timed else "")
        for key, preset in PRESETS.items()
        if preset.family == family
    }
    key = f"w_preset_{slug(family)}"
    st.session_state[key] = chosen if chosen in titles else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(family, width=92)
        st.pills(
            f"Start from: {family}",
            list(titles),
            format_func=lambda name: titles[name],
            key=key,
            label_visibility="collapsed",
            wrap=True,
            width="stretch",
            on_change=_choose,
            args=(key,),
        )


def _time(preset: str) -> str:
    """How long student and twin would take, in minutes or hours, where that is known."""
    config = draft_of(preset, {}).config
    seconds = cost.usual_seconds(config) if config is not None else nan
    if isnan(seconds):
        return ""
    hours, minutes = seconds / 3600, max(1, round(seconds / 60))
    return f" · {hours:.0f} h" if hours >= 1.5 else f" · {minutes} min"


def _choose(key: str) -> None:
    """Another preset is another experiment: the changes of the one before stay behind."""
    if chosen := st.session_state.get(key):  # None when the chosen one is clicked again
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
    """A setting in words: the last part of its path, with its group where that says more."""
    group, _, name = path.rpartition(".")
    first, _, rest = group.partition(".")
    if first == "schedules":
        return md(f"{_words(rest)} at the end" if name == "end" else f"change of {_words(rest)}")
    if first == "terms":
        return md(f"{_words(rest.partition('.')[0])} {_words(name)}")
    if name in ("name", "params"):
        return md(group.rpartition(".")[2])
    return md(_words(name))


def _words(name: str) -> str:
    return title_of(name).lower()


def _value(path: str, value: object) -> str:
    """A value in words; a teacher by its title."""
    if path == "teacher" and value:
        text = without_folders(str(value))
        run = live.find(text)
        return run.shown_title if run else text
    if path == "from_shards":
        return "yes" if str(value).lower() == "true" else "no"
    if value is None or value == "":
        return "none"
    if path.endswith((".loss", ".on")):
        return option_name(str(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
