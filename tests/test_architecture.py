"""What the README and the house rules say of the tree is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "kdcore").rglob("*.py"))


def told_by_readme() -> set[str]:
    """Names of the tree in README.md that stand directly in kdcore/."""
    tree = re.search(r"## The tree\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert tree is not None
    return {m[1] for m in re.finditer(r"^  (\w+(?:\.py|/))", tree[1], re.M)}


def test_the_tree_in_the_readme_names_every_part_of_the_engine_and_nothing_else():
    there = {p.name for p in (ROOT / "kdcore").glob("*.py")} - {"__init__.py"}
    there |= {p.parent.name + "/" for p in (ROOT / "kdcore").glob("*/__init__.py")}
    assert told_by_readme() == there


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


LIGHT = [
    "catalog",
    "config",
    "comparison",
    "datacheck",
    "evaluate",
    "exports",
    "gap",
    "lab",
    "labels",
    "measures",
    "metrics.ranking",
    "outputs",
    "pairs",
    "predictions",
    "runs.launch",
    "runs.store",
    "softlabels",
    "tutorial",
    "workspace",
    "datasets.library",
    "datasets.world",
]


def test_light_modules_import_without_torch_or_transformers():
    code = "import sys\n" + "".join(f"import kdcore.{name}\n" for name in LIGHT)
    code += "print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
