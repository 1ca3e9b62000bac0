"""Put a browser part together: its own files, the shared ones, the palette; inlined, never fetched.

A part's folder holds part.js (its default export is called on every change), part.css and, when
it has fixed markup, part.html. Further files of the folder are named in `own`.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import streamlit as st

from app.kit.figures.style import css as palette

Mount = Callable[..., Any]
_SHARED = files("app.parts")


def part(package: str, *shared: str, own: tuple[str, ...] = ()) -> Mount:
    """Register the part of a package (its `__name__`) with shared modules; return its mount."""
    html = _text(files(package), "part.html") or '<div class="kd"></div>'
    sheets = [_text(_SHARED, f"{name}.css") for name in ("base", *shared)]  # a shared module's look
    sheets.append(_text(files(package), "part.css"))
    style = palette() + "".join(sheet for sheet in sheets if sheet)
    renderer = st.components.v2.component(
        f"kd_{package.rsplit('.', 1)[-1]}",
        html=html,
        css=style + "\n",
        js=source(package, *shared, own=own),
    )
    mount: Mount = renderer
    return mount


@cache
def source(package: str, *shared: str, own: tuple[str, ...] = ()) -> str:
    """The module text of a part: shared modules and own files first, `export` taken off them."""
    modules = [_text(_SHARED, f"{name}.js") or "" for name in shared]
    modules += [_text(files(package), f"{name}.js") or "" for name in own]
    plain = [_plain(text) for text in modules]
    return "\n".join([*plain, _text(files(package), "part.js") or "", ""])


def held(key: str, name: str) -> Any:
    """What a mounted part last said under a state's name, or None; read it before mounting."""
    said: Any = st.session_state.get(key)
    return said.get(name) if hasattr(said, "get") else None


def _plain(text: str) -> str:
    kept = re.sub(r"^import .*?;\n", "", text, flags=re.M | re.S)
    return re.sub(r"^export (?=(?:async )?(?:function|const|class|let)\b)", "", kept, flags=re.M)


def _text(folder: Traversable, name: str) -> str | None:
    path = folder.joinpath(name)
    return path.read_text(encoding="utf-8") if path.is_file() else None
