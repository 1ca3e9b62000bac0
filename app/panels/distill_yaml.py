"""The draft as YAML: the same object as the form; what is wrong is told by its line."""

from collections.abc import Iterable

import streamlit as st
import yaml

from app import services, state
from app.services import distilling_draft
from app.services.distilling_draft import Draft
from app.texts import md
from kdcore.errors import ConfigError

_TYPED = "kd_yaml_typed"  # what was typed, until it is whole or taken back
_KEY = "distill_yaml"
_LONGEST = 20_000


def draw(now: Draft) -> None:
    """The box with the whole config, and the problems of what stands in it, line by line."""
    text = held(now) or yaml.safe_dump(now.values, sort_keys=False, allow_unicode=True)
    typed = _TYPED in st.session_state
    if told := problems_of(text) if typed else list(now.problems):
        say = st.error if typed else st.warning
        say("\n".join(f"- {md(line)}" for line in _with_lines(text, told)))
        if typed:
            st.button("Let it go", on_click=_let_go, key="distill_yaml_gone")
    st.session_state[_KEY] = text
    st.text_area(
        "The whole config",
        key=_KEY,
        height=460,
        max_chars=_LONGEST,
        disabled=services.public(),
        on_change=_typed,
        help="The same object as the form: `kdlab distill --config FILE` takes it as it stands. "
        "Ctrl+Enter takes over what you typed.",
    )


def held(now: Draft) -> str:
    """What was typed while it is unfinished, or says just what the draft is; else nothing."""
    typed = str(st.session_state.get(_TYPED, ""))
    if not typed or problems_of(typed):
        return typed
    if distilling_draft.read_yaml(yaml.safe_load(typed)) == now.config:
        return typed  # with its comments and its order
    del st.session_state[_TYPED]
    return ""


def is_unfinished(now: Draft) -> bool:
    """Whether something was typed that cannot be run."""
    typed = held(now)
    return bool(typed and problems_of(typed))


def unfinished(now: Draft) -> None:
    """Beside the form: what was typed as YAML is kept, and is not in force."""
    if not is_unfinished(now):
        return
    st.warning("What you typed as YAML is unfinished, so the form shows the settings before it.")
    with st.container(horizontal=True):
        st.button(
            "Go on typing", on_click=state.change, kwargs={"dmode": "yaml"}, key="distill_yaml_back"
        )
        st.button("Let it go", on_click=_let_go, key="distill_yaml_gone")


def problems_of(text: str) -> list[str]:
    """What is wrong with a text as the draft's config; nothing when it can be run."""
    try:
        distilling_draft.read_yaml(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = str(getattr(error, "problem", None) or "this is no YAML")
        return [f"line {mark.line + 1}: {told}" if mark else told]
    except ConfigError as error:
        return list(error.problems) or [str(error)]
    return []


def lines_of(text: str) -> dict[str, int]:
    """The line of every setting of a YAML text, by path, counted from 1."""
    found: dict[str, int] = {}

    def walk(node: yaml.Node | None, before: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                path = f"{before}{key.value}"
                found[path] = key.start_mark.line + 1
                walk(value, f"{path}.")

    try:
        walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    except yaml.YAMLError:
        return {}
    return found


def _with_lines(text: str, problems: Iterable[str]) -> list[str]:
    """Each problem led by the line that it is about, where it has one."""
    lines = lines_of(text)
    told = []
    for problem in problems:
        path = problem.partition(": ")[0].split(", ")[0]
        while path and path not in lines:  # a setting that is not written stands in its group
            path = path.rpartition(".")[0]
        told.append(f"line {lines[path]}: {problem}" if path else problem)
    return told


def _typed() -> None:
    text = str(st.session_state.get(_KEY, ""))
    st.session_state[_TYPED] = text
    if not problems_of(text):
        distilling_draft.take_config(distilling_draft.read_yaml(yaml.safe_load(text)))


def _let_go() -> None:
    st.session_state.pop(_TYPED, None)
