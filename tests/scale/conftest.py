"""A trained student of a few thousand weights, on a small world with a log."""

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from kdcore import lab
from kdcore.config import ModelConfig, TrainingConfig
from kdcore.runs.store import Run
from kdcore.workspace import Workspace

torch.set_num_threads(1)
LOG = 1130  # pairs: three shards, the last one shorter
SHARD = 400
DATA = f"world:log={LOG},train=200,validation=100,test=100"


@pytest.fixture(scope="session", autouse=True)
def ray_settings() -> Iterator[None]:
    """What Ray reads once per process, when it is imported: one token for all clusters."""
    settings = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    settings |= {"RAY_worker_niceness": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    """A workspace and the only run in it; tests copy neither and delete only shards."""
    workspace = Workspace(tmp_path_factory.mktemp("scale") / "home")
    model = ModelConfig.parse("cdssm:buckets=150,filters=12,semantic=8")
    training = TrainingConfig(epochs=1, batch_size=50)
    return workspace, lab.finetune(DATA, model, workspace=workspace, training=training)


@pytest.fixture
def home(trained: tuple[Workspace, Run]) -> Iterator[Workspace]:
    """The workspace, without shards before and after."""
    workspace, _ = trained
    drop_shards(workspace)
    yield workspace
    drop_shards(workspace)


@pytest.fixture
def source(trained: tuple[Workspace, Run]) -> Run:
    """The run whose model scores."""
    return trained[1]


def drop_shards(workspace: Workspace) -> None:
    """Delete every shard and manifest."""
    for path in workspace.cache_folder("shards").glob("*/*"):
        path.unlink() if path.is_file() else path.rmdir()


def infer(source: Run, home: Workspace, on: str) -> Run:
    """Score the log in shards."""
    settings = {"device": "cpu", "shard_rows": SHARD, "splits": ("log",)}
    return lab.infer(source, workspace=home, on=on, **settings)


def sums(home: Workspace) -> dict[str, str]:
    """The hash of every file in the folders of shards, by its name."""
    files = filter(Path.is_file, home.cache_folder("shards").glob("*/*"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def shard_path(home: Workspace, first: int) -> Path:
    """The file of the shard that begins at a row."""
    (path,) = home.cache_folder("shards").glob(f"*/*-{first:012d}-*.safetensors")
    return path
