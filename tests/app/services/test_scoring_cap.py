"""How many models may score at once: over every data set, and for starts at the same moment."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.services import scoring
from app.services.boards import DataChoice
from app.services.scoring import MOST_RUNNING, Model
from kdcore.errors import RunError
from kdcore.labels import BINARY
from kdcore.runs.store import RunStore
from kdcore.workspace import Workspace


def data(name: str) -> DataChoice:
    return DataChoice(name, name, "imported", Path(name))


@pytest.fixture
def store(tmp_path, monkeypatch) -> RunStore:
    """A workspace whose scorings are queued but never start, and two models that may be asked."""
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    kept = RunStore(Workspace(tmp_path / "home").runs)
    trained = kept.create({"stage": "finetune"}, title="one")
    offered = [Model(key, key, trained, BINARY, 1.0) for key in ("one", "two")]

    def create(config, home, title):
        time.sleep(0.05)  # so that another start comes in between
        return kept.create({"stage": "infer", "data": config.data, "run": config.run}, title=title)

    monkeypatch.setattr(scoring, "models", lambda: offered)
    monkeypatch.setattr(scoring.lab, "create", create)
    monkeypatch.setattr(scoring.processes, "start", lambda run: 0)
    return kept


def scorings(store: RunStore) -> int:
    return sum(run.is_scoring for run in store.list())


def test_models_at_work_on_other_data_count_as_well(store):
    for k in range(MOST_RUNNING):
        store.create({"stage": "infer", "data": f"other{k}"}, title="busy")
    with pytest.raises(RunError, match="are scoring data already"):
        scoring.start(["one"], data("mine"), "all")
    assert scorings(store) == MOST_RUNNING


def test_starts_at_the_same_moment_do_not_pass_the_limit_together(store):
    def ask(k: int) -> bool:
        try:
            return bool(scoring.start(["one", "two"], data(f"set{k}"), "all"))
        except RunError:
            return False

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(ask, range(4)))
    assert sum(started) == MOST_RUNNING // 2
    assert scorings(store) == MOST_RUNNING
