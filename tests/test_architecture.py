"""What the README and the house rules say of the tree is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("kdcore", "app")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
BROWSER_PARTS = sorted((ROOT / "app").rglob("*.js"))


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


@pytest.mark.parametrize("path", BROWSER_PARTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_browser_part_reads_in_one_sitting_and_makes_no_html_of_texts(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert unsafe not in text


@pytest.mark.parametrize("path", sorted((ROOT / "app" / "views").glob("*/page.py")), ids=str)
def test_a_view_is_a_short_script(path):
    assert path.read_text().count("\n") <= 60


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_reads_top_to_bottom_in_one_sitting(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.body[0].lineno >= 40
    ]
    assert not long  # a command's options are not counted, its body is


def test_a_verdict_is_better_worse_or_inconclusive():
    """Its earlier words stand only where files that hold them are read."""
    reader = ROOT / "kdcore" / "metrics" / "significance.py"
    lessons = (ROOT / "assets" / "lessons").glob("*.json")
    texts = [*MODULES, *BROWSER_PARTS, *lessons, ROOT / "README.md", ROOT / "CHANGELOG.md"]
    assert [str(path) for path in texts if path != reader and "BEATS" in path.read_text()] == []


LIGHT = [
    "catalog",
    "config",
    "evaluation.comparison",
    "data.check.report",
    "evaluation.evaluate",
    "evaluation.exports",
    "evaluation.gap",
    "lab",
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
    "runs.queue.launch",
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
