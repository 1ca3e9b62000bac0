"""How long a run took, told at its end, counts every leg of it."""

import json
from typing import Any

import pytest

from kdcore import lab
from kdcore.errors import RunError
from kdcore.runs.store import Run
from kdcore.training.session import Session
from kdcore.workspace import Workspace

from .conftest import checkpoint, created, finetuning


@pytest.fixture
def stopped(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that was paused at its fourth step."""
    monkeypatch.setattr("kdcore.runs.writer.STOP_LOOK_EVERY", 0)
    genuine = Session.step

    def step(self: Session, *args: Any) -> None:
        genuine(self, *args)
        if self.progress.step == 4:
            self.run.request_stop("pause")

    monkeypatch.setattr(Session, "step", step)
    run = created(finetuning(), home)
    with pytest.raises(RunError, match="is stopped"):
        lab.execute(run, home)
    return run


def told(run: Run) -> float:
    return max(line["seconds"] for line in run.metrics() if "seconds" in line)


def test_a_resumed_run_counts_the_seconds_of_its_earlier_legs(
    stopped: Run, home: Workspace
) -> None:
    card = checkpoint(stopped)
    assert card["seconds"] > 0
    path = stopped.checkpoint_folder / "checkpoint.json"
    path.write_text(json.dumps(card | {"seconds": 5000.0}))
    lab.resume(stopped, home)
    assert 5000 < told(stopped) < 6000


def test_a_checkpoint_from_before_it_told_seconds_still_resumes(
    stopped: Run, home: Workspace
) -> None:
    card = checkpoint(stopped)
    del card["seconds"]
    (stopped.checkpoint_folder / "checkpoint.json").write_text(json.dumps(card))
    lab.resume(stopped, home)
    assert stopped.status().state == "finished"
    assert told(stopped) > 0
