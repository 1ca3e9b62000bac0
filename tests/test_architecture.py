"""What the README and the house rules say of the tree is true."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from app.shell.pages import PAGES

ROOT = Path(__file__).parent.parent
PACKAGES = ("kdcore", "app")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
BROWSER_PARTS = sorted((ROOT / "app").rglob("*.js"))
# modules of one idea, which may have 400 lines; the script travels as one file
ONE_IDEA: set[str] = {"kdcore/export/scripts/towers.py", "kdcore/lab.py"}


def short(path: Path) -> str:
    """A path as the README writes it."""
    return str(path.relative_to(ROOT))


def lines(path: Path) -> int:
    return path.read_text().count("\n")


def end(node: ast.FunctionDef) -> int:
    return node.end_lineno or 0


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


NAMES = {name_of(path): path for path in MODULES}


def imports(path: Path) -> set[str]:
    """The modules of the project that a module imports, inside functions too."""
    targets = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                targets.add(whole if whole in NAMES else node.module)
    return {target for target in targets if target in NAMES} - {name_of(path)}


def room(name: str) -> str:
    """The folder of a module; a module at the root of a package is a room of its own."""
    parts = name.split(".")
    return ".".join(parts[:2])


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Groups of names that reach each other, by reachability from each name."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for target in arrows.get(waiting.pop(), set()) - seen:
                seen.add(target)
                waiting.append(target)
        return seen

    reached = {name: reach(name) for name in arrows}
    groups: list[set[str]] = []
    for name in arrows:
        group = {other for other in reached[name] if name in reached.get(other, set())} | {name}
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return groups


def told_by_readme(package: str) -> set[str]:
    """Names of the tree in README.md that stand directly in a package."""
    tree = re.search(r"## The tree\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert tree is not None
    room = re.search(rf"^{package}/.*?\n(.*?)(?=^\w|\Z)", tree[1], re.S | re.M)
    assert room is not None
    return {m[1] for m in re.finditer(r"^  (\w+(?:\.py|/))", room[1], re.M)}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tree_in_the_readme_names_every_part_and_nothing_else(package):
    there = {p.name for p in (ROOT / package).glob("*.py")} - {"__init__.py"}
    there |= {p.parent.name + "/" for p in (ROOT / package).glob("*/__init__.py")}
    assert told_by_readme(package) == there


def test_a_browser_part_reads_in_one_sitting_and_makes_no_html_of_texts():
    unsafe = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    long = [short(path) for path in BROWSER_PARTS if path.read_text().count("\n") > 300]
    html = [short(path) for path in BROWSER_PARTS if any(u in path.read_text() for u in unsafe)]
    wide = [short(p) for p in BROWSER_PARTS if max(map(len, p.read_text().splitlines())) > 120]
    assert (long, html, wide) == ([], [], [])


def test_a_page_is_a_short_script():
    pages = sorted((ROOT / "app" / "views").glob("*/page.py"))
    assert len(pages) == len(PAGES)
    assert [short(path) for path in pages if path.read_text().count("\n") > 60] == []


def test_a_module_and_a_function_read_top_to_bottom_in_one_sitting():
    """A command's options are not counted, its body is."""
    long = [short(p) for p in MODULES if lines(p) > (400 if short(p) in ONE_IDEA else 300)]
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and end(node) - node.body[0].lineno >= 40:
                long.append(f"{short(path)}: {node.name}")
    assert long == []


def test_a_folder_holds_at_most_sixteen_modules_and_no_two_of_one_prefix():
    crowded, prefixed = [], []
    for folder in {path.parent for path in MODULES}:
        names = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")]
        if len(names) > 16:
            crowded.append(short(folder))
        prefixes = [name.split("_")[0] for name in names]
        prefixed += [
            f"{short(folder)}/{name}"
            for name in names
            if "_" in name and prefixes.count(name.split("_")[0]) > 1
        ]
    assert (crowded, prefixed) == ([], [])


PARTICIPLES = {
    *("about", "alone", "asked", "beside", "found", "held", "judged", "kept", "known", "looks"),
    *("made", "said", "spoken", "sums", "taught", "told", "wanted", "who"),
}
NAMED_BY_NOUNS = ["app", "kdcore"]
OLD_NAMES = {"kdcore/evaluation/curves.py: judged"}  # a field of stored files keeps its name


def test_a_variable_is_a_noun_of_what_it_holds():
    """Not `found`, `told` or `asked`: the names of the idiolect that the code once had."""
    paths = {p for place in NAMED_BY_NOUNS for p in ROOT.glob(place)}
    files = {p for path in paths for p in (path.rglob("*.py") if path.is_dir() else [path])}
    names = set()
    for path in files:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(f"{short(path)}: {node.id}")
            elif isinstance(node, ast.arg):
                names.add(f"{short(path)}: {node.arg}")
            elif isinstance(node, ast.FunctionDef):
                names.add(f"{short(path)}: {node.name}")
    assert sorted(n for n in names - OLD_NAMES if n.split(": ")[1] in PARTICIPLES) == []


def test_no_circle_of_imports_joins_files_or_rooms():
    files = {name: imports(path) for name, path in NAMES.items()}
    rooms: dict[str, set[str]] = {}
    for name, targets in files.items():
        rooms.setdefault(room(name), set()).update(room(t) for t in targets)
    assert [sorted(circle) for circle in circles(files)] == []
    assert [sorted(circle) for circle in circles(rooms)] == []


def test_a_verdict_is_better_worse_or_inconclusive():
    """Its earlier words stand only where files that hold them are read."""
    reader = ROOT / "kdcore" / "evaluation" / "exports.py"
    lessons = (ROOT / "assets" / "lessons").glob("*.json")
    texts = [*MODULES, *BROWSER_PARTS, *lessons, ROOT / "README.md", ROOT / "CHANGELOG.md"]
    assert [str(path) for path in texts if path != reader and "BEATS" in path.read_text()] == []


def test_the_app_reads_no_english_sentence():
    """What code has to know of an error stands in its fields: a reworded text breaks no button."""
    sentence = re.compile(r"[a-z]{3,} [a-z]{3,}")
    found = []
    for path in MODULES:
        if short(path).startswith("app/"):
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
                    found += [short(path) for a in node.args if sentence.search(ast.unparse(a))]
                if isinstance(node, ast.Compare) and ast.unparse(node).endswith(".message"):
                    found.append(short(path))
    assert found == []


RAW_CONFIG = re.compile(r"\bconfig(\.get\(|\[[\"'])|\brun\.settings(\.get\(|\[)")


def test_only_run_facts_reads_a_raw_config():
    """Elsewhere a run's settings have types and names: run.teacher, run.config.training.epochs."""
    allowed = {ROOT / "kdcore" / "config.py", ROOT / "kdcore" / "runs" / "facts.py"}
    assert not [
        path for path in MODULES if path not in allowed and RAW_CONFIG.search(path.read_text())
    ]


# where the app names and stores what it remembers, so that tests can clear it
MEMORY = ("app/kit/by_hash.py", "app/kit/memory.py", "app/state/keys.py")
FILLED_LATER = {"dict", "list", "set", "OrderedDict", "defaultdict", "deque", "Counter"}


def is_filled_later(value: ast.expr | None) -> bool:
    """Whether a module fills this dictionary, list or set only while it runs."""
    if isinstance(value, ast.Call):
        return not value.args and ast.unparse(value.func).split(".")[-1] in FILLED_LATER
    return ast.unparse(value) in ("{}", "[]") if value is not None else False


def test_the_app_caches_and_remembers_in_one_place_and_names_the_modules_it_imports():
    app = {short(path): path for path in MODULES if short(path).startswith("app/")}
    unsaid = r"import_module\(|ModuleType"
    caches = r"st\.cache_|lru_cache|@cache\b|\"kd_[a-z_]+\""  # the last: app/state/keys.py has them
    wrong = [name for name, path in app.items() if re.search(unsaid, path.read_text())]
    for name in app.keys() - set(MEMORY):
        wrong += [name] * bool(re.search(caches, app[name].read_text()))
        for node in tree_of(app[name]).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_filled_later(node.value):
                wrong.append(f"{name}: {ast.unparse(node)}")
    assert wrong == []


LIGHT = [
    "catalog",
    "config",
    "evaluation.comparison",
    "data.check.report",
    "evaluation.evaluate",
    "evaluation.exports",
    "evaluation.gap",
    "lab",
    "language",
    "judging.drift",
    "judging.verdict",
    "judging.seeds",
    "labels",
    "evaluation.measures",
    "metrics.ranking",
    "outputs",
    "data.pairs",
    "predictions",
    "runs.queue.dispatch",
    "runs.queue.processes",
    "runs.facts",
    "runs.listing",
    "runs.queue.queue",
    "runs.store",
    "softlabels",
    "tutorial",
    "experiments.estimate.estimate",
    "experiments.launch",
    "experiments.sweep",
    "workspace",
    "data.library",
    "data.world",
]


def test_light_modules_import_without_torch_or_transformers():
    code = "import sys\n" + "".join(f"import kdcore.{name}\n" for name in LIGHT)
    code += "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_app_imports_without_torch_and_without_plotly_figures():
    code = (
        "import sys, pkgutil, importlib, app\n"
        "for found in pkgutil.walk_packages(app.__path__, 'app.'):\n"
        "    if found.name.split('.')[-1] not in ('main', '__main__', 'serve', 'page'):\n"
        "        importlib.import_module(found.name)\n"
        "names = ('torch', 'transformers', 'sklearn', 'umap')\n"
        "print([m for m in names if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
