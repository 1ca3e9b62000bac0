"""Put a browser part together: its modules, sheets and the palette, all inlined, never fetched.

A part's folder holds part.js (its default export is called on every change) and, where needed,
part.html and part.css. Modules import one another by relative path, as in any browser, from the
part's own folder and from app/parts; a sheet of a module's name comes along with it.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import streamlit as st

from app.kit.by_hash import by_hash
from app.kit.figures.style import css as palette

Mount = Callable[..., Any]
_SHARED = "parts"  # the folder of modules that several parts import
_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.M)


def part(package: str) -> Mount:
    """Register the part of a package (its `__name__`) with Streamlit; return its mount."""
    root, folder = _places(package)
    html = _text(root, f"{folder}/part.html") or '<div class="kd"></div>'
    sheets = [f"{_SHARED}/base.css"]
    sheets += [module.path.removesuffix("js") + "css" for module in modules(package)]
    style = palette() + "".join(_text(root, sheet) or "" for sheet in sheets)
    renderer = st.components.v2.component(
        f"kd_{package.rsplit('.', 1)[-1]}", html=html, css=style + "\n", js=source(package)
    )
    mount: Mount = renderer
    return mount


def state_value(key: str, name: str) -> Any:
    """The value that a mounted part last sent under a name, or None; read it before mounting."""
    state: Any = st.session_state.get(key)
    return state.get(name) if hasattr(state, "get") else None


@dataclass(frozen=True)
class Module:
    """One JavaScript file of a part. path: below the package's root, such as parts/draw.js."""

    path: str
    text: str
    imports: tuple[tuple[str, str], ...]  # what stands in the braces, and the path it comes from
    exports: tuple[str, ...]

    def scoped(self) -> str:
        """Its text in a scope of its own, which gives an object of its exports."""
        text, exports = _EXPORT.sub("", self.linked()), ", ".join(self.exports)
        return f"const {_object(self.path)} = (() => {{\n{text}return {{ {exports} }};\n}})();\n"

    def linked(self) -> str:
        """Its text with each import taken from the object of the other module's exports."""

        def link(match: re.Match[str]) -> str:
            other = _object(_resolved(self.path, match[2]))
            return f"const {{{match[1].replace(' as ', ': ')}}} = {other};\n"

        return _IMPORT.sub(link, self.text)


@by_hash(most=300)
def source(package: str) -> str:
    """The part as one module: what it imports first, each file once, part.js last."""
    *others, own = modules(package)
    return "".join(module.scoped() for module in others) + own.linked()


@by_hash(most=300)
def modules(package: str) -> tuple[Module, ...]:
    """The files of a part in the order of their imports; part.js is the last."""
    root, folder = _places(package)
    done: dict[str, Module] = {}

    def add(path: str, importers: tuple[str, ...]) -> Module:
        if path in importers:
            raise ImportError(
                f"These modules import in a circle: {' -> '.join([*importers, path])}"
            )
        if path in done:
            return done[path]
        module = _read(root, path)
        for names, other in module.imports:
            if posixpath.dirname(other) not in (folder, _SHARED):
                raise ImportError(f"{path} imports {other}, which is neither beside it nor shared")
            exports = add(other, (*importers, path)).exports
            imported = {name.split(" as ")[0].strip() for name in names.split(",")} - {""}
            if missing := sorted(imported - set(exports)):
                raise ImportError(
                    f"{path} imports {', '.join(missing)}, which {other} does not export"
                )
        done[path] = module
        return module

    add(f"{folder}/part.js", ())
    return tuple(done.values())


def _read(root: str, path: str) -> Module:
    text = _text(root, path)
    if text is None:
        raise ImportError(f"There is no module {path}")
    imports = [(names, _resolved(path, place)) for names, place in _IMPORT.findall(text)]
    if len(imports) != len(re.findall(r"^import\b", text, re.M)):
        raise ImportError(f'{path}: an import is written import {{ name }} from "./file.js";')
    return Module(path, text, tuple(imports), tuple(_EXPORT.findall(text)))


def _places(package: str) -> tuple[str, str]:
    """The root package of a part and its folder below it, as (app, views/start/parts/ladder)."""
    root, *rooms = package.split(".")
    return root, "/".join(rooms)


def _object(path: str) -> str:
    """The name of the object that holds a module's exports, such as module_parts_draw."""
    return "module_" + re.sub(r"\W", "_", path.removesuffix(".js"))


def _resolved(importer: str, place: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), place))


def _text(root: str, path: str) -> str | None:
    file = files(root).joinpath(*path.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None
