"""The process that waits for its run prepares what is likely, and harms nobody by it."""

import json
from pathlib import Path
from queue import Queue

import pytest

from kdcore import lab
from kdcore.cli import ready
from kdcore.config import DistillConfig, to_dict
from kdcore.runs import machine
from kdcore.runs.queue.entries import QueueEntry, locked, write
from kdcore.workspace import Workspace

LIKELY = json.dumps(to_dict(DistillConfig(teacher="somebody")))


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyError("x"), MemoryError()])
def test_whatever_goes_wrong_while_it_prepares_it_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(lab, "pairs_of", fail)
    ready._prepare(LIKELY, tmp_path, Queue())


def test_nothing_is_prepared_while_a_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "gpus", list)
    with locked(Workspace(tmp_path)) as folder:
        (folder / "prepare.json").write_text(LIKELY)
        assert ready._likely(tmp_path) == LIKELY
        write(folder / "running", QueueEntry(run_id="r", device="cpu", at=0, number=1))
    assert ready._likely(tmp_path) == ""
