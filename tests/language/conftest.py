"""A teacher and a student of masked words, trained for a moment; torch on one thread."""

import shutil
from pathlib import Path

import pytest
import torch

from kdcore.language.plan import StudentPlan, TeacherPlan
from kdcore.language.train import train_pair
from kdcore.workspace import Workspace

torch.set_num_threads(1)
COMMON = {"texts": 300, "learning_rate": 1e-2, "device": "cpu", "threads": 1, "log_every": 4}
TEACHER = TeacherPlan(steps=150, layers=2, hidden=32, heads=2, **COMMON)
STUDENT = StudentPlan(teacher="teacher", steps=8, **(COMMON | {"learning_rate": 5e-3}))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the models teacher and student."""
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    train_pair(TEACHER, STUDENT, workspace, lambda title, run: None)
    return workspace


@pytest.fixture(scope="session")
def pair(home: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with teacher/ and student/, the two models."""
    out = tmp_path_factory.mktemp("masked")
    for name in ("teacher", "student"):
        shutil.copytree(home.masked / name / "model", out / name)
    return out
