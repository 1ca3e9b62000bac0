"""What an error tells to do can be done, in the place where it is read."""

import ast
import re
from pathlib import Path

import pytest
from typer.main import get_command

from kdcore.cli.data import app
from kdcore.errors import Cure, DataError, for_app

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "kdcore" / "data").rglob("*.py"))


def texts_of(path: Path) -> str:
    tree = ast.parse(path.read_text())
    return "\n".join(n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)
                     and isinstance(n.value, str))  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_every_option_that_a_reader_names_is_one_of_the_import(path: Path) -> None:
    """--grades four was advised and refused."""
    known = {
        option
        for parameter in get_command(app).commands["import"].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", texts_of(path)))
    if not {"answers", "judge"} & set(path.parts):  # those name options of other commands
        assert named <= known


def test_every_control_that_a_cure_names_is_on_the_data_page() -> None:
    panels = "\n".join(map(texts_of, (ROOT / "app" / "views" / "data").rglob("*.py")))
    for path in SOURCES:
        if "answers" not in path.parts:
            for name in re.findall(r"“([^”{]+)”", texts_of(path)):
                assert name in panels, (path.name, name)


def test_an_error_carries_its_cures_for_both_places() -> None:
    error = DataError("It cannot be read:", ["plain", Cure("add --this", "tick “This”")])
    assert str(error) == "It cannot be read:\n- plain\n- add --this"
    assert error.problems_for_app == ("plain", "tick “This”")
    assert for_app("plain") == "plain"
