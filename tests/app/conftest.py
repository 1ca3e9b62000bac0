"""Empty workspaces for a test; what AppTest leaves behind is put back for the tests after it."""

import sys
from functools import cache, lru_cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner

from app.kit import by_hash
from kdcore.data.world import world


@pytest.fixture(autouse=True, scope="session")
def installed_packages_are_read_once():
    """Each AppTest looks for browser parts in the metadata of every installed package."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def the_world_is_generated_once(monkeypatch):
    """The empty workspace of each test would otherwise generate the bundled world anew."""
    monkeypatch.setattr("kdcore.data.world.world", _world)


_world = lru_cache(maxsize=8)(world)


@pytest.fixture(autouse=True)
def no_process_is_started(monkeypatch):
    """A page that gets a process ready for a visitor would leave one behind for each test."""
    monkeypatch.setattr("kdcore.runs.queue.queue.ensure_dispatcher", lambda workspace: None)
    monkeypatch.setattr("app.views.distill.queries.runs.ensure_measured", lambda workspace: True)
    monkeypatch.setattr("kdcore.judging.background.ensure_process", lambda workspace: None)


@pytest.fixture(autouse=True)
def main_module_as_it_was():
    """AppTest puts the script in the place of __main__, which spawned processes then run."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty demo/ and of the visitor's empty home/."""
    monkeypatch.setenv("KDLAB_DEMO", str(tmp_path / "demo"))
    monkeypatch.setenv("KDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KDLAB_PUBLIC", raising=False)
    by_hash.clear()
    return tmp_path
