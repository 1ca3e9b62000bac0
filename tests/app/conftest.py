"""What AppTest leaves behind is put back, so that other tests of the process start as before."""

import sys

import pytest


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
