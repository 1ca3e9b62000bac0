"""A command line in this process or its own, with small invented data in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from kdcore.__main__ import main
from kdcore.runs.queue.queue import dispatcher
from kdcore.workspace import Workspace

TINY = ("--epochs", "1", "--batch-size", "16")
TEACHER = "bert:layers=1,hidden=16,heads=2,vocabulary=200"
STUDENT = "twinbert_cos:layers=1,hidden=16,heads=2,vocabulary=200"


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Kdlab = Callable[..., Said]


def small_table(queries: int = 30, ads: int = 4) -> str:
    """A TSV with a header: an ad is good when it names the thing that was searched."""
    lines = ["query\ttitle\tdescription\tgrade\tsplit"]
    things = ("lamp", "kettle", "sofa", "drum", "tent")
    for q in range(queries):
        split = "train" if q < queries * 0.6 else "validation" if q < queries * 0.8 else "test"
        thing = things[q % 5]
        for a in range(ads):
            offer = thing if a % 2 else things[(q + a + 1) % 5]
            grade = "Good" if offer == thing else "Bad"
            lines.append(f"{thing} number {q}\tbuy a {offer}\toffer {a} today\t{grade}\t{split}")
    return "\n".join(lines) + "\n"


def in_its_own_process(*arguments: object) -> subprocess.Popen[str]:
    """`python -m kdcore ...` with piped output."""
    return subprocess.Popen(
        [sys.executable, "-m", "kdcore", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@dataclass(frozen=True)
class Home:
    """A workspace, the data set `small` in it, and two finished runs."""

    folder: Path
    teacher: str
    student: str


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A workspace with the data set `small`, and a finished teacher and student."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "small.tsv").write_text(small_table(), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDLAB_HOME", str(folder))
        assert main(["data", "import", str(folder / "small.tsv")]) == 0
        assert main(["finetune", "-q", "--data", "small", "--model", TEACHER, *TINY]) == 0
        (teacher,) = (run.name for run in (folder / "runs").iterdir())
        learn = ["distill", "-q", "--teacher", teacher, "--student", STUDENT, *TINY]
        assert main(learn) == 0
        (student,) = {run.name for run in (folder / "runs").iterdir()} - {teacher}
    yield Home(folder, teacher, student)
    if pid := dispatcher(Workspace(folder)):  # of what was let run on; its ready child leaves too
        psutil.Process(pid).kill()


@pytest.fixture
def home(made_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same workspace, as KDLAB_HOME."""
    monkeypatch.setenv("KDLAB_HOME", str(made_home.folder))
    monkeypatch.delenv("KDLAB_TRACEBACK", raising=False)
    return made_home


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in which nothing lies yet."""
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def kdlab(capfd: pytest.CaptureFixture[str]) -> Kdlab:
    """Run one command in this process."""

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capfd.readouterr())

    return call
