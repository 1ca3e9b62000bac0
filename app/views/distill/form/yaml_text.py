"""The draft as YAML: the same object as the form; what is wrong is told by its line."""

from collections.abc import Iterable

import streamlit as st
import yaml

from app import services, state
from app.kit.texts import md
from app.services import draft
from app.services.draft import Draft
from app.state import keys
from kdcore.config import DistillConfig
from kdcore.errors import ConfigError, about_settings
from kdcore.yaml_text import read_yaml

_KEY = "distill_yaml"
_LONGEST = 20_000
_WORDS = 60  # characters of a line that a problem quotes
_DEEPEST = 12  # groups within groups
_ODD = (ValueError, AttributeError, LookupError, TypeError, ArithmeticError, RecursionError)


def draw(now: Draft) -> None:
    """The box with the whole config, and the problems of what stands in it, line by line."""
    text = typed_text() or yaml.safe_dump(now.values, sort_keys=False, allow_unicode=True)
    typed = bool(typed_text())
    problems = problems_of(text) if typed else list(now.problems)
    if typed and not problems and read(text) != now.config:
        _elsewhere()
    elif problems:
        show = st.error if typed else st.warning
        show("\n".join(f"- {md(line)}" for line in _with_lines(text, problems)))
        if typed:
            _discard_button("Discard my text")
    st.session_state[_KEY] = text
    st.text_area(
        "The whole config",
        key=_KEY,
        height=460,
        max_chars=_LONGEST,
        disabled=services.public(),
        on_change=_typed,
        help="The same object as the form: `kdlab distill --config FILE` reads the same text. "
        "Ctrl+Enter applies what you typed.",
    )


def typed_text() -> str:
    """What was typed, with its comments and its order, until it is discarded; else nothing."""
    return str(st.session_state.get(keys.YAML_TYPED, ""))


def is_unfinished() -> bool:
    """Whether something was typed that cannot be run."""
    text = typed_text()
    return bool(text and problems_of(text))


def unfinished() -> None:
    """Beside the form: what was typed as YAML is stored, and is not in force."""
    if not is_unfinished():
        return
    st.warning("What you typed as YAML is unfinished, so the form shows the settings before it.")
    with st.container(horizontal=True):
        st.button(
            "Go on typing",
            on_click=state.change,
            kwargs={"distill": {"mode": "yaml"}},
            key="distill_yaml_back",
        )
        _discard_button("Discard my text")


def read(text: str) -> DistillConfig:
    """The config that a text describes; ConfigError or YAMLError for whatever else it may be."""
    try:
        _plain_only(text)
        return draft.read_yaml(read_yaml(text))
    except (ConfigError, yaml.YAMLError):
        raise
    except _ODD as cause:  # !!int abc, 2024-13-45, a number of 5,000 digits
        problem = "this is no YAML that can be read: a date, a number or a tag in it is none"
        raise ConfigError("This is no YAML:", [problem]) from cause


def _plain_only(text: str) -> None:
    """ConfigError for aliases, and for groups in groups deeper than any config."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        problem = "nested deeper than any configuration" if depth > _DEEPEST else ""
        if isinstance(event, yaml.AliasEvent):
            problem = f"aliases are not read; write out the value of *{event.anchor}"
        if problem:
            mark = event.start_mark
            line = f"line {mark.line + 1}" if mark else "somewhere"
            raise ConfigError("This is no config:", [f"{line}: {problem}"])


def problems_of(text: str) -> list[str]:
    """What is wrong with a text as the draft's config; nothing when it can be run."""
    try:
        read(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or "this is no YAML")
        return [f"{_place(text, mark.line + 1)}: {problem}" if mark else problem]
    except ConfigError as error:
        return list(error.problems) or [str(error)]
    return []


def _place(text: str, line: int) -> str:
    """A line by its number and its words: the box that it stands in has no numbers."""
    lines = text.splitlines()
    words = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    shown = words if len(words) <= _WORDS else words[: _WORDS - 1] + "…"
    return f"line {line}, “{shown}”" if shown else f"line {line}"


def lines_of(text: str) -> dict[str, int]:
    """The line of every setting of a YAML text, by path, counted from 1."""
    lines: dict[str, int] = {}

    def walk(node: yaml.Node | None, before: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                path = f"{before}{key.value}"
                lines[path] = key.start_mark.line + 1
                walk(value, f"{path}.")

    try:
        _plain_only(text)
        walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    except (ConfigError, yaml.YAMLError, *_ODD):
        return {}
    return lines


def _with_lines(text: str, problems: Iterable[str]) -> list[str]:
    """Each problem led by the line that it is about, where it has one."""
    lines, located = lines_of(text), []
    for problem in problems:
        path = next(iter(about_settings(problem)[0]), "")
        while path and path not in lines:  # a setting that is not written stands in its group
            path = path.rpartition(".")[0]
        located.append(f"{_place(text, lines[path])}: {problem}" if path else problem)
    return located


def _typed() -> None:
    st.session_state[keys.YAML_TYPED] = str(st.session_state.get(_KEY, ""))
    _take_over()


def _take_over() -> None:
    text = typed_text()
    if text and not problems_of(text):
        draft.take_config(read(text))


def _elsewhere() -> None:
    """The text is whole and is not what is set: the form, a link or a button came after it."""
    st.warning("The settings were changed after you typed this. Start runs them, not this text.")
    with st.container(horizontal=True):
        st.button("Take this text over", on_click=_take_over, key="distill_yaml_take")
        _discard_button("Show the settings")


def _discard_button(label: str) -> None:
    st.button(
        label,
        on_click=lambda: st.session_state.pop(keys.YAML_TYPED, None),
        key="distill_yaml_gone",
    )
