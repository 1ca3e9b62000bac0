"""A browser part is its modules in the order of their imports, and no module uses a stray name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pygments.lexers import JavascriptLexer
from pygments.token import Comment, Name

from app.kit import browser_part

APP = Path(__file__).parents[3] / "app"
SCRIPTS = sorted(APP.rglob("*.js"))
PARTS = sorted(
    ".".join(("app", *path.parent.relative_to(APP).parts)) for path in APP.rglob("part.js")
)

# what a browser gives to every script, as far as our parts use it
BROWSER = set(
    """
    AbortController AbortSignal Array Blob Boolean CSS CSSFontFaceRule CustomEvent DOMRect Date
    Error Float32Array Float64Array Image Int32Array Intl JSON Map Math NaN Infinity Node Number
    Object Promise RangeError MutationObserver ResizeObserver Set String URL URLSearchParams
    Uint8Array Uint16Array Uint32Array ArrayBuffer WeakMap XMLSerializer atob btoa
    cancelAnimationFrame clearInterval
    clearTimeout document encodeURIComponent fetch getComputedStyle history location navigator
    parseFloat parseInt performance requestAnimationFrame setInterval setTimeout structuredClone
    undefined window
    """.split()  # noqa: SIM905
)
BLOCKS = {"if", "for", "while", "switch"}


def words(text: str) -> list[tuple[bool, str]]:
    """The tokens of a script without space and comments, each with whether it may be a name."""
    return [
        (kind in Name and value not in ("from", "get") and not value.startswith("_"), value)
        for kind, value in JavascriptLexer().get_tokens(text)
        if kind not in Comment and value.strip()
    ]


def closing(tokens: list[tuple[bool, str]], start: int) -> int:
    """The place of the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(tokens)):
        depth += sum(tokens[at][1].count(sign) for sign in "([{")
        depth -= sum(tokens[at][1].count(sign) for sign in ")]}")
        if depth <= 0:
            return at
    return len(tokens) - 1


def declared(tokens: list[tuple[bool, str]]) -> Iterator[str]:
    """Names that a script binds anywhere: declarations, parameters, imports."""
    for at, (is_name, value) in enumerate(tokens[:-1]):
        before, after = tokens[at - 1][1] if at else "", tokens[at + 1][1]
        if value in ("const", "let", "import"):
            end = closing(tokens, at + 1) if after in ("{", "[") else at + 1
            yield from (word for named, word in tokens[at + 1 : end + 1] if named)
        elif value in ("function", "class"):
            yield after
        elif is_name and (after == "=>" or (before == "," and after == "=")):
            yield value
        elif value == "(" and before not in BLOCKS:
            end = closing(tokens, at)
            if end + 1 < len(tokens) and tokens[end + 1][1] in ("=>", "{"):
                yield from (word for named, word in tokens[at + 1 : end] if named)
                if tokens[end + 1][1] == "{":
                    yield before  # a method


def stray(text: str) -> set[str]:
    """Names that a script uses and neither declares nor imports nor has from the browser."""
    tokens = words(text)
    used = set()
    for at, (is_name, value) in enumerate(tokens):
        before, after = (
            tokens[at - 1][1] if at else "",
            tokens[at + 1][1] if at + 1 < len(tokens) else "",
        )
        is_key = after == ":" and before in ("{", ",")
        if is_name and before not in (".", "?.") and not is_key:
            used.add(value)
    return used - set(declared(tokens)) - BROWSER


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(APP)))
def test_a_module_declares_or_imports_every_name_it_uses(path):
    assert stray(path.read_text()) == set()


def test_a_forgotten_import_is_seen():
    assert stray("export const a = (b) => lost(b, { c: 1 });") == {"lost"}
    assert stray('import { found } from "./x.js";\nconst [a, b] = found(`${gone}`);') == {"gone"}


@pytest.mark.parametrize("package", PARTS)
def test_a_part_joins_with_every_import_known_and_without_a_circle(package):
    text = browser_part.source(package)
    assert text.count("export default function") == 1
    assert not re.search(r"^import\b", text, re.M)


def part_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> str:
    """The name of an invented package whose part has these files; shared_x lies in parts/x.js."""
    root = f"made_{folder.name}".replace("-", "_")
    for name, text in files.items():
        shared = name.startswith("shared_")
        path = folder / root / ("parts" if shared else "own") / f"{name.removeprefix('shared_')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    (folder / root / "__init__.py").touch()
    monkeypatch.syspath_prepend(folder)
    return f"{root}.own"


def test_modules_come_once_in_the_order_of_their_imports(tmp_path, monkeypatch):
    package = part_of(
        tmp_path,
        monkeypatch,
        part='import { a } from "./a.js";\nimport { b as c } from "../parts/b.js";\na(c);\n',
        a='import { b } from "../parts/b.js";\nexport const a = b;\n',
        shared_b="export function b() {}\nconst own = 1;\n",
    )
    joined = browser_part.source(package)
    assert [module.path for module in browser_part.modules(package)] == [
        "parts/b.js",
        "own/a.js",
        "own/part.js",
    ]
    assert joined.count("function b()") == 1
    assert "const { b: c } = module_parts_b;" in joined


@pytest.mark.parametrize(
    ("imported", "module", "words"),
    [
        ("{ gone } from './a.js'", "", "an import is written"),
        ('{ gone } from "./a.js"', "const gone = 1;\n", "gone, which own/a.js does not export"),
        ('{ x } from "./b.js"', "", "no module own/b.js"),
        ('{ x } from "../views/x.js"', "", "neither beside it nor shared"),
        ('{ x } from "./a.js"', 'import { y } from "./part.js";\n', "in a circle"),
    ],
)
def test_an_import_that_cannot_be_resolved_is_refused(
    tmp_path, monkeypatch, imported, module, words
):
    package = part_of(tmp_path, monkeypatch, part=f"import {imported};\n", a=module)
    with pytest.raises(ImportError, match=words):
        browser_part.source(package)
