"""An empty workspace beside the bundled demo, for every test of the Distill page."""

import pytest

from app import services
from app.kit import by_hash
from kdcore.workspace import Workspace


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    by_hash.clear()
    services.sources.clear()
    yield Workspace(tmp_path / "home")
    by_hash.clear()
